"""Services called directly: what one page reads, or one action writes, each in a session of its own."""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Any

import bcrypt
from sqlalchemy import select

from benchmarks import churn_rows, insight_rows, people, reminder_rows, sales_rows, workbench_rows
from benchmarks.dataset import CUSTOMERS, PASSWORD, invent_customer
from benchmarks.measure import Row, time_each
from benchmarks.names import Inventor
from crm_core import clock, db
from crm_core.models import STAGES, Customer
from crm_core.numbering import bump
from crm_core.permissions import Actor
from crm_core.services import bulk, contacts, customer_changes, customer_list, customers, history, library, sign_in, tags, users
from crm_core.services.bulk_targets import Selection
from crm_core.services.customer_list import CustomerPage, CustomerQuery
from crm_core.visibility import View

CALLS = 60
WARM_UP = 3
BULK = 10_000
PAGES = range(1, CALLS + WARM_UP + 1)
COMMON = ("杭州", "科技", "有限", "机械", "公司", "电子", "苏州", "集团", "软件", "贸易")
SPELLED = ("hengyuan", "hzjx", "ruifeng", "xinyue", "boya", "jiahe", "zhuoer", "qihang", "xinghai")

Times = Callable[[], list[float]]
Act = Callable[[Any], object]


def measure(is_wanted: Callable[[str], bool]) -> Iterator[Row]:
    """All rows of this depth."""
    for name, times in _rows():
        if is_wanted(name):
            yield Row(name, times())
    yield from insight_rows.measure(is_wanted)
    yield from churn_rows.measure(is_wanted)
    yield from reminder_rows.measure(is_wanted)
    yield from workbench_rows.measure(is_wanted)
    yield from sales_rows.measure(is_wanted)


def measure_as(depth: str, kinds: tuple[str, ...], is_wanted: Callable[[str], bool]) -> Iterator[Row]:
    """The rows of some kinds as those of another depth, which has brought other data."""

    def name_of(name: str) -> str:
        return depth + name.removeprefix("core")

    def is_ours(name: str) -> bool:
        return any(f"{name}.".startswith(f"core.{kind}.") for kind in kinds) and is_wanted(name_of(name))

    for row in measure(is_ours):
        yield replace(row, name=name_of(row.name))


def _rows() -> Iterator[tuple[str, Times]]:
    chief, manager, seller = people.actor("administrator1"), people.actor("manager1"), people.actor("sales11")
    first = [CustomerQuery(page=page) for page in PAGES]
    last = CUSTOMERS // CustomerPage.size
    deep = [CustomerQuery(page=page) for page in random.Random(1).sample(range(last // 2, last), len(PAGES))]
    staged = [CustomerQuery(filters=(("stage", (stage,)),), page=page) for page in range(1, 14) for stage in STAGES]
    scopes = {"first": chief, "team": manager, "masked": replace(chief, access=frozenset()), "own": seller}
    lists = {f"core.list.{name}": partial(_list, actor) for name, actor in scopes.items()}
    yield from _in_turns(lists, first, _time_one)
    yield from _in_turns({f"{name}.uncached": act for name, act in lists.items()}, first, _time_one_fresh)
    yield "core.list.deep", partial(time_each, partial(_list, chief), deep)
    yield "core.list.stage", partial(time_each, partial(_list, chief), staged)
    yield "core.list.stage.uncached", partial(_time_fresh, partial(_list, chief), staged)
    for sort in ("updated", "name", "amount"):
        yield f"core.list.sort_{sort}", partial(time_each, partial(_list, chief), [CustomerQuery(sort=sort, page=page) for page in PAGES])
    yield from _searches(chief, manager, seller)
    yield "core.bulk.tag", partial(_bulk_tag, chief)
    yield "core.detail", partial(time_each, partial(_detail, chief), people.codes(len(PAGES), "administrator1"))
    yield "core.create", partial(_create, seller)
    yield "core.edit.save", partial(_edit, seller)
    yield "core.sign_in", partial(time_each, _sign_in, ["sales11"] * (CALLS // 3 + WARM_UP))


def _searches(chief: Actor, manager: Actor, seller: Actor) -> Iterator[tuple[str, Times]]:
    inventor = Inventor(7)
    names = [inventor.company()[0] for _place in PAGES]
    digits = ["".join(inventor.random.choices("0123456789", k=4)) for _place in PAGES]
    for name, actor, phrases in (
        ("common", chief, COMMON * 6),
        ("rare", chief, [name[2:4] for name in names]),
        ("long", chief, [name[2:6] for name in names]),
        ("two_words", chief, [f"{name[:2]} {name[2:4]}" for name in names]),
        ("one_character", chief, [name[2] for name in names]),
        ("phone", chief, digits),
        ("pinyin", chief, SPELLED * 7),
        ("team", manager, [name[2:4] for name in names]),
        ("team_common", manager, COMMON * 6),
        ("own", seller, [name[2:4] for name in names]),
        ("own_common", seller, COMMON * 6),
    ):
        queries = [CustomerQuery(phrase=phrase) for phrase in phrases]
        yield f"core.search.{name}", partial(_time_fresh, partial(_list, actor), queries)


def _in_turns(acts: Mapping[str, Act], items: Sequence[Any], time_one: Callable[[Act, Any], float]) -> Iterator[tuple[str, Times]]:
    """Rows that are compared with each other, all with each item in turn: a machine that slows down meanwhile slows them alike."""

    @cache
    def measured() -> dict[str, list[float]]:
        times: dict[str, list[float]] = {name: [] for name in acts}
        for item in items:
            for name, act in acts.items():
                times[name].append(time_one(act, item))
        return times

    for name in acts:
        yield name, lambda name=name: measured()[name][WARM_UP:]


def _time_one(act: Act, item: Any) -> float:
    return time_each(act, [item], warm_up=0)[0]


def _time_one_fresh(act: Act, item: Any) -> float:
    """As after somebody else's change: what was counted before holds no more."""
    with db.transaction() as session:
        bump(session, "customers")
    return _time_one(act, item)


def _time_fresh(act: Act, items: Iterable[Any]) -> list[float]:
    return [_time_one_fresh(act, item) for item in items][WARM_UP:]


def _list(actor: Actor, query: CustomerQuery) -> None:
    with db.reading(actor) as session:
        library.get_library(session)
        users.user_names(session)
        tags.list_tags(session)
        customer_list.list_customers(session, actor, query)


def _bulk_tag(actor: Actor) -> list[float]:
    """A tag for ten thousand of the customers that a query finds, each time another one."""
    with db.reading(actor) as session:
        found = session.execute(select(Customer.code).where(Customer.is_listed).order_by(Customer.id).limit(BULK)).scalars()
        selection = Selection(tuple(found))

    def tag(number: int) -> None:
        with db.transaction(actor) as session:
            bulk.run(session, actor, "tags_add", selection, {"tags": [f"批量{number}"]}, reason="benchmark", key=f"benchmark-{number}")

    return time_each(tag, range(4), warm_up=1)


def _detail(actor: Actor, code: str) -> None:
    with db.reading(actor) as session:
        customer = customers.get_customer(session, actor, code)
        contacts.list_contacts(session, actor, customer.id)
        library.get_library(session)
        users.user_names(session)
        tags.tags_of(session, customer.id)
        history.list_changes(session, actor, customer.id)


def _create(actor: Actor) -> list[float]:
    inventor = Inventor(clock.today().toordinal())

    def create(entry: tuple[dict[str, Any], list[dict[str, str]]]) -> None:
        with db.transaction(actor) as session:
            customers.create_customer(session, actor, *entry, duplicate_reason="benchmark")

    return time_each(create, [invent_customer(inventor, contacts=2) for _place in PAGES])


def _edit(actor: Actor) -> list[float]:
    """A correction of two fields, with its lines in the change log."""
    with db.reading(actor) as session:
        found = [customers.get_customer(session, actor, code) for code in people.codes(len(PAGES), actor.username)]
    changes = {"remark": "benchmark", "purchase_time": "2026"}

    def edit(customer: View) -> None:
        with db.transaction(actor) as session:
            customer_changes.update_customer(session, actor, customer.id, changes, version=customer.version, reason="benchmark")

    return time_each(edit, found)


def _sign_in(username: str) -> None:
    with db.transaction() as session:
        user = sign_in.claim_attempt(session, username)
    assert user
    assert bcrypt.checkpw(PASSWORD.encode(), user.password_hash.encode())
    with db.transaction() as session:
        sign_in.open_session(session, username)
