"""The customers at risk, a page at a time: score, reasons, what changed since about a week ago, and the next step."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, and_, func, select
from sqlalchemy.orm import aliased

from crm_core.db import CrmSession
from crm_core.models import CHURN_BANDS, ChurnPlan, ChurnScore, Customer, LifecycleStage, Task, User, title_of
from crm_core.paging import Page
from crm_core.permissions import Actor, Permission, require
from crm_core.services.churn.days import day_before, latest_day
from crm_core.services.teams import teams_seen
from crm_core.visibility import View

AT_RISK = ("high", "medium")


@dataclass(frozen=True)
class RiskQuery:
    """What is asked for; several values of one filter mean any of them. Without bands: medium and high."""

    bands: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()
    owners: tuple[int, ...] = ()
    teams: tuple[int, ...] = ()
    """With all teams below them."""
    page: int = 1


@dataclass(frozen=True)
class NextStep:
    """The open task that is due first."""

    title: str
    due_at: datetime


@dataclass(frozen=True)
class Risk:
    """One customer with its score."""

    id: int
    code: str
    name: str
    tier: str | None
    owner_id: int | None
    owner: str
    score: float
    band: str
    reasons: Sequence[Any]
    before: float | None
    """The score about a week ago; none where there was none."""
    reasons_before: Sequence[Any] | None
    next_step: NextStep | None
    has_plan: bool

    @property
    def change(self) -> int | None:
        """By how much the score as it is shown changed."""
        return None if self.before is None else round(self.score) - round(self.before)


@dataclass(frozen=True)
class RiskPage(Page):
    """One page; the number of customers of each band is that of the other filters."""

    size = 20
    rows: list[Risk]
    counts: dict[str, int]
    total: int
    page: int
    day: date | None
    """Of the scores; none where none were reckoned yet."""
    compared_with: date | None


def list_risks(session: CrmSession, actor: Actor, query: RiskQuery) -> RiskPage:
    """One page within the actor's scope, the highest score first. Raises `NotAllowed`."""
    require(actor, Permission.CHURN_READ)
    day = latest_day(session)
    if day is None:
        return RiskPage([], {}, 0, 1, None, None)
    compared_with, within = day_before(session, day), _within(session, day, query)
    grouped = select(ChurnScore.band, func.count()).join(Customer, Customer.id == ChurnScore.customer_id)
    counts: dict[str, int] = dict(session.execute(grouped.where(*within).group_by(ChurnScore.band)).all())
    bands = query.bands or AT_RISK
    total = sum(counts.get(band, 0) for band in bands)
    page = RiskPage.nearest(query.page, total)
    ordered = _scored(compared_with).where(*within, ChurnScore.band.in_(bands)).order_by(ChurnScore.score.desc(), Customer.id)
    rows = session.execute(RiskPage.cut(ordered, page)).all()
    steps = _next_steps(session, [row.id for row in rows])
    found = [Risk(**{**row._mapping, "owner": row.owner or ""}, next_step=steps.get(row.id)) for row in rows]
    return RiskPage(found, {band: counts.get(band, 0) for band in CHURN_BANDS}, total, page, day, compared_with)


def _within(session: CrmSession, day: date, query: RiskQuery) -> list[Any]:
    # A customer that was lost or laid away since the scores were reckoned is at risk no longer.
    within: list[Any] = [ChurnScore.day == day, Customer.is_listed, Customer.stage != LifecycleStage.CHURNED]
    if query.tiers:
        within.append(Customer.tier.in_(query.tiers))
    if query.owners:
        within.append(Customer.owner_id.in_(query.owners))
    if query.teams:
        below = frozenset[int]().union(*(teams_seen(session, 0, team) for team in query.teams))
        members = select(User.id).where(User.team_id.in_(below))
        within.append(Customer.owner_id.in_(members.scalar_subquery()))
    return within


def _scored(compared_with: date | None) -> Select[*tuple[Any, ...]]:
    earlier = aliased(ChurnScore)
    plans = select(ChurnPlan.id).where(ChurnPlan.customer_id == Customer.id, ChurnPlan.outcome.is_(None))
    statement = select(
        Customer.id,
        Customer.code,
        Customer.name,
        Customer.tier,
        Customer.owner_id,
        User.name.label("owner"),
        ChurnScore.score,
        ChurnScore.band,
        ChurnScore.reasons,
        earlier.score.label("before"),
        earlier.reasons.label("reasons_before"),
        plans.exists().label("has_plan"),
    ).join(Customer, Customer.id == ChurnScore.customer_id)
    same = and_(earlier.customer_id == ChurnScore.customer_id, earlier.day == compared_with, earlier.was_lost.is_(None))
    return statement.outerjoin(User, User.id == Customer.owner_id).outerjoin(earlier, same)


def _next_steps(session: CrmSession, ids: Sequence[int]) -> dict[int, NextStep]:
    """The open task of each of these customers that is due first, verifications and corrections of data left out."""
    place = func.row_number().over(partition_by=Task.customer_id, order_by=(Task.due_at, Task.id)).label("place")
    is_step = (Task.customer_id.in_(ids), Task.done_at.is_(None), Task.kind.in_(("follow_up", "task")))
    some = select(Task.customer_id, Task.kind, Task.name, Task.due_at, place).where(*is_step).subquery()
    first = select(some).where(some.c.place == 1)
    return {row.customer_id: NextStep(title_of(row.kind, row.name), row.due_at) for row in session.execute(first)}


def score_of(session: CrmSession, actor: Actor, customer: View) -> ChurnScore | None:
    """The present score of a customer; none where it has none or was lost meanwhile, or the role sees no warnings."""
    sees = actor.can(Permission.CHURN_READ) and customer.is_listed and customer.stage != LifecycleStage.CHURNED
    day = latest_day(session) if sees else None
    return session.get(ChurnScore, (customer.id, day)) if day else None


def list_owners(session: CrmSession, actor: Actor) -> dict[int, str]:
    """Whose customers have a score, within the actor's scope: the owners to filter by."""
    require(actor, Permission.CHURN_READ)
    held = select(Customer.owner_id).join(ChurnScore, ChurnScore.customer_id == Customer.id).where(ChurnScore.day == latest_day(session))
    people = select(User.id, User.name).where(User.id.in_(held)).order_by(User.name)
    return {row.id: row.name for row in session.execute(people)}
