"""工作台: what one person has to do next, and what they did this month, as the start page shows it."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.models import Contract, Customer, FollowUp, ReviewState, Task, TaskState
from crm_core.models.base import Money
from crm_core.permissions import Actor, Permission, require
from crm_core.services.customer_list import CustomerPage, CustomerQuery, list_customers
from crm_core.services.list_columns import BUILT_IN
from crm_core.services.oversight import WatchedPage, list_watched
from crm_core.services.pool_rules import get_rules
from crm_core.services.review_list import OWN, WAITING, ReviewPage, ReviewRow, list_reviews, views_for
from crm_core.services.task_views import TaskPage, TaskQuery, list_tasks

SHOWN = 6
"""So many of each block are shown; the rest is a link away."""
ENDING_DAYS = 60
"""Contracts that end within so many days are shown."""
AT_STAKE = ("stage", "tier", "amount")


@dataclass(frozen=True)
class Awaited:
    """A customer whose first follow-up is to be made until a day."""

    id: int
    code: str
    name: str
    until: date


@dataclass(frozen=True)
class Ending:
    """A contract that ends soon."""

    number: str
    product: str
    amount: Decimal
    ends_on: date
    code: str
    customer: str


@dataclass(frozen=True)
class Figures:
    """What somebody did in a month; amounts in yuan."""

    entered: int
    followed_up: int
    tasks_done: int
    contracts: int
    signed: Decimal


@dataclass(frozen=True)
class Workbench:
    """All blocks. Those of a missing permission are None."""

    duties: TaskPage
    """Own tasks and plans that are overdue or due today, the most urgent first."""
    awaited: list[Awaited]
    awaited_total: int
    without_step: WatchedPage
    recycled: CustomerPage | None
    """Own customers that go back to the pool; None where nothing goes back by itself."""
    ending: list[Ending]
    waiting: ReviewPage | None
    returned: list[ReviewRow]
    figures: Figures


def read_workbench(session: CrmSession, actor: Actor) -> Workbench:
    """What concerns the actor today."""
    require(actor, Permission.CUSTOMER_READ)
    awaited, awaited_total = _awaited(session, actor)
    views = views_for(actor)
    own_reviews = list_reviews(session, actor, OWN).rows if OWN in views else []
    return Workbench(
        duties=list_tasks(session, actor, TaskQuery(assignees=(_own(actor),), due_until=clock.today())),
        awaited=awaited,
        awaited_total=awaited_total,
        without_step=list_watched(session, actor, "no_next_step", owner_id=_own(actor)),
        recycled=_recycled(session, actor),
        ending=_ending(session, actor),
        waiting=list_reviews(session, actor, WAITING) if WAITING in views else None,
        returned=[row for row in own_reviews if row.state == ReviewState.RETURNED],
        figures=figures_of_month(session, actor),
    )


def _own(actor: Actor) -> int:
    return actor.id or 0


def _awaited(session: CrmSession, actor: Actor) -> tuple[list[Awaited], int]:
    condition = (Customer.is_listed, Customer.awaits_first_follow_up, Customer.owner_id == _own(actor))
    columns = select(Customer.id, Customer.code, Customer.name, Customer.first_follow_up_on.label("until"))
    rows = session.execute(columns.where(*condition).order_by(Customer.first_follow_up_on, Customer.id).limit(SHOWN)).all()
    total = len(rows)
    if total == SHOWN:
        total = session.execute(select(func.count()).select_from(Customer).where(*condition)).scalar_one()
    return [Awaited(**row._mapping) for row in rows], total


def _recycled(session: CrmSession, actor: Actor) -> CustomerPage | None:
    rules, _version = get_rules(session)
    if not (rules.is_on and rules.recycles):
        return None
    soon = CustomerQuery(owners=(_own(actor),), recycled_by=clock.today() + timedelta(days=rules.notice_days), sort="amount")
    return list_customers(session, actor, soon, [BUILT_IN[name] for name in AT_STAKE])


def _ending(session: CrmSession, actor: Actor) -> list[Ending]:
    columns = (Contract.number, Contract.product, Contract.amount, Contract.ends_on, Customer.code, Customer.name.label("customer"))
    today = clock.today()
    soon = Contract.ends_on.between(today, today + timedelta(days=ENDING_DAYS))
    own = (
        select(*columns)
        .join(Customer, Customer.id == Contract.customer_id)
        .where(Customer.is_listed, Customer.owner_id == _own(actor), soon)
    )
    return [Ending(**row._mapping) for row in session.execute(own.order_by(Contract.ends_on, Contract.id).limit(SHOWN))]


def figures_of_month(session: CrmSession, actor: Actor) -> Figures:
    """What the actor did since the first of the month."""
    first = clock.today().replace(day=1)
    since, own = clock.start_of_day(first), _own(actor)
    entered = (
        select(func.count()).select_from(Customer).where(Customer.is_listed, Customer.created_by_id == own, Customer.created_at >= since)
    )
    noted = select(func.count()).select_from(FollowUp).where(FollowUp.author_id == own, FollowUp.happened_at >= since)
    done = select(func.count()).select_from(Task)
    done = done.where(Task.assignee_id == own, Task.state == TaskState.DONE, Task.done_at >= since)
    signed: Any = select(func.count(), func.coalesce(func.sum(Contract.amount), 0, type_=Money())).where(
        Contract.owner_id == own, Contract.signed_on >= first
    )
    contracts, amount = session.execute(signed).one()
    counts = [session.execute(count).scalar_one() for count in (entered, noted, done)]
    return Figures(*counts, contracts=contracts, signed=amount)
