"""The search for customers that may be one, among all of them: pairs with a score and reasons, kept in a table.

Equal values are found by the database. Names that are only similar are compared within blocks: companies whose marks sound
the same. So the work grows with the number of customers, not with its square.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby
from typing import Any, NamedTuple, cast

from sqlalchemy import Select, Table, bindparam, delete, func, insert, select, update
from sqlalchemy.orm import InstrumentedAttribute

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.models import Contact, Customer, DuplicatePair, Kind
from crm_core.normal import name_parts
from crm_core.services.duplicates import SIMILARITY, likeness, sound_of

JOB = "duplicates"
"""The name of the job that scans."""
CERTAINTY = {"credit_code": 98, "identity": 98, "name": 90, "phone": 65, "email": 65}
"""How likely one reason alone makes two customers one."""
PERSONS_NAME = 40
SIMILAR = (40, 75)
"""The same for a similar name, from the least likeness that counts to the same name proper."""
LEAST_SCORE = 40
LARGEST_GROUP = 12
"""More customers than these with one value are compared with the first of them only; with one number or mailbox, not at all:
it is that of a switchboard or an agent."""
LARGEST_BLOCK = 300
NEIGHBOURS = 30
"""In a larger block names are compared with so many of those that follow in their order."""
MOST_PAIRS = 50_000
AT_ONCE = 1000

Pair = tuple[int, int]


@dataclass(frozen=True)
class Found:
    """What is said of one pair."""

    score: int
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class _Facts:
    kind: str
    name_key: str
    credit_code: str | None


class _Name(NamedTuple):
    id: int
    key: str
    parts: tuple[str, str]


def find_pairs(session: CrmSession) -> dict[Pair, Found]:
    """All pairs of customers in the library that may be one, the smaller id first."""
    reasons: dict[Pair, set[str]] = defaultdict(set)
    for reason, statement in _equal_values():
        for pair in _pairs_of(session.execute(statement).all(), is_shared=reason in ("phone", "email")):
            reasons[pair].add(reason)
    alike = dict(_similar_names(session))
    for pair in alike:
        reasons[pair].add("similar")
    facts = _facts(session, {one for pair in reasons for one in pair})
    scored = {pair: _score(facts[pair[0]], facts[pair[1]], found, alike.get(pair, 0)) for pair, found in reasons.items()}
    likely = sorted((pair for pair, found in scored.items() if found.score >= LEAST_SCORE), key=lambda pair: -scored[pair].score)
    return {pair: scored[pair] for pair in likely[:MOST_PAIRS]}


def _equal_values() -> Iterator[tuple[str, Select[Any, int]]]:
    company = Customer.kind == Kind.ENTERPRISE
    columns: dict[str, InstrumentedAttribute[Any]] = {"credit_code": Customer.credit_code, "identity": Customer.identity_hash}
    for reason, column in columns.items():
        yield reason, _repeated(select(column.label("value"), Customer.id).where(Customer.is_listed, column.is_not(None)))
    yield "name", _repeated(select(Customer.name_key.label("value"), Customer.id).where(Customer.is_listed, company))
    for reason, column in (("phone", Contact.phone_key), ("email", Contact.email_key)):
        people = select(column.label("value"), Customer.id).join(Customer, Customer.id == Contact.customer_id)
        yield reason, _repeated(people.where(Customer.is_listed, column.is_not(None)).distinct())


def _repeated(statement: Select[Any, int]) -> Select[Any, int]:
    rows = statement.subquery()
    often = select(rows.c.value).group_by(rows.c.value).having(func.count() > 1)
    return select(rows.c.value, rows.c.id).where(rows.c.value.in_(often)).order_by(rows.c.value, rows.c.id)


def _pairs_of(rows: Iterable[Any], *, is_shared: bool) -> Iterator[Pair]:
    for _value, group in groupby(rows, key=lambda row: row.value):
        ids = sorted(row.id for row in group)
        if len(ids) <= LARGEST_GROUP:
            yield from combinations(ids, 2)
        elif not is_shared:
            yield from ((ids[0], other) for other in ids[1:])


def _similar_names(session: CrmSession) -> Iterator[tuple[Pair, float]]:
    blocks: dict[str, list[_Name]] = defaultdict(list)
    sounds: dict[str, str] = {}
    companies = select(Customer.id, Customer.name_key).where(Customer.is_listed, Customer.kind == Kind.ENTERPRISE)
    for customer_id, key in session.execute(companies):
        name = _Name(customer_id, key, name_parts(key))
        mark = name.parts[1][:2]
        if mark not in sounds:
            sounds[mark] = sound_of(mark)
        blocks[sounds[mark]].append(name)
    for block in blocks.values():
        for one, other in _compared(block):
            # The database has found the equal ones.
            if one.key != other.key and (found := likeness(one.parts, other.parts)):
                yield (min(one.id, other.id), max(one.id, other.id)), found


def _compared(block: list[_Name]) -> Iterator[tuple[_Name, _Name]]:
    if len(block) <= LARGEST_BLOCK:
        yield from combinations(block, 2)
        return
    ordered = sorted(block, key=lambda name: name.parts[1])
    for place, one in enumerate(ordered):
        yield from ((one, other) for other in ordered[place + 1 : place + 1 + NEIGHBOURS])


def _facts(session: CrmSession, ids: set[int]) -> dict[int, _Facts]:
    found: dict[int, _Facts] = {}
    for some in _some(sorted(ids)):
        columns = select(Customer.id, Customer.kind, Customer.name_key, Customer.credit_code).where(Customer.id.in_(some))
        found |= {row.id: _Facts(row.kind, row.name_key, row.credit_code) for row in session.execute(columns)}
    return found


def _score(one: _Facts, other: _Facts, reasons: set[str], alike: float) -> Found:
    if one.kind == other.kind and one.name_key == other.name_key:
        reasons = reasons | {"name"}
    doubt = 1.0
    for reason in reasons:
        doubt *= 1 - _certainty(reason, one.kind, alike) / 100
    score = round(100 * (1 - doubt))
    if one.credit_code and other.credit_code and one.credit_code != other.credit_code:
        score //= 2  # two registrations: a branch or a sister, whatever else they share
    return Found(score, tuple(reason for reason in (*CERTAINTY, "similar") if reason in reasons))


def _certainty(reason: str, kind: str, alike: float) -> float:
    if reason == "similar":
        least, most = SIMILAR
        return least + (most - least) * (alike - SIMILARITY) / (100 - SIMILARITY)
    return PERSONS_NAME if reason == "name" and kind == Kind.INDIVIDUAL else CERTAINTY[reason]


def keep_pairs(session: CrmSession, found: dict[Pair, Found]) -> None:
    """Make the table say what a scan found. Pairs of which somebody said that they are two stay as they are."""
    table = cast(Table, DuplicatePair.__table__)
    known = {(row.first_id, row.second_id): row for row in session.execute(select(table))}
    gone = [row.id for pair, row in known.items() if pair not in found and row.dismissed_at is None]
    for some in _some(gone):
        session.execute(delete(table).where(table.c.id.in_(some)))
    changed = [
        {"of": known[pair].id, "new_score": one.score, "new_reasons": list(one.reasons)}
        for pair, one in found.items()
        if pair in known and (known[pair].score, tuple(known[pair].reasons)) != (one.score, one.reasons)
    ]
    renew = update(table).where(table.c.id == bindparam("of")).values(score=bindparam("new_score"), reasons=bindparam("new_reasons"))
    for some in _some(changed):
        session.connection().execute(renew, some)
    there, at = set(session.execute(select(Customer.id).where(Customer.is_listed)).scalars()), clock.now()
    new = [
        {"first_id": first, "second_id": second, "score": one.score, "reasons": list(one.reasons), "found_at": at}
        for (first, second), one in found.items()
        if (first, second) not in known and {first, second} <= there
    ]
    for some in _some(new):
        session.execute(insert(table), some)


def _some(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (rows[start : start + AT_ONCE] for start in range(0, len(rows), AT_ONCE))
