"""客户等级: from the yearly cooperation amount by thresholds that an administrator sets [003], unless somebody set it by hand."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, extract, func, null, or_, select, type_coerce, update

from crm_core import audit, clock
from crm_core.checks.money import check_money
from crm_core.db import CrmSession
from crm_core.errors import ValidationFailed
from crm_core.i18n import _
from crm_core.models import Contract, Customer
from crm_core.models.base import Money
from crm_core.numbering import bump
from crm_core.permissions import SYSTEM, Actor, Permission, require
from crm_core.scope import unscoped
from crm_core.services.policies import get_policy, set_policy

AREA = "tiers"
CHUNK = 5_000

Move = tuple[str | None, str]
"""From which tier to which."""


@dataclass(frozen=True)
class TierPolicy:
    """From which yearly amount in yuan a customer is tier A, and from which tier B; below that it is tier C."""

    a_from: Decimal = Decimal(500_000)
    """The default of the seed: A类客户 means 年合作金额≥50万元 [003]."""
    b_from: Decimal = Decimal(100_000)


def get_tier_policy(session: CrmSession) -> tuple[TierPolicy, int]:
    """The thresholds in force and the version of the rule."""
    values, version = get_policy(session, AREA)
    return TierPolicy(**{name: Decimal(amount) for name, amount in values.items()}), version


def check_tier_policy(a_from: Any, b_from: Any) -> TierPolicy:
    """Thresholds as an administrator enters them. Raises `ValidationFailed`."""
    amounts, errors = {}, {}
    for name, entered in (("a_from", a_from), ("b_from", b_from)):
        try:
            amounts[name] = check_money(str(entered or ""), {})
        except ValueError as problem:
            errors[name] = [str(problem)]
    if not errors and not 0 < amounts["b_from"] < amounts["a_from"]:
        errors["a_from"] = [_("The amount for tier A has to be above the one for tier B, and both above zero.")]
    if errors:
        raise ValidationFailed(errors)
    return TierPolicy(**amounts)


def save_tier_policy(session: CrmSession, actor: Actor, policy: TierPolicy, *, version: int) -> None:
    """Keep thresholds and derive all tiers anew. Raises `NotAllowed`, `Conflict`."""
    set_policy(session, actor, AREA, {name: str(amount) for name, amount in asdict(policy).items()}, version=version)
    if derive_tiers(session):
        bump(session, "customers")


def preview_tiers(session: CrmSession, actor: Actor, policy: TierPolicy) -> dict[Move, int]:
    """How many customers these thresholds would move, by the tiers from and to which."""
    require(actor, Permission.RULE_EDIT)
    tier = _derived(policy, clock.today())
    moves = select(Customer.tier.label("before"), tier.label("after")).where(*_wrong(tier, None)).subquery()
    counts = select(moves.c.before, moves.c.after, func.count().label("customers")).where(moves.c.before.is_distinct_from(moves.c.after))
    found = session.execute(counts.group_by(moves.c.before, moves.c.after), execution_options=unscoped)
    return {(row.before, row.after): row.customers for row in found}


def yearly_amount(today: date) -> ColumnElement[Decimal]:
    """What a customer bought within the year before a day, in yuan; nothing where no amount is known.

    Contracts signed in the last twelve months count. Where a customer has no contract in force, what was entered counts instead: the
    total cooperation amount, shared equally among the calendar years from the first to the latest cooperation; nothing of it
    (zero) if the latest cooperation lies more than twelve months back.
    """
    year_ago = _year_before(today)
    own = and_(Contract.customer_id == Customer.id, Contract.is_in_force)
    signed = select(func.coalesce(func.sum(Contract.amount), 0)).where(own, Contract.signed_on > year_ago, Contract.signed_on <= today)
    first = func.coalesce(Customer.first_cooperated_on, Customer.last_cooperated_on)
    years = 1 + extract("year", Customer.last_cooperated_on) - extract("year", first)
    amount = case(
        (exists().where(own), signed.scalar_subquery()),
        (Customer.last_cooperated_on > year_ago, Customer.cooperation_amount / years),
        (Customer.cooperation_amount.is_not(None), type_coerce(0, Money())),
        else_=null(),
    )
    return type_coerce(amount, Money())


def _year_before(day: date) -> date:
    return day.replace(year=day.year - 1, day=28 if (day.month, day.day) == (2, 29) else day.day)


def derive_tiers(session: CrmSession, ids: Collection[int] | None = None) -> bool:
    """Give the tier of their amount to all listed customers, or to these, whose tier nobody holds by hand, and say whether any changed.

    A customer without any amount keeps the tier it has. A tier by hand that has expired is held no longer. The change log keeps every
    change; the first tier of a customer is none.
    """
    rows = _find_wrong(session, get_tier_policy(session)[0], ids)
    for by_hand in (True, False):
        moved: defaultdict[Move, list[tuple[int, str]]] = defaultdict(list)
        for row in rows:
            if row.tier_by_hand is by_hand:
                moved[row.before, row.after].append((row.id, row.name))
        for (before, after), customers in moved.items():
            _move(session, customers, before, after, by_hand=by_hand)
    return bool(rows)


def _find_wrong(session: CrmSession, policy: TierPolicy, ids: Collection[int] | None) -> list[Any]:
    tier = _derived(policy, clock.today())
    columns = select(Customer.id, Customer.name, Customer.tier.label("before"), tier.label("after"), Customer.tier_by_hand)
    return list(session.execute(columns.where(*_wrong(tier, ids)).order_by(Customer.id), execution_options=unscoped))


@lru_cache(maxsize=8)
def _derived(policy: TierPolicy, today: date) -> ColumnElement[str]:
    # Kept for the day: putting it together takes longer than asking it of one customer.
    amount = yearly_amount(today)
    return case((amount >= policy.a_from, "A"), (amount >= policy.b_from, "B"), (amount.is_not(None), "C"), else_=Customer.tier)


def _is_free() -> ColumnElement[bool]:
    return or_(Customer.tier_by_hand.is_(False), Customer.tier_until < clock.today())


def _wrong(tier: ColumnElement[str], ids: Collection[int] | None) -> tuple[Any, ...]:
    within = Customer.is_listed if ids is None else Customer.id.in_(ids)
    has_expired = and_(Customer.tier_by_hand, Customer.tier_until < clock.today())
    return within, _is_free(), or_(Customer.tier.is_distinct_from(tier), has_expired)


def _move(session: CrmSession, customers: list[tuple[int, str]], before: str | None, after: str | None, *, by_hand: bool) -> None:
    # The version counts up: somebody who has the form open sees that the tier is another one now. When it was last edited stays.
    values = {"tier": after, "tier_by_hand": False, "tier_reason": None, "tier_until": None}
    for start in range(0, len(customers), CHUNK):
        names = dict(customers[start : start + CHUNK])
        statement = update(Customer).where(Customer.id.in_(names), _is_free()).returning(Customer.id)
        moving = statement.values(**values, version=Customer.version + 1, updated_at=Customer.updated_at)
        moved = [(id, names[id]) for id in session.execute(moving, execution_options=unscoped).scalars()]
        if before and before != after:
            audit.record_customer_changes(session, moved, field="tier", old=before, new=after, actor=SYSTEM)
        if by_hand:
            audit.record_customer_changes(session, moved, field="tier_by_hand", old="True", new="False", actor=SYSTEM)
