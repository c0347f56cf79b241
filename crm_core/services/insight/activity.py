"""跟进: who is in touch with customers, how, with what success, and how soon after the entry."""

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, literal, or_, select, true, union_all

from crm_core import clock
from crm_core.i18n import N_
from crm_core.models import METHODS, Customer, FollowUp, User
from crm_core.models.base import UtcTime
from crm_core.services.insight import picks
from crm_core.services.insight.board import Board, Chart, Column, Figure, Kind, Point, Unit
from crm_core.services.insight.ground import Ground, Rows, count, ranking, rate, share, spans
from crm_core.services.insight.picks import during, pick
from crm_core.services.insight.question import Period

KEY, TITLE = "activity", N_("Follow-up activity")
EMPTY = N_("In these days nobody followed up a customer. Choose a longer period, or take filters away.")


def compute(ground: Ground) -> Board:
    """The board."""
    made, first = _made(ground), first_follow_ups(ground)
    if not made and not first:
        return Board(KEY, TITLE, missing=EMPTY)
    figures = (
        follow_up_figure(ground, ground.period, sum(row.number for row in made)),
        *success_figures(ground, ground.period),
        _first_figure(ground, first),
    )
    return Board(
        KEY, TITLE, figures, (_by_person(ground, made), along_time(ground), _by_method(ground, made), _first_by_person(ground, first))
    )


def _made(ground: Ground) -> Rows:
    """How many by person and method. Each is counted in a range of an index: grouping so many rows would sort them first."""
    methods = union_all(*(select(literal(method).label("method")) for method in METHODS)).subquery("methods")
    own = ground.rows_of(FollowUp, func.count()).where(during(FollowUp.happened_at, ground.period))
    own = own.where(FollowUp.author_id == User.id, FollowUp.method == methods.c.method).correlate(User, methods)
    number = own.scalar_subquery().label("number")
    rows = ground.read(select(User.id.label("author_id"), methods.c.method, number).select_from(User).join(methods, true()))
    return [row for row in rows if row.number]


def follow_up_figure(ground: Ground, period: Period, number: int | None = None) -> Figure:
    """How many there were; counted where nobody has."""
    if number is None:
        number = ground.one(ground.rows_of(FollowUp, func.count()).where(during(FollowUp.happened_at, period)))[0]
    return Figure("follow_ups", N_("Follow-ups"), Unit.COUNT, number, definition="follow_ups", behind=ground.follow_up_link(period))


def success_figures(ground: Ground, period: Period) -> tuple[Figure, Figure]:
    """The customers followed, and 跟进成功率 among them."""
    days, people = (period.first, period.last), ground.people
    number = func.count(FollowUp.customer_id.distinct())
    followed = ground.one(ground.rows_of(FollowUp, number).where(during(FollowUp.happened_at, period)))[0]
    advanced = picks.succeeded(ground.session, period, people)
    reached = ground.one(ground.customers(func.count(Customer.id), by_owner=False).where(advanced))[0] if followed else 0
    names = tuple(people or ())
    return (
        Figure(
            "followed",
            N_("Customers followed up"),
            Unit.COUNT,
            followed,
            definition="followed",
            behind=ground.customer_link(is_owned=False, of=pick("followed", *days, *names)),
        ),
        share(
            "success",
            N_("Follow-up success rate"),
            reached,
            followed,
            behind=ground.customer_link(is_owned=False, of=pick("succeeded", *days, *names)),
        ),
    )


def _by_person(ground: Ground, made: Rows) -> Chart:
    numbers: dict[int, dict[str, int]] = {}
    for row in made:
        numbers.setdefault(row.author_id, {})[row.method] = row.number
    columns = (count(N_("All ways")), *(count(label) for label in METHODS.values()))
    points = [
        ground.person(author, sum(some.values()), *(some.get(method, 0) for method in METHODS), behind=ground.follow_up_link(author=author))
        for author, some in numbers.items()
    ]
    return Chart(
        "by_person", N_("Follow-ups by person and method"), Kind.STACKED, N_("Person"), columns, ranking(points, columns), "follow_ups"
    )


def _by_method(ground: Ground, made: Rows) -> Chart:
    numbers: dict[str, int] = {}
    for row in made:
        numbers[row.method] = numbers.get(row.method, 0) + row.number
    points = tuple(
        Point(label, (numbers[method],), is_phrase=True, behind=ground.follow_up_link(method=method))
        for method, label in METHODS.items()
        if numbers.get(method)
    )
    return Chart("methods", N_("Follow-ups by method"), Kind.PIE, N_("Method"), (count(N_("Follow-ups")),), points, "follow_ups")


def along_time(ground: Ground) -> Chart:
    """Follow-ups along time."""
    steps = spans(ground.period)
    bounds = union_all(*(_bounds(number, one.period) for number, one in enumerate(steps))).subquery("bounds")
    within = (FollowUp.happened_at >= bounds.c.begun, FollowUp.happened_at < bounds.c.ended)
    number = ground.rows_of(FollowUp, func.count()).where(*within).correlate(bounds).scalar_subquery().label("number")
    numbers = {row.step: row.number for row in ground.read(select(bounds.c.step, number))}
    points = tuple(
        Point(one.label, (numbers.get(number, 0),), behind=ground.follow_up_link(one.period)) for number, one in enumerate(steps)
    )
    return Chart("follow_ups", N_("Follow-ups along time"), Kind.COLUMNS, N_("Date"), (count(N_("Follow-ups")),), points, "follow_ups")


def _bounds(number: int, period: Period) -> Any:
    begun, ended = clock.start_of_day(period.first), clock.start_of_day(period.last + timedelta(days=1))
    moments = (literal(begun, UtcTime()).label("begun"), literal(ended, UtcTime()).label("ended"))
    return select(literal(number).label("step"), *moments)


def first_follow_ups(ground: Ground) -> Rows:
    """New customers by owner whose first follow-up was due in the period: how many, and how many were followed up in time.

    One that lies ahead does not count yet, unless it is made already.
    """
    within = picks.first_due(ground.period)
    days = ground.read(ground.customers(Customer.first_follow_up_on).where(within).distinct())
    if not days:
        return []
    # Day by day, since the databases reckon in UTC: it counts for the day where the team works.
    in_time = func.sum(case((_made_in_time([row[0] for row in days]), 1), else_=0)).label("in_time")
    return ground.read(ground.customers(Customer.owner_id, func.count().label("due"), in_time).where(within).group_by(Customer.owner_id))


def _made_in_time(days: list[Any]) -> ColumnElement[bool]:
    bounds = {day: clock.start_of_day(day + timedelta(days=1)) for day in sorted(days)}
    return or_(
        *(and_(Customer.first_follow_up_on == day, Customer.followed_up_at < bound) for day, bound in bounds.items()), literal(False)
    )


def _first_figure(ground: Ground, first: Rows) -> Figure:
    due, in_time = sum(row.due for row in first), sum(int(row.in_time) for row in first)
    behind = ground.customer_link(of=pick("first", ground.period.first, ground.period.last))
    return share("first_follow_up", N_("First follow-up in time"), in_time, due, behind=behind)


def _first_by_person(ground: Ground, first: Rows) -> Chart:
    of = pick("first", ground.period.first, ground.period.last)
    columns = (count(N_("Due")), count(N_("In time")), Column(N_("First follow-up in time"), Unit.RATE))
    points = [
        ground.person(
            row.owner_id,
            row.due,
            int(row.in_time),
            rate(int(row.in_time), row.due),
            behind=ground.customer_link(owner=row.owner_id, of=of),
        )
        for row in first
    ]
    title = N_("First follow-up within 3 working days, by owner")
    return Chart("first_follow_up", title, Kind.BARS, N_("Owner"), columns, ranking(points, columns), "first_follow_up")
