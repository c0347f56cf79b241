"""Rules that set and clear tags: a tag, and conditions of which all must hold.

What they set and clear: `tagging`.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import exists, false, func, select

from crm_core.checks.money import check_money
from crm_core.db import CrmSession, insert_unless_there
from crm_core.errors import Conflict, NotFound, ValidationFailed
from crm_core.i18n import _
from crm_core.models import Customer, CustomerTag, Tag, TagRule
from crm_core.numbering import bump
from crm_core.permissions import Actor, Permission, require
from crm_core.scope import unscoped
from crm_core.services.library import Library, get_library
from crm_core.services.measures import MEASURES, OPERATORS, Condition, Kind, choices, describe
from crm_core.services.tagging import Rule, all_hold, apply_rules, read_rules, take_back, without
from crm_core.validation import clean_text

MAX_CONDITIONS = 10
LONGEST_PERIOD = 3_650
MAX_WORDS = 20


def list_rules(session: CrmSession, actor: Actor) -> list[tuple[Rule, int]]:
    """All rules in the order in which they were made, each with the number of customers that bear its tag by it. Raises `NotAllowed`."""
    require(actor, Permission.RULE_EDIT)
    count = select(CustomerTag.rule_id, func.count().label("bearers")).where(CustomerTag.rule_id.is_not(None)).group_by(CustomerTag.rule_id)
    bearing = {row.rule_id: row.bearers for row in session.execute(count, execution_options=unscoped)}
    return [(rule, bearing.get(rule.id, 0)) for rule in read_rules(session)]


def save_rule(
    session: CrmSession,
    actor: Actor,
    rule_id: int | None,
    *,
    tag: str,
    conditions: Sequence[Condition],
    is_active: bool = True,
    version: int = 0,
) -> int:
    """Add or change a rule and let it work on all customers at once; a rule that is off takes its tags back.

    Raises `NotAllowed`, `ValidationFailed`, `NotFound`, `Conflict`.
    """
    require(actor, Permission.RULE_EDIT)
    name, clean = _check(session, tag, conditions)
    insert_unless_there(session, Tag, name=name)
    tag_id = session.execute(select(Tag.id).where(Tag.name == name)).scalar_one()
    rule = _lock(session, rule_id, version) if rule_id else TagRule()
    if rule_id and rule.tag_id != tag_id:
        take_back(session, rule.id)
    rule.tag_id, rule.is_active, rule.conditions = tag_id, is_active, [condition.stored() for condition in clean]
    session.add(rule)
    session.flush()
    bump(session, "policies")
    apply_rules(session)
    bump(session, "customers")
    return rule.id


def _lock(session: CrmSession, rule_id: int, version: int) -> TagRule:
    rule = session.execute(select(TagRule).where(TagRule.id == rule_id).with_for_update()).scalar_one_or_none()
    if rule is None:
        raise NotFound(_("This rule was deleted meanwhile. Reload the page to see the present ones."))
    if rule.version != version:
        raise Conflict(version=rule.version, theirs={})
    return rule


def delete_rule(session: CrmSession, actor: Actor, rule_id: int, *, version: int) -> None:
    """Remove a rule and take its tags back. Raises `NotAllowed`, `NotFound`, `Conflict`."""
    require(actor, Permission.RULE_EDIT)
    rule = _lock(session, rule_id, version)
    take_back(session, rule.id)
    session.delete(rule)
    session.flush()
    bump(session, "policies")
    apply_rules(session)
    bump(session, "customers")


def preview_rule(
    session: CrmSession, actor: Actor, rule_id: int | None, *, tag: str, conditions: Sequence[Condition], is_active: bool = True
) -> tuple[int, int]:
    """How many customers would get the tag, and how many would lose it, if the rule were saved like this.

    Raises `NotAllowed`, `ValidationFailed`.
    """
    require(actor, Permission.RULE_EDIT)
    name, clean = _check(session, tag, conditions)
    tag_id = session.execute(select(Tag.id).where(Tag.name == name)).scalar() or 0
    matching = all_hold(clean, get_library(session)) if is_active else false()
    gains = select(func.count()).select_from(Customer).where(Customer.is_listed, matching, *without(tag_id))
    kept = exists().where(Customer.id == CustomerTag.customer_id, matching, CustomerTag.tag_id == tag_id)
    losses = select(func.count()).select_from(CustomerTag).where(CustomerTag.rule_id == (rule_id or 0), ~kept)
    get, lose = (session.execute(statement, execution_options=unscoped).scalar_one() for statement in (gains, losses))
    return get, lose


def _check(session: CrmSession, tag: str, conditions: Sequence[Condition]) -> tuple[str, list[Condition]]:
    """The clean tag and conditions. Raises `ValidationFailed`: `tag`, `conditions`, and `conditions.0` for the first one."""
    errors: dict[str, list[str]] = {}
    if not (name := clean_text(tag)[:40]):
        errors["tag"] = [_("Choose a tag, or type a new one.")]
    if not 1 <= len(conditions) <= MAX_CONDITIONS:
        errors["conditions"] = [_("A rule has one to {most} conditions.").format(most=MAX_CONDITIONS)]
    library, clean = get_library(session), []
    for place, condition in enumerate(conditions):
        try:
            clean.append(_clean(condition, library))
        except ValueError as problem:
            errors[f"conditions.{place}"] = [str(problem)]
    if errors:
        raise ValidationFailed(errors)
    return name, clean


def _clean(condition: Condition, library: Library) -> Condition:
    if condition.field not in MEASURES or condition.operator not in OPERATORS[condition.measure.kind]:
        raise ValueError(_("Choose what the condition asks about."))
    measure = condition.measure
    days = _number(condition.days, 1) if measure.has_period else 0
    return Condition(condition.field, condition.operator, _clean_value(measure.kind, condition, library), days)


def _clean_value(kind: Kind, condition: Condition, library: Library) -> Any:
    if kind is Kind.YES:
        return None
    if kind is Kind.MONEY:
        return format(check_money(condition.value if condition.value is not None else "", {}).normalize(), "f")
    if kind in (Kind.NUMBER, Kind.AGE):
        return _number(condition.value, 0)
    known = choices(condition.measure, library) if kind is Kind.CHOICE else None
    words = [clean for word in condition.value or () if (clean := clean_text(word)[:40]) and (known is None or clean in known)]
    if not words:
        raise ValueError(_("Choose at least one value."))
    return words[:MAX_WORDS] if kind is Kind.WORDS else words


def _number(value: Any, least: int) -> int:
    if not isinstance(value, int) or not least <= value <= LONGEST_PERIOD:
        raise ValueError(_("Enter a whole number from {least} to {most}.").format(least=least, most=LONGEST_PERIOD))
    return value


def explained_tags(session: CrmSession, customer_id: int) -> dict[str, str]:
    """The tags of a customer by name, each that a rule set with the rule's conditions and the customer's present values; others with ""."""
    own = (
        select(Tag.name, CustomerTag.rule_id).join(CustomerTag, CustomerTag.tag_id == Tag.id).where(CustomerTag.customer_id == customer_id)
    )
    found = {row.name: row.rule_id for row in session.execute(own.order_by(Tag.name))}
    rules = {rule.id: rule for rule in read_rules(session)} if any(found.values()) else {}
    return {name: _reason(session, rules[rule_id], customer_id) if rule_id in rules else "" for name, rule_id in found.items()}


def _reason(session: CrmSession, rule: Rule, customer_id: int) -> str:
    library = get_library(session)
    columns = [column for condition in rule.conditions for column in condition.columns]
    present = iter(session.execute(select(*columns).where(Customer.id == customer_id)).one())
    return _join(describe(condition, library, present=[next(present) for _column in condition.columns]) for condition in rule.conditions)


def describe_rule(session: CrmSession, rule: Rule) -> str:
    """The conditions of a rule in words."""
    library = get_library(session)
    return _join(describe(condition, library) for condition in rule.conditions)


def _join(sentences: Iterable[str]) -> str:
    """Conditions of which all hold, in one text."""
    return _(" and ").join(sentences)
