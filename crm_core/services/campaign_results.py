"""What came of a campaign: how many came to each step, who was qualified and won since, and what it brought for its cost [001].

Everything is reckoned in SQL from the rows, within the actor's scope; nothing of it is stored. A rate is always given out with its
numerator and denominator, and has no value where the denominator is nothing.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, and_, func, select

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.models import Contract, Customer, LifecycleStage, Participation, StageChange
from crm_core.models.campaign import REACTIONS
from crm_core.permissions import Actor, Permission, Scope, require


@dataclass(frozen=True)
class Rate:
    """A part of something."""

    part: int
    whole: int

    @property
    def value(self) -> float | None:
        """Between 0 and 1; none of nothing."""
        return self.part / self.whole if self.whole else None


@dataclass(frozen=True)
class Results:
    """The figures of one campaign, of the customers that the actor sees."""

    invited: int
    clicked: int
    registered: int
    attended: int
    answered: int
    scores: int
    score_sum: int
    reacted_customers: int
    """Customers of whom somebody clicked, signed up or attended."""
    qualified: int
    won: int
    amount: Decimal | None
    """Of the contracts that they signed; none for roles that see no contracts."""
    cost: Decimal | None
    """Only for those who see all customers: the cost of the whole against a part of what it brought would mislead."""
    is_whole: bool
    """Whether the actor sees all customers."""
    until: date
    """The last day on which something counts."""

    @property
    def click_rate(self) -> Rate:
        """Clicked ÷ invited."""
        return Rate(self.clicked, self.invited)

    @property
    def registration_rate(self) -> Rate:
        """Signed up ÷ invited."""
        return Rate(self.registered, self.invited)

    @property
    def attendance_rate(self) -> Rate:
        """Attended ÷ signed up; who comes without having signed up does both."""
        return Rate(self.attended, self.registered)

    @property
    def answer_rate(self) -> Rate:
        """Gave feedback ÷ attended."""
        return Rate(self.answered, self.attended)

    @property
    def qualified_rate(self) -> Rate:
        """Customers that became 意向客户 ÷ customers that reacted."""
        return Rate(self.qualified, self.reacted_customers)

    @property
    def won_rate(self) -> Rate:
        """Customers that became 成交客户 ÷ customers that reacted."""
        return Rate(self.won, self.reacted_customers)

    @property
    def average_score(self) -> float | None:
        """Of those who gave one."""
        return self.score_sum / self.scores if self.scores else None

    @property
    def return_on_cost(self) -> float | None:
        """Contract amount ÷ cost; no value without a cost."""
        return float(self.amount / self.cost) if self.amount is not None and self.cost else None


def get_results(session: CrmSession, actor: Actor, campaign: Any) -> Results:
    """The figures of a campaign (its row or what a list shows of it).

    A customer counts as qualified or won, and a contract towards the amount, from its first reaction on and until `result_days` after
    the last day of the campaign. Two queries, one more for the amount.
    """
    require(actor, Permission.CAMPAIGN_READ)
    until = campaign.ends_on + timedelta(days=campaign.result_days)
    reacted = _reacted(campaign.id)
    counts = session.execute(_counted(campaign.id)).one()._mapping
    became = session.execute(_became(reacted, clock.start_of_day(until + timedelta(days=1)))).one()._mapping
    numbers: dict[str, Any] = {name: int(number or 0) for name, number in {**counts, **became}.items()}
    return Results(
        **numbers,
        amount=_amount(session, reacted, until) if actor.can(Permission.CONTRACT_READ) else None,
        cost=campaign.cost if actor.scope is Scope.ALL else None,
        is_whole=actor.scope is Scope.ALL,
        until=until,
    )


def _counted(campaign_id: int) -> Select[*tuple[Any, ...]]:
    """By person: after a merge two rows may stand for one, who is counted once."""
    steps = (func.max(getattr(Participation, f"{step}_at")).label(step) for step in REACTIONS)
    people = (
        select(*steps, func.max(Participation.score).label("score"))
        .join(Customer, Customer.id == Participation.customer_id)
        .where(Participation.campaign_id == campaign_id, Customer.is_open)
        .group_by(Participation.customer_id, func.coalesce(Participation.contact_name, ""))
        .subquery()
    )
    counts = (func.count(people.c[step]).label(step) for step in REACTIONS)
    scores = func.count(people.c.score).label("scores"), func.sum(people.c.score).label("score_sum")
    return select(func.count().label("invited"), *counts, *scores).select_from(people)


def _reacted(campaign_id: int) -> Any:
    """The customers of whom somebody reacted, with the first time."""
    return (
        select(
            Participation.customer_id,
            func.min(Participation.reacted_at).label("reacted_at"),
            func.min(Participation.reacted_on).label("reacted_on"),
        )
        .join(Customer, Customer.id == Participation.customer_id)
        .where(Participation.campaign_id == campaign_id, Participation.reacted_at.is_not(None), Customer.is_open)
        .group_by(Participation.customer_id)
        .subquery()
    )


def _became(reacted: Any, end: Any) -> Select[*tuple[Any, ...]]:
    def moved(stage: LifecycleStage) -> Any:
        theirs = and_(
            StageChange.customer_id == reacted.c.customer_id,
            StageChange.to_stage == stage,
            StageChange.from_stage.is_not(None),
            StageChange.at >= reacted.c.reacted_at,
            StageChange.at < end,
        )
        return func.sum(func.coalesce(select(1).where(theirs).limit(1).correlate(reacted).scalar_subquery(), 0))

    qualified, won = moved(LifecycleStage.QUALIFIED).label("qualified"), moved(LifecycleStage.CUSTOMER).label("won")
    return select(func.count().label("reacted_customers"), qualified, won).select_from(reacted)


def _amount(session: CrmSession, reacted: Any, until: date) -> Decimal:
    counted = select(func.sum(Contract.amount)).join(reacted, reacted.c.customer_id == Contract.customer_id)
    signed = session.execute(
        counted.where(Contract.is_in_force, Contract.signed_on >= reacted.c.reacted_on, Contract.signed_on <= until)
    ).scalar()
    return signed if signed is not None else Decimal(0)


def count_steps(session: CrmSession, ids: list[int]) -> dict[int, tuple[int, int]]:
    """By campaign how many take part and how many attended, of the customers in the actor's scope; for a page of the list."""
    counted = (
        select(Participation.campaign_id, func.count().label("all"), func.count(Participation.attended_at).label("attended"))
        .join(Customer, Customer.id == Participation.customer_id)
        .where(Participation.campaign_id.in_(ids), Customer.is_open)
        .group_by(Participation.campaign_id)
    )
    return {row.campaign_id: (row.all, row.attended) for row in session.execute(counted)}
