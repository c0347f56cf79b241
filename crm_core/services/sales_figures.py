"""赢单率 and what was won, by closing date: 赢单率 = won ÷ (won + lost), in all or by month, quarter, owner, team or product.

Counted by the database, within the row scope. A person counts for the team that they are in today. Opportunities that lie in the
recycle bin, or whose customer is not in the list, count nowhere.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, String, case, func, literal, null, nulls_last, select

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.models import Customer, Opportunity, OpportunityLine, OpportunityStage, Outcome, Product, Team, User
from crm_core.models.base import Money
from crm_core.permissions import Actor, Permission, require

HUNDREDTH = Decimal("0.01")


class By(StrEnum):
    """What figures are told apart by."""

    NOTHING = "nothing"
    MONTH = "month"
    QUARTER = "quarter"
    OWNER = "owner"
    TEAM = "team"
    PRODUCT = "product"


MONTHS = {By.MONTH: 1, By.QUARTER: 3}


@dataclass(frozen=True)
class Period:
    """Closing dates from one day up to another, both included; None for no limit."""

    since: date | None = None
    until: date | None = None


@dataclass(frozen=True)
class WinRate:
    """How many were won and lost. `key` is 2017-03, 2017-Q1, or the id of an owner, a team or a product; None where there is none."""

    key: Any
    name: str
    won: int
    lost: int

    @property
    def closed(self) -> int:
        """The denominator."""
        return self.won + self.lost

    @property
    def percent(self) -> Decimal | None:
        """The rate in percent to the hundredth; none where nothing was closed."""
        return (Decimal(100 * self.won) / self.closed).quantize(HUNDREDTH, ROUND_HALF_UP) if self.closed else None


@dataclass(frozen=True)
class WonValue:
    """What was won, in yuan: how many, and what they come to. Of a product only its own lines count."""

    key: Any
    name: str
    won: int
    amount: Decimal


def win_rate(session: CrmSession, actor: Actor, period: Period, *, by: By = By.NOTHING) -> list[WinRate]:
    """赢单率 of what was closed in a period, in the order of its keys, those without one at the end. Raises `NotAllowed`."""
    require(actor, Permission.OPPORTUNITY_READ)
    rows = _grouped(session, period, by, _count(Outcome.WON), _count(Outcome.LOST))
    return [WinRate(*row) for row in rows]


def won_value(session: CrmSession, actor: Actor, period: Period, *, by: By = By.NOTHING) -> list[WonValue]:
    """What was won in a period, in the order of its keys. Raises `NotAllowed`."""
    require(actor, Permission.OPPORTUNITY_READ)
    amount = OpportunityLine.amount if by is By.PRODUCT else Opportunity.amount
    total = func.coalesce(func.sum(amount).filter(OpportunityStage.outcome == Outcome.WON), 0, type_=Money())
    return [WonValue(*row) for row in _grouped(session, period, by, _count(Outcome.WON), total) if row[2]]


def _count(outcome: Outcome) -> ColumnElement[int]:
    return func.count(Opportunity.id.distinct()).filter(OpportunityStage.outcome == outcome)


def _grouped(session: CrmSession, period: Period, by: By, *figures: ColumnElement[Any]) -> list[tuple[Any, ...]]:
    conditions: list[Any] = [
        *_within(period),
        Opportunity.deleted_at.is_(None),
        Customer.is_listed,
        OpportunityStage.outcome != Outcome.OPEN,
    ]
    key, name = _keyed(session, conditions, by)
    found = (
        select(key.label("key"), name.label("name"), *figures)
        .select_from(Opportunity)
        .join(Customer, Customer.id == Opportunity.customer_id)
        .join(OpportunityStage, OpportunityStage.id == Opportunity.stage_id)
    )
    if by in (By.OWNER, By.TEAM):
        found = found.outerjoin(User, User.id == Opportunity.owner_id).outerjoin(Team, Team.id == User.team_id)
    if by is By.PRODUCT:
        found = found.outerjoin(OpportunityLine, OpportunityLine.opportunity_id == Opportunity.id)
        found = found.outerjoin(Product, Product.id == OpportunityLine.product_id)
    found = found.where(*conditions)
    if by is not By.NOTHING:
        found = found.group_by(key, name).order_by(nulls_last(key))
    return [(row[0], row[1] or "", *row[2:]) for row in session.execute(found)]


def _within(period: Period) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [Opportunity.closed_at.is_not(None)]
    if period.since:
        found.append(Opportunity.closed_at >= clock.start_of_day(period.since))
    if period.until:
        found.append(Opportunity.closed_at < clock.start_of_day(period.until + timedelta(days=1)))
    return found


def _keyed(session: CrmSession, conditions: Sequence[ColumnElement[bool]], by: By) -> tuple[Any, Any]:
    if by in MONTHS:
        span = _span(session, conditions, MONTHS[by])
        return span, span
    keys: dict[By, tuple[Any, Any]] = {
        By.NOTHING: (null(), literal("")),
        By.OWNER: (Opportunity.owner_id, User.name),
        By.TEAM: (Team.id, Team.name),
        By.PRODUCT: (Product.id, Product.name),
    }
    return keys[by]


def _span(session: CrmSession, conditions: Sequence[ColumnElement[bool]], months: int) -> ColumnElement[str]:
    """Into which months or quarters a closing falls, by the moments at which they begin where the team works."""
    joined = select(func.min(Opportunity.closed_at), func.max(Opportunity.closed_at)).join(Customer, Customer.id == Opportunity.customer_id)
    joined = joined.join(OpportunityStage, OpportunityStage.id == Opportunity.stage_id)
    first, last = session.execute(joined.where(*conditions)).one()
    if first is None or last is None:
        return literal("", String)
    spans = list(_spans(clock.day_of(first), clock.day_of(last), months))
    return case(*((Opportunity.closed_at < clock.start_of_day(end), name) for name, end in spans), else_="")


def _spans(first: date, last: date, months: int) -> Iterator[tuple[str, date]]:
    """Each span from the one of the first day to the one of the last, with the day after it."""
    number = (first.year * 12 + first.month - 1) // months * months
    while number <= last.year * 12 + last.month - 1:
        year, month = divmod(number, 12)
        name = f"{year}-{month + 1:02d}" if months == 1 else f"{year}-Q{month // 3 + 1}"
        number += months
        yield name, date(number // 12, number % 12 + 1, 1)
