"""The boards over two years of work, a year asked at once: as after somebody else's change, and found computed."""

from collections.abc import Callable, Iterator
from datetime import date

from benchmarks import people
from benchmarks.measure import Row, time_each
from crm_core import clock, db
from crm_core.numbering import bump
from crm_core.permissions import Actor
from crm_core.services import library, users
from crm_core.services.insight import boards
from crm_core.services.insight.question import Period, Question

CALLS, WARM_UP = 9, 1
CACHED = 60


def measure(is_wanted: Callable[[str], bool]) -> Iterator[Row]:
    """Each board for somebody who sees everything, and uncached for the head of a team."""
    for key in boards.BOARDS:
        for who, suffix in (("administrator1", ""), ("manager1", ".team")):
            name = f"core.dashboard.{key}{suffix}.uncached"
            if is_wanted(name):
                yield Row(name, _time_fresh(people.actor(who), key))
        name = f"core.dashboard.{key}.cached"
        if is_wanted(name):
            actor = people.actor("administrator1")
            yield Row(name, time_each(lambda _call, actor=actor, key=key: _answer(actor, key), range(CACHED)))


def _time_fresh(actor: Actor, key: str) -> list[float]:
    times: list[float] = []
    for _call in range(CALLS):
        with db.transaction() as session:
            bump(session, "customers")
        times += time_each(lambda _one: _answer(actor, key), [None], warm_up=0)
    return times[WARM_UP:]


def _answer(actor: Actor, key: str) -> None:
    today = clock.today()
    with db.reading(actor) as session:
        library.get_library(session)
        users.user_names(session)
        boards.answer(session, actor, key, Question(Period(date(today.year, 1, 1), today)))
