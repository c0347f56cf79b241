"""工作台: what one person has to do next, and what they did this month, as the start page shows it."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.models import Contract, Customer, FollowUp, ReviewState, Task, TaskState, Ticket
from crm_core.models.base import Money
from crm_core.permissions import Actor, Permission, require
from crm_core.services.churn.risks import RiskPage, RiskQuery, list_risks
from crm_core.services.contract_views import Listed, read_first
from crm_core.services.customer_list import CustomerPage, CustomerQuery, list_customers
from crm_core.services.list_columns import BUILT_IN
from crm_core.services.notices import Told, count_unread, list_latest
from crm_core.services.oversight import WATCHES, WatchedPage, count_watched, list_awaiting, list_watched
from crm_core.services.pool_rules import get_rules
from crm_core.services.review_list import OWN, WAITING, ReviewPage, ReviewRow, list_reviews, views_for
from crm_core.services.task_views import TaskPage, TaskQuery, count_tasks, list_tasks
from crm_core.services.tasks import leads
from crm_core.services.ticket_list import TicketPage, list_own

SHOWN = 6
"""So many of each block are shown; the rest is a link away."""
AT_STAKE = ("stage", "tier", "amount")


@dataclass(frozen=True)
class Contracts:
    """Own contracts that end soon, and those of which a planned payment is overdue; none of both for a role that sees no contracts."""

    ending: list[Listed]
    overdue: list[Listed]

    @property
    def are_there(self) -> bool:
        """There is one of either kind."""
        return bool(self.ending or self.overdue)


@dataclass(frozen=True)
class Figures:
    """What somebody did in a month; amounts in yuan. What the role does not do is nothing."""

    entered: int | None
    followed_up: int | None
    tasks_done: int
    tickets: int | None
    contracts: int | None
    signed: Decimal | None


@dataclass(frozen=True)
class TeamFigures:
    """What waits in a team, for those who lead it: overdue tasks of others, and customers by the lists of `oversight`."""

    overdue: int
    watched: dict[str, int]


@dataclass(frozen=True)
class Workbench:
    """All blocks. Those of a missing permission are None."""

    tickets: TicketPage | None
    """Own tickets that are not resolved, what is overdue first."""
    duties: TaskPage
    """Own tasks and plans that are overdue or due today, the most urgent first."""
    awaited: WatchedPage
    """Own customers whose first follow-up is not made."""
    without_step: WatchedPage
    recycled: CustomerPage | None
    """Own customers that go back to the pool; None where nothing goes back by itself."""
    at_risk: RiskPage | None
    """Own customers at high risk of being lost, the highest score first."""
    contracts: Contracts
    waiting: ReviewPage | None
    returned: list[ReviewRow]
    news: list[Told]
    """The newest notices that were not read."""
    unread: int
    """How many were not read, counted to a limit."""
    team: TeamFigures | None
    """None for somebody who leads nobody."""
    has_customers: bool
    figures: Figures

    @property
    def is_new(self) -> bool:
        """There is not even a customer: the list says how to begin."""
        return self.is_clear and not self.has_customers

    @property
    def has_duties(self) -> bool:
        """Own tasks or customers wait."""
        return bool(self.duties.rows or self.awaited.rows or self.without_step.rows)

    @property
    def has_work(self) -> bool:
        """Something waits that has to be done."""
        pages = (self.tickets, self.recycled, self.waiting, self.at_risk)
        return bool(self.has_duties or self.contracts.are_there or self.returned or any(page and page.rows for page in pages))

    @property
    def is_clear(self) -> bool:
        """Nothing waits, nor is there anything new."""
        return not (self.has_work or self.news)


def read_workbench(session: CrmSession, actor: Actor) -> Workbench:
    """What concerns the actor today."""
    require(actor, Permission.CUSTOMER_READ)
    views = views_for(actor)
    own_reviews = list_reviews(session, actor, OWN).rows if OWN in views else []
    return Workbench(
        tickets=list_own(session, actor, SHOWN) if actor.can(Permission.TICKET_WRITE) else None,
        duties=list_tasks(session, actor, TaskQuery(assignees=(_own(actor),), due_until=clock.today())),
        awaited=list_awaiting(session, actor, _own(actor)),
        without_step=list_watched(session, actor, "no_next_step", owner_id=_own(actor)),
        recycled=_recycled(session, actor),
        at_risk=_at_risk(session, actor),
        contracts=contracts_at_hand(session, actor),
        waiting=list_reviews(session, actor, WAITING) if WAITING in views else None,
        returned=[row for row in own_reviews if row.state == ReviewState.RETURNED],
        news=[notice for notice in list_latest(session, actor) if not notice.is_read],
        unread=count_unread(session, actor),
        team=_team(session, actor) if leads(actor) else None,
        has_customers=session.execute(select(Customer.id).where(Customer.is_listed).limit(1)).first() is not None,
        figures=figures_of_month(session, actor),
    )


def _own(actor: Actor) -> int:
    return actor.id or 0


def _team(session: CrmSession, actor: Actor) -> TeamFigures:
    overdue = count_tasks(session, actor, TaskQuery(is_overdue=True, without=_own(actor)))
    return TeamFigures(overdue, {code: count_watched(session, actor, code) for code in WATCHES})


def _recycled(session: CrmSession, actor: Actor) -> CustomerPage | None:
    rules, _version = get_rules(session)
    if not (rules.is_on and rules.recycles):
        return None
    soon = CustomerQuery(owners=(_own(actor),), recycled_by=clock.today() + timedelta(days=rules.notice_days), sort="amount")
    return list_customers(session, actor, soon, [BUILT_IN[name] for name in AT_STAKE])


def _at_risk(session: CrmSession, actor: Actor) -> RiskPage | None:
    return list_risks(session, actor, RiskQuery(("high",), owners=(_own(actor),))) if actor.can(Permission.CHURN_READ) else None


def contracts_at_hand(session: CrmSession, actor: Actor) -> Contracts:
    """The contracts of the actor's own customers that need them: a few of each kind, the most urgent first."""
    if not actor.can(Permission.CONTRACT_READ):
        return Contracts([], [])
    own = Customer.owner_id == _own(actor)
    ending = read_first(session, own, state="ending", sort="ends", count=SHOWN)
    return Contracts(ending, read_first(session, own, is_overdue=True, sort="ends", count=SHOWN))


def figures_of_month(session: CrmSession, actor: Actor) -> Figures:
    """What the actor did since the first of the month."""
    first = clock.today().replace(day=1)
    since, own = clock.start_of_day(first), _own(actor)
    entered = (Customer.is_listed, Customer.created_by_id == own, Customer.created_at >= since)
    resolved = (Ticket.handler_id == own, Ticket.resolved_at >= since)
    done = (Task.assignee_id == own, Task.state == TaskState.DONE, Task.done_at >= since)
    amount: Any = func.coalesce(func.sum(Contract.amount), 0, type_=Money())
    signed = select(func.count(), amount).where(Contract.owner_id == own, Contract.signed_on >= first, Contract.is_in_force)
    contracts, total = session.execute(signed).one() if actor.can(Permission.CONTRACT_WRITE) else (None, None)
    written = (FollowUp.author_id == own, FollowUp.happened_at >= since)
    return Figures(
        entered=_count(session, Customer, *entered) if actor.can(Permission.CUSTOMER_CREATE) else None,
        followed_up=_count(session, FollowUp, *written) if actor.can(Permission.FOLLOW_UP_WRITE) else None,
        tasks_done=_count(session, Task, *done),
        tickets=_count(session, Ticket, *resolved) if actor.can(Permission.TICKET_WRITE) else None,
        contracts=contracts,
        signed=total,
    )


def _count(session: CrmSession, model: type, *conditions: Any) -> int:
    total: int = session.execute(select(func.count()).select_from(model).where(*conditions)).scalar_one()
    return total
