"""挽回计划: begun from a template, which gives its tasks to somebody; ended with what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.errors import Conflict, IllegalTransition, NotFound, ValidationFailed
from crm_core.i18n import _
from crm_core.models import PLAN_OUTCOMES, ChurnPlan, ChurnPlanTask, ChurnScore, Customer, LifecycleStage, Task, TaskState, User
from crm_core.paging import Page
from crm_core.permissions import Actor, Permission, require
from crm_core.scope import unscoped
from crm_core.services import tasks
from crm_core.services.churn.days import latest_day
from crm_core.services.locking import lock_listed
from crm_core.validation import clean_text

SUCCESSES = ("won_back", "kept")
RUNNING = "running"


@dataclass(frozen=True)
class PlannedStep:
    """A task as it was entered in the dialog."""

    name: str
    due_on: date | None


@dataclass(frozen=True)
class ListedPlan:
    """A plan as the list shows it."""

    id: int
    version: int
    name: str
    score: float | None
    score_now: float | None
    started_at: datetime
    started_by: str
    outcome: str | None
    ended_at: datetime | None
    remark: str
    code: str
    customer: str
    owner: str
    steps: int
    steps_done: int

    @property
    def days(self) -> int:
        """How many days it runs, or ran."""
        return (clock.day_of(self.ended_at or clock.now()) - clock.day_of(self.started_at)).days


@dataclass(frozen=True)
class PlanPage(Page):
    """One page, with what came of all plans within the actor's scope."""

    size = 20
    rows: list[ListedPlan]
    outcomes: dict[str, int]
    """By outcome, and `RUNNING`."""
    total: int
    page: int

    @property
    def ended(self) -> int:
        """Plans that ended."""
        return sum(self.outcomes[outcome] for outcome in PLAN_OUTCOMES)

    @property
    def succeeded(self) -> int:
        """Those of them after which the customer was won back or kept."""
        return sum(self.outcomes[outcome] for outcome in SUCCESSES)

    @property
    def percent(self) -> int | None:
        """Success rate in whole percent; nothing where none ended."""
        return round(100 * self.succeeded / self.ended) if self.ended else None


def start_plan(
    session: CrmSession, actor: Actor, customer_id: int, *, name: str, steps: Sequence[PlannedStep], assignee_id: int
) -> ChurnPlan:
    """Begin a plan: its tasks go to somebody who sees the customer.

    Raises `NotAllowed`, `NotFound`, `ValidationFailed`, and `IllegalTransition` where one runs already or the customer is lost.
    """
    require(actor, Permission.CHURN_READ)
    require(actor, Permission.CUSTOMER_EDIT)
    customer = lock_listed(session, customer_id)
    if customer.stage == LifecycleStage.CHURNED:
        raise IllegalTransition(_("This customer is lost already. Change its type first where it comes back."))
    if other := running_plan(session, customer_id):
        raise IllegalTransition(runs_already(other))
    wanted = [step for step in steps if step.name.strip()]
    if not clean_text(name) or not wanted:
        raise ValidationFailed({"steps": [_("A plan needs a name and at least one task.")]})
    plan = ChurnPlan(customer_id=customer_id, name=clean_text(name)[:60], started_by_id=actor.id, score=_score_of(session, customer_id))
    session.add(plan)
    session.flush()
    for step in wanted:
        task = tasks.create_task(
            session, actor, name=step.name, assignee_id=assignee_id, due_on=step.due_on, customer_id=customer_id, priority="high"
        )
        session.add(ChurnPlanTask(plan_id=plan.id, task_id=task.id))
    session.flush()
    return plan


def running_plan(session: CrmSession, customer_id: int) -> str | None:
    """The name of the plan that runs for a customer; there is at most one."""
    running = select(ChurnPlan.name).where(ChurnPlan.customer_id == customer_id, ChurnPlan.outcome.is_(None))
    return session.execute(running).scalar()


def runs_already(name: str) -> str:
    """What is said where a second plan is begun."""
    return _("The plan “{name}” runs for this customer already. End it before you begin another one.").format(name=name)


def _score_of(session: CrmSession, customer_id: int) -> float | None:
    own = select(ChurnScore.score).where(ChurnScore.customer_id == customer_id, ChurnScore.day == latest_day(session))
    return session.execute(own).scalar()


def end_plan(session: CrmSession, actor: Actor, plan_id: int, outcome: str, *, remark: str = "", version: int) -> ChurnPlan:
    """Say what came of a plan; its tasks that are still open are cancelled.

    Raises `NotAllowed`, `NotFound`, `Conflict`, `IllegalTransition`, `ValidationFailed`.
    """
    require(actor, Permission.CHURN_READ)
    require(actor, Permission.CUSTOMER_EDIT)
    plan = _lock(session, plan_id)
    if plan.outcome is not None or plan.version != version:
        raise Conflict(version=plan.version, theirs={}, message=_("Somebody else ended or changed this plan meanwhile. Reload the page."))
    if outcome not in PLAN_OUTCOMES:
        raise ValidationFailed({"outcome": [_("Choose what came of the plan.")]})
    plan.ended_by_id, plan.remark = actor.id, clean_text(remark)[:300] or None
    _end(session, plan, outcome)
    session.flush()
    return plan


def end_lost_plans(session: CrmSession) -> None:
    """A plan for a customer that was lost meanwhile ends with that, by the system."""
    lost = select(Customer.id).where(Customer.stage == LifecycleStage.CHURNED)
    running = select(ChurnPlan).where(ChurnPlan.outcome.is_(None), ChurnPlan.customer_id.in_(lost))
    for plan in session.execute(running, execution_options=unscoped).scalars():
        _end(session, plan, "lost")


def _lock(session: CrmSession, plan_id: int) -> ChurnPlan:
    # The customer first, as in beginning one: else two who work at one customer could wait for each other.
    customer_id = session.execute(select(ChurnPlan.customer_id).where(ChurnPlan.id == plan_id)).scalar()
    if customer_id is None:
        raise NotFound(_("This plan is gone or not visible to you. Reload the page."))
    lock_listed(session, customer_id)
    own = select(ChurnPlan).where(ChurnPlan.id == plan_id).with_for_update()
    return session.execute(own, execution_options={"populate_existing": True}).scalar_one()


def _end(session: CrmSession, plan: ChurnPlan, outcome: str) -> None:
    plan.outcome, plan.ended_at = outcome, clock.now()
    for task in _open_tasks(session, plan.id):
        tasks.close(task, TaskState.CANCELLED, _("The win-back plan has ended."))


def _open_tasks(session: CrmSession, plan_id: int) -> list[Task]:
    own = select(ChurnPlanTask.task_id).where(ChurnPlanTask.plan_id == plan_id)
    return list(session.execute(select(Task).where(Task.id.in_(own), Task.done_at.is_(None)).with_for_update()).scalars())


def list_plans(session: CrmSession, actor: Actor, *, page: int = 1) -> PlanPage:
    """One page of the plans within the actor's scope: those that run first, then the latest ones. Raises `NotAllowed`."""
    require(actor, Permission.CHURN_READ)
    counted = select(ChurnPlan.outcome, func.count()).join(Customer, Customer.id == ChurnPlan.customer_id).where(Customer.is_open)
    found = {outcome or RUNNING: count for outcome, count in session.execute(counted.group_by(ChurnPlan.outcome)).all()}
    outcomes = {code: found.get(code, 0) for code in (RUNNING, *PLAN_OUTCOMES)}
    total = sum(outcomes.values())
    page = PlanPage.nearest(page, total)
    ordered = _select_listed(session).order_by(ChurnPlan.outcome.is_not(None), ChurnPlan.started_at.desc(), ChurnPlan.id.desc())
    rows = session.execute(PlanPage.cut(ordered, page))
    return PlanPage([_listed(row) for row in rows], outcomes, total, page)


def _select_listed(session: CrmSession) -> Any:
    starter, owner = User.__table__.alias("starter"), User.__table__.alias("owner")
    made = select(func.count()).select_from(ChurnPlanTask).join(Task, Task.id == ChurnPlanTask.task_id)
    made = made.where(ChurnPlanTask.plan_id == ChurnPlan.id).correlate(ChurnPlan)
    copied = ("id", "version", "name", "score", "started_at", "outcome", "ended_at", "remark")
    statement = select(
        *(getattr(ChurnPlan, name) for name in copied),
        Customer.code,
        Customer.name.label("customer"),
        ChurnScore.score.label("score_now"),
        starter.c.name.label("started_by"),
        owner.c.name.label("owner"),
        made.scalar_subquery().label("steps"),
        made.where(Task.state == TaskState.DONE).scalar_subquery().label("steps_done"),
    )
    statement = statement.join(Customer, Customer.id == ChurnPlan.customer_id).where(Customer.is_open)
    present = (ChurnScore.customer_id == ChurnPlan.customer_id) & (ChurnScore.day == latest_day(session))
    statement = statement.outerjoin(ChurnScore, present).outerjoin(starter, starter.c.id == ChurnPlan.started_by_id)
    return statement.outerjoin(owner, owner.c.id == Customer.owner_id)


def _listed(row: Any) -> ListedPlan:
    return ListedPlan(**{**row._mapping, **{name: getattr(row, name) or "" for name in ("remark", "started_by", "owner")}})
