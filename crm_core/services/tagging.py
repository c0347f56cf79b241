"""Tags that rules set and clear, on all customers or on some: what `tag_rules` keeps is carried out here.

A tag that somebody set by hand is never touched by a rule, and one that somebody took off by hand stays off (`TagRefusal`) until it is
set by hand. What rules set and clear stands in the change log of each customer, as done by the system.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, delete, exists, false, func, literal, select
from sqlalchemy.dialects import postgresql, sqlite

from crm_core import audit
from crm_core.cache import cached
from crm_core.db import CrmSession, is_sqlite
from crm_core.models import Customer, CustomerTag, Tag, TagRefusal, TagRule
from crm_core.permissions import SYSTEM
from crm_core.scope import unscoped
from crm_core.services.library import Library, get_library
from crm_core.services.measures import MEASURES, Condition, where

CHUNK = 5_000

Tagging = tuple[int, int]
"""A customer and a tag."""


@dataclass(frozen=True)
class Rule:
    """One rule, without the database row."""

    id: int
    tag_id: int
    tag: str
    conditions: tuple[Condition, ...]
    is_active: bool
    version: int


def read_rules(session: CrmSession) -> tuple[Rule, ...]:
    """All rules in the order in which they were made."""

    def read() -> tuple[Rule, ...]:
        rows = session.execute(select(TagRule, Tag.name).join(Tag, Tag.id == TagRule.tag_id).order_by(TagRule.id))
        return tuple(_rule(rule, name) for rule, name in rows)

    return cached(session, "policies", "tag rules", read)


def _rule(rule: TagRule, tag: str) -> Rule:
    # A measure that a later version took away makes a rule that never holds, not an error.
    known = tuple(Condition(**stored) for stored in rule.conditions if stored["field"] in MEASURES)
    is_active = rule.is_active and len(known) == len(rule.conditions)
    return Rule(rule.id, rule.tag_id, tag, known, is_active, rule.version)


def take_back(session: CrmSession, rule_id: int) -> None:
    """Clear the tags that a rule set."""
    _log(session, _delete(session, CustomerTag.rule_id == rule_id), [])


def _delete(session: CrmSession, *which: ColumnElement[bool]) -> list[Tagging]:
    gone = delete(CustomerTag).where(*which).returning(CustomerTag.customer_id, CustomerTag.tag_id)
    return [(row.customer_id, row.tag_id) for row in session.execute(gone, execution_options=_quickly())]


def _quickly() -> dict[str, Any]:
    return {**unscoped, "synchronize_session": False}


def all_hold(conditions: Sequence[Condition], library: Library) -> ColumnElement[bool]:
    """Customers for whom all conditions hold."""
    return and_(*(where(condition, library) for condition in conditions))


def without(tag_id: int) -> tuple[ColumnElement[bool], ...]:
    """Customers that a rule may still give the tag: who neither have it nor had it taken off by hand."""
    return tuple(
        ~exists().where(model.customer_id == Customer.id, model.tag_id == tag_id).correlate(Customer) for model in (CustomerTag, TagRefusal)
    )


def apply_rules(session: CrmSession, ids: Collection[int] | None = None) -> bool:
    """Let all rules set and clear their tags on all listed customers, or on these; says whether anything changed.

    What one rule clears another one for the same tag may set again, so all clear first.
    """
    rules = read_rules(session)
    if ids is not None:
        taken, given = _apply_to(session, [rule for rule in rules if rule.is_active], ids)
    else:
        library = get_library(session)
        taken = [one for rule in rules for one in _clear(session, rule, library)]
        given = [one for rule in rules if rule.is_active for one in _give(session, rule, library)]
    _log(session, taken, given)
    return bool(taken or given)


def _log(session: CrmSession, taken: Sequence[Tagging], given: Sequence[Tagging]) -> None:
    """A line for each customer whose tags are others now, with all its tags as before and after."""
    changed = sorted({customer_id for customer_id, _tag in (*taken, *given)})
    words = {row.id: row.name for row in session.execute(select(Tag.id, Tag.name))} if changed else {}
    lost, gained = (_by_customer((one, words[tag_id]) for one, tag_id in some) for some in (taken, given))
    for start in range(0, len(changed), CHUNK):
        part = changed[start : start + CHUNK]
        names = session.execute(select(Customer.id, Customer.name).where(Customer.id.in_(part)), execution_options=unscoped).all()
        has = select(CustomerTag.customer_id, CustomerTag.tag_id).where(CustomerTag.customer_id.in_(part))
        after = _by_customer((row.customer_id, words[row.tag_id]) for row in session.execute(has, execution_options=unscoped))
        before = {row.id: (after[row.id] - gained[row.id]) | lost[row.id] for row in names}
        what: dict[str, Any] = {"entity": Customer.__tablename__, "field": "tags", "actor": SYSTEM}
        lines = [
            audit.line_for(
                session,
                "changed",
                entity_id=row.id,
                customer_id=row.id,
                subject=row.name,
                old=", ".join(sorted(before[row.id])),
                new=", ".join(sorted(after[row.id])),
                **what,
            )
            for row in names
            if before[row.id] != after[row.id]
        ]
        audit.add_lines(session, lines)


def _by_customer(pairs: Iterable[tuple[int, str]]) -> defaultdict[int, set[str]]:
    found: defaultdict[int, set[str]] = defaultdict(set)
    for customer_id, tag in pairs:
        found[customer_id].add(tag)
    return found


def _clear(session: CrmSession, rule: Rule, library: Library) -> list[Tagging]:
    # A condition on a value that is unknown does not hold; in SQL it would be neither true nor false.
    matching = func.coalesce(all_hold(rule.conditions, library), false()) if rule.is_active else false()
    listed = select(Customer.id).where(Customer.is_listed, ~matching)
    return _delete(session, CustomerTag.rule_id == rule.id, CustomerTag.by_hand.is_(False), CustomerTag.customer_id.in_(listed))


def _give(session: CrmSession, rule: Rule, library: Library) -> list[Tagging]:
    return _insert(session, _bearers(rule).where(Customer.is_listed, all_hold(rule.conditions, library), *without(rule.tag_id)))


def _bearers(rule: Rule) -> Select[*tuple[Any, ...]]:
    return select(Customer.id, literal(rule.tag_id), literal(False), literal(rule.id))


def _insert(session: CrmSession, rows: Select[*tuple[Any, ...]]) -> list[Tagging]:
    given = _insert_new(session).from_select(["customer_id", "tag_id", "by_hand", "rule_id"], rows).on_conflict_do_nothing()
    returning = given.returning(CustomerTag.customer_id, CustomerTag.tag_id)
    return [(row.customer_id, row.tag_id) for row in session.execute(returning, execution_options=unscoped)]


def _insert_new(session: CrmSession) -> Any:
    # Where somebody sets the same tag at the same moment, theirs stays.
    return (sqlite if is_sqlite(session) else postgresql).insert(CustomerTag)


def _apply_to(session: CrmSession, rules: Sequence[Rule], ids: Collection[int]) -> tuple[list[Tagging], list[Tagging]]:
    """The same for some customers: all rules are asked at once, and what differs is changed."""
    wanted = _wanted(session, rules, ids)
    present = select(CustomerTag.customer_id, CustomerTag.tag_id, CustomerTag.rule_id).where(CustomerTag.customer_id.in_(ids))
    has = {(row.customer_id, row.tag_id): row.rule_id for row in session.execute(present, execution_options=unscoped)}
    gone = [key for key, rule_id in has.items() if rule_id is not None and rule_id not in wanted.get(key, ())]
    for customer_id, tag_id in gone:
        theirs = (CustomerTag.customer_id == customer_id, CustomerTag.tag_id == tag_id, CustomerTag.by_hand.is_(False))
        session.execute(delete(CustomerTag).where(*theirs), execution_options=_quickly())
    missing = {key: rule_ids[0] for key, rule_ids in wanted.items() if key not in has or key in gone}
    given = {key: rule_id for key, rule_id in missing.items() if key not in _refused(session, ids)} if missing else {}
    if given:
        rows = [{"customer_id": key[0], "tag_id": key[1], "by_hand": False, "rule_id": rule_id} for key, rule_id in given.items()]
        session.execute(_insert_new(session).on_conflict_do_nothing(), rows, execution_options=unscoped)
    return gone, list(given)


def _wanted(session: CrmSession, rules: Sequence[Rule], ids: Collection[int]) -> dict[tuple[int, int], list[int]]:
    """By customer and tag, the rules that hold."""
    if not rules:
        return {}
    library = get_library(session)
    holds = [case((all_hold(rule.conditions, library), 1), else_=0).label(f"rule_{rule.id}") for rule in rules]
    wanted: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for customer_id, *flags in session.execute(select(Customer.id, *holds).where(Customer.id.in_(ids)), execution_options=unscoped):
        for rule, flag in zip(rules, flags, strict=True):
            if flag:
                wanted[customer_id, rule.tag_id].append(rule.id)
    return wanted


def _refused(session: CrmSession, ids: Collection[int]) -> set[tuple[int, int]]:
    refused = select(TagRefusal.customer_id, TagRefusal.tag_id).where(TagRefusal.customer_id.in_(ids))
    return {(row.customer_id, row.tag_id) for row in session.execute(refused, execution_options=unscoped)}
