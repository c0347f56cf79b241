"""加权预测: what is expected in each month, and what it comes to with the probabilities; lost ones are left out."""

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import and_, func, or_, select

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.models import Customer, Opportunity, OpportunityStage, Outcome
from crm_core.permissions import Actor, Permission, require
from crm_core.services.of_customers import EVERYBODY, OfCustomers
from crm_core.services.opportunity_views import TOTAL, WEIGHTED

MONTHS = 12
"""So many are shown, this one first; what is expected before or later stands in a row of its own."""


@dataclass(frozen=True)
class Month:
    """What is expected in one month, `""` before the first and `later` after the last: won, still open, and weighted (won ones whole)."""

    month: str
    open_count: int = 0
    open_amount: Decimal = Decimal(0)
    won_amount: Decimal = Decimal(0)
    weighted: Decimal = Decimal(0)

    def plus(self, other: "Month") -> "Month":
        """Both in one row."""
        return Month(
            self.month,
            self.open_count + other.open_count,
            self.open_amount + other.open_amount,
            self.won_amount + other.won_amount,
            self.weighted + other.weighted,
        )


BEFORE, LATER = "", "later"


def forecast(session: CrmSession, actor: Actor, *, owners: tuple[int, ...] | None = None, of: OfCustomers = EVERYBODY) -> list[Month]:
    """The months from this one on, with a row before and after where anything is open there. Σ amount × probability by expected month.

    Of these owners (None: everybody) and customers.
    """
    require(actor, Permission.OPPORTUNITY_READ)
    months = months_ahead()
    rows = {month: Month(month) for month in (BEFORE, *months, LATER)}
    for found in _by_day(session, owners, of):
        key = found.month if found.month in rows else BEFORE if found.month < months[0] else LATER
        rows[key] = rows[key].plus(found)
    return [row for row in rows.values() if row.month in months or row.open_count]


def months_ahead() -> list[str]:
    """The months of the forecast, as YYYY-MM, this one first."""
    today = clock.today()
    first = today.year * 12 + today.month - 1
    return [f"{number // 12}-{number % 12 + 1:02d}" for number in range(first, first + MONTHS)]


def _by_day(session: CrmSession, owners: tuple[int, ...] | None, of: OfCustomers) -> list[Month]:
    """What is expected on each day, open or won; what was won before this month is told by the figures of its own."""
    columns = (Opportunity.expected_on, OpportunityStage.outcome, func.count().label("opportunities"))
    is_open, is_won = (OpportunityStage.outcome == outcome for outcome in (Outcome.OPEN, Outcome.WON))
    statement = (
        select(*columns, TOTAL.label("amount"), WEIGHTED.label("weighted"))
        .select_from(Opportunity)
        .join(OpportunityStage, OpportunityStage.id == Opportunity.stage_id)
        .join(Customer, Customer.id == Opportunity.customer_id)
        .where(or_(is_open, and_(is_won, Opportunity.expected_on >= clock.today().replace(day=1))))
        .where(Opportunity.deleted_at.is_(None), Customer.is_listed, *of.conditions)
        .group_by(Opportunity.expected_on, OpportunityStage.outcome)
    )
    if owners is not None:
        statement = statement.where(Opportunity.owner_id.in_(owners))
    found = []
    for row in session.execute(statement):
        name, weighted = f"{row.expected_on:%Y-%m}", row.weighted / 100
        if row.outcome == Outcome.OPEN:
            found.append(Month(name, open_count=row.opportunities, open_amount=row.amount, weighted=weighted))
        else:
            found.append(Month(name, won_amount=row.amount, weighted=weighted))
    return found
