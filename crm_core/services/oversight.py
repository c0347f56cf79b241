"""What heads look after: first follow-ups made in time, overdue ones, customers without a next step, and those without contact for long."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.errors import NotAllowed
from crm_core.i18n import N_, _
from crm_core.models import Customer, LifecycleStage, Task, User
from crm_core.paging import Page
from crm_core.permissions import Actor, Permission, Scope, require
from crm_core.services.follow_up_rules import get_follow_up_policy
from crm_core.visibility import View

COUNT_LIMIT = 500


@dataclass(frozen=True)
class Watched:
    """A customer in one of the lists."""

    id: int
    code: str
    name: str
    stage: str
    tier: str | None
    owner_id: int | None
    owner: str
    created_at: datetime
    first_follow_up_on: date | None
    last_contact_at: datetime | None

    @property
    def quiet_days(self) -> int:
        """How many days ago the last contact was; where there was none, the entry."""
        return (clock.today() - clock.day_of(self.last_contact_at or self.created_at)).days


@dataclass(frozen=True)
class WatchedPage(Page):
    """One page; `total` is exact unless `is_capped`: then there are more."""

    size = 20
    rows: list[Watched]
    total: int
    is_capped: bool
    page: int


@dataclass(frozen=True)
class Tally:
    """How many customers of one person stand in each of the lists, by code."""

    user_id: int
    name: str
    counts: dict[str, int]


@dataclass(frozen=True)
class Rate:
    """First follow-ups of customers that came in a period: those that were due, and made in time."""

    user_id: int | None
    name: str
    due: int
    in_time: int
    late: int
    """Made after their day."""
    missing: int
    """Overdue and not made."""

    @property
    def percent(self) -> int | None:
        """Made in time of those that were due, in whole percent; nothing where none was due."""
        return round(100 * self.in_time / self.due) if self.due else None


@dataclass(frozen=True)
class Watch:
    """One list: its name, what is in it, and in what order."""

    label: str
    condition: Callable[[CrmSession], ColumnElement[bool]]
    order: tuple[Any, ...]


def _awaiting(_session: CrmSession) -> ColumnElement[bool]:
    return and_(Customer.awaits_first_follow_up, Customer.first_follow_up_on < clock.today(), Customer.owner_id.is_not(None))


def _without_step(_session: CrmSession) -> ColumnElement[bool]:
    return and_(~_next_steps(Customer.id).exists(), Customer.owner_id.is_not(None), Customer.stage != "churned")


def _next_steps(customer_id: Any) -> Select[int]:
    """What is a next step with a customer: an open plan or task that somebody made."""
    return select(Task.id).where(Task.customer_id == customer_id, Task.done_at.is_(None), Task.kind.in_(("follow_up", "task")))


def _quiet(session: CrmSession) -> ColumnElement[bool]:
    since = clock.start_of_day(clock.today() - timedelta(days=get_follow_up_policy(session)[0].quiet_days))
    never = and_(Customer.last_contact_at.is_(None), Customer.created_at < since)
    return and_(or_(Customer.last_contact_at < since, never), Customer.owner_id.is_not(None), Customer.stage != "churned")


WATCHES: dict[str, Watch] = {
    "first_follow_up": Watch(N_("First follow-up overdue"), _awaiting, (Customer.first_follow_up_on, Customer.id)),
    "no_next_step": Watch(N_("No next step"), _without_step, (Customer.id.desc(),)),
    "quiet": Watch(N_("Long without contact"), _quiet, (Customer.last_contact_at.asc().nulls_first(), Customer.id)),
}
"""The lists by their code: first follow-ups that are overdue, customers without an open plan or task, and those without contact."""


def oversees(actor: Actor) -> bool:
    """Whether somebody sees how others get on: whose role sees more than their own customers, be it for reading only."""
    return actor.scope is not Scope.OWN


def list_watched(session: CrmSession, actor: Actor, watch: str, *, owner_id: int | None = None, page: int = 1) -> WatchedPage:
    """One page of a list (`WATCHES`) within the actor's scope: salespeople see their own customers, heads those of the team."""
    require(actor, Permission.CUSTOMER_READ)
    return _page(session, _within(WATCHES[watch].condition(session), owner_id), WATCHES[watch].order, page)


def list_awaiting(session: CrmSession, actor: Actor, owner_id: int) -> WatchedPage:
    """The customers of one person whose first follow-up is not made, overdue or not yet, the most urgent first."""
    require(actor, Permission.CUSTOMER_READ)
    within = _within(Customer.awaits_first_follow_up, owner_id)
    return _page(session, within, WATCHES["first_follow_up"].order, 1)


def _within(condition: Any, owner_id: int | None) -> tuple[Any, ...]:
    return (Customer.is_listed, condition, *([Customer.owner_id == owner_id] if owner_id else []))


def _page(session: CrmSession, within: tuple[Any, ...], order: tuple[Any, ...], page: int) -> WatchedPage:
    total = _count(session, within)
    page = WatchedPage.nearest(page, min(total, COUNT_LIMIT))
    columns = ("id", "code", "name", "stage", "tier", "owner_id", "created_at", "first_follow_up_on", "last_contact_at")
    statement = select(*(getattr(Customer, name) for name in columns), User.name.label("owner")).outerjoin(
        User, User.id == Customer.owner_id
    )
    found = WatchedPage.cut(statement.where(*within).order_by(*order), page)
    rows = [Watched(**{**row._mapping, "owner": row.owner or ""}) for row in session.execute(found)]
    return WatchedPage(rows, min(total, COUNT_LIMIT), total > COUNT_LIMIT, page)


def count_watched(session: CrmSession, actor: Actor, watch: str, *, owner_id: int | None = None) -> int:
    """How many customers a list holds, counted to `COUNT_LIMIT` and one more."""
    require(actor, Permission.CUSTOMER_READ)
    return _count(session, _within(WATCHES[watch].condition(session), owner_id))


def _count(session: CrmSession, within: tuple[Any, ...]) -> int:
    some = select(Customer.id).where(*within).limit(COUNT_LIMIT + 1).subquery()
    total: int = session.execute(select(func.count()).select_from(some)).scalar_one()
    return total


def count_by_owner(session: CrmSession, actor: Actor) -> list[Tally]:
    """The same for each person in the actor's scope, those with most first. Raises `NotAllowed` for somebody who sees only their own."""
    _require_overview(actor)
    found: dict[int, Tally] = {}
    for code, watch in WATCHES.items():
        counts = select(Customer.owner_id, User.name, func.count().label("number")).join(User, User.id == Customer.owner_id)
        within = counts.where(Customer.is_listed, watch.condition(session)).group_by(Customer.owner_id, User.name)
        for row in session.execute(within):
            tally = found.setdefault(row.owner_id, Tally(row.owner_id, row.name, dict.fromkeys(WATCHES, 0)))
            tally.counts[code] = row.number
    return sorted(found.values(), key=lambda one: (-sum(one.counts.values()), one.name))


def has_next_step(session: CrmSession, actor: Actor, customer_id: int) -> bool:
    """Whether somebody has something to do for a customer; one without is shown as such."""
    require(actor, Permission.CUSTOMER_READ)
    return session.execute(_next_steps(customer_id).limit(1)).first() is not None


def lacks_next_step(session: CrmSession, actor: Actor, customer: View) -> bool:
    """Whether a customer stands in the list of those without a next step."""
    is_watched = customer.is_listed and customer.owner_id is not None and customer.stage != LifecycleStage.CHURNED
    return is_watched and not has_next_step(session, actor, customer.id)


def first_follow_up_rates(session: CrmSession, actor: Actor, since: date, until: date) -> list[Rate]:
    """首次跟进 by person, for customers whose first follow-up was due in a period of days, both included; who missed most comes first.

    One that lies ahead does not count yet, unless it is made already. Raises `NotAllowed` for somebody who sees only their own.
    """
    _require_overview(actor)
    days = _due_days(session, since, until)
    if not days:
        return []
    # Day by day, since the databases reckon in UTC: a first follow-up counts for the day where the team works.
    made_by = or_(*(_made_in_time(due) for due in days))
    in_time = func.sum(case((made_by, 1), else_=0)).label("in_time")
    missing = func.sum(case((Customer.followed_up_at.is_(None), 1), else_=0)).label("missing")
    counted = or_(Customer.followed_up_at.is_not(None), Customer.first_follow_up_on < clock.today())
    within = (Customer.is_listed, Customer.first_follow_up_on.between(since, until), counted)
    statement = select(Customer.owner_id, User.name, func.count().label("due"), in_time, missing)
    statement = statement.outerjoin(User, User.id == Customer.owner_id).where(*within).group_by(Customer.owner_id, User.name)
    rates = [
        Rate(
            row.owner_id,
            row.name or _("Customer pool"),
            row.due,
            int(row.in_time),
            row.due - int(row.in_time) - int(row.missing),
            int(row.missing),
        )
        for row in session.execute(statement)
    ]
    return sorted(rates, key=lambda one: (-one.missing, -one.late, one.name))


def _require_overview(actor: Actor) -> None:
    require(actor, Permission.CUSTOMER_READ)
    if not oversees(actor):
        raise NotAllowed(Permission.CUSTOMER_READ, _("This is for those who see the customers of others too."))


def _due_days(session: CrmSession, since: date, until: date) -> list[date]:
    days = select(Customer.first_follow_up_on).where(Customer.is_listed, Customer.first_follow_up_on.between(since, until)).distinct()
    return [day for day in session.execute(days).scalars() if day]


def _made_in_time(due: date) -> ColumnElement[bool]:
    return and_(Customer.first_follow_up_on == due, Customer.followed_up_at < clock.start_of_day(due + timedelta(days=1)))
