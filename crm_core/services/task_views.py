"""Views of the tasks in one's scope: filtered pages, the board, and the team by person."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, case, func, or_, select

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.errors import NotFound
from crm_core.i18n import _
from crm_core.models import Customer, Task, TaskState, User
from crm_core.paging import Page
from crm_core.permissions import Actor, Permission, require
from crm_core.services.task_rows import IS_ALIVE, Listed, read_listed, select_listed
from crm_core.services.tasks import leads
from crm_core.validation import clean_text

COLUMN_SIZE = 30
"""A column of the board shows no more."""
DONE_DAYS = 7
"""The board shows what was closed in so many days."""
COUNT_LIMIT = 500


@dataclass(frozen=True)
class TaskQuery:
    """What is asked for; several values of one filter mean any of them. Without states: what is open."""

    phrase: str = ""
    assignees: tuple[int, ...] = ()
    states: tuple[str, ...] = (TaskState.OPEN, TaskState.DOING)
    kinds: tuple[str, ...] = ()
    priorities: tuple[str, ...] = ()
    customer_id: int | None = None
    created_by: int | None = None
    without: int | None = None
    """None that this person has: with `created_by` what somebody gave to others."""
    is_overdue: bool = False
    recurs: bool = False
    due_from: date | None = None
    due_until: date | None = None
    closed_since: datetime | None = None
    page: int = 1


@dataclass(frozen=True)
class TaskPage(Page):
    """One page; `total` is exact unless `is_capped`: then there are more."""

    size = 20
    rows: list[Listed]
    total: int
    is_capped: bool
    page: int


@dataclass(frozen=True)
class Column:
    """One column of the board: its first tasks, and how many there are (`COUNT_LIMIT` and more count as that)."""

    rows: list[Listed]
    total: int


@dataclass(frozen=True)
class Load:
    """What one person has to do."""

    user_id: int
    name: str
    open: int
    overdue: int
    today: int
    """Due later today."""
    this_week: int


def list_tasks(session: CrmSession, actor: Actor, query: TaskQuery) -> TaskPage:
    """One page of the tasks within the actor's scope by due time, so that overdue ones come first; closed ones the latest first."""
    require(actor, Permission.CUSTOMER_READ)
    counted = _count(session, query)
    page = TaskPage.nearest(query.page, min(counted, COUNT_LIMIT))
    return TaskPage(
        _rows(session, query, TaskPage.size, (page - 1) * TaskPage.size), min(counted, COUNT_LIMIT), counted > COUNT_LIMIT, page
    )


def count_tasks(session: CrmSession, actor: Actor, query: TaskQuery) -> int:
    """How many tasks within the actor's scope are asked for, counted to `COUNT_LIMIT` and one more."""
    require(actor, Permission.CUSTOMER_READ)
    return _count(session, query)


def get_task(session: CrmSession, actor: Actor, task_id: int) -> Listed:
    """One task. Raises `NotFound` outside the actor's scope."""
    require(actor, Permission.CUSTOMER_READ)
    rows = read_listed(session, select_listed().where(Task.id == task_id))
    if not rows:
        raise NotFound(_("This task is gone or not visible to you. Reload the page."))
    return rows[0]


def board(session: CrmSession, actor: Actor, query: TaskQuery) -> dict[str, Column]:
    """The same tasks by state, a column each; what was closed only for `DONE_DAYS`. The states of the query do not count."""
    require(actor, Permission.CUSTOMER_READ)
    columns = {}
    for state in (TaskState.OPEN, TaskState.DOING, TaskState.DONE):
        since = clock.now() - timedelta(days=DONE_DAYS) if state is TaskState.DONE else None
        own = replace(query, states=(state,), closed_since=since)
        columns[str(state)] = Column(_rows(session, own, COLUMN_SIZE, 0), min(_count(session, own), COUNT_LIMIT))
    return columns


def by_person(session: CrmSession, actor: Actor) -> list[Load]:
    """What everybody in the actor's scope has to do, those with the most overdue tasks first; nothing for somebody who leads nobody."""
    if not leads(actor):
        return []
    now, tomorrow, week = clock.now(), *(clock.start_of_day(clock.today() + timedelta(days=days)) for days in (1, 7))
    overdue = func.sum(case((Task.due_at < now, 1), else_=0)).label("overdue")
    today, soon = (func.sum(case(((Task.due_at >= now) & (Task.due_at < end), 1), else_=0)) for end in (tomorrow, week))
    columns = (Task.assignee_id, func.count().label("open"), overdue, today.label("today"), soon.label("this_week"))
    counts = select(*columns).where(Task.is_open, _alive())
    rows = session.execute(counts.where(Task.assignee_id.is_not(None)).group_by(Task.assignee_id)).all()
    names = {row.id: row.name for row in session.execute(select(User.id, User.name).where(User.id.in_([row.assignee_id for row in rows])))}
    loads = [Load(row[0], names.get(row[0], ""), row.open, int(row.overdue), int(row.today), int(row.this_week)) for row in rows]
    return sorted(loads, key=lambda one: (-one.overdue, -one.open, one.name))


def _alive() -> ColumnElement[bool]:
    listed = select(Customer.id).where(Customer.id == Task.customer_id, Customer.is_listed)
    return or_(Task.customer_id.is_(None), listed.exists())


def _rows(session: CrmSession, query: TaskQuery, count: int, skipped: int) -> list[Listed]:
    is_closed = not {*query.states} & {TaskState.OPEN, TaskState.DOING}
    order = (Task.done_at.desc(), Task.id.desc()) if is_closed else (Task.due_at, Task.id)
    return read_listed(session, select_listed().where(*_conditions(query)).order_by(*order).limit(count).offset(skipped))


def _count(session: CrmSession, query: TaskQuery) -> int:
    found = select(Task.id).outerjoin(Customer, Customer.id == Task.customer_id).where(*_conditions(query))
    some = found.limit(COUNT_LIMIT + 1).subquery()
    total: int = session.execute(select(func.count()).select_from(some)).scalar_one()
    return total


def _conditions(query: TaskQuery) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [Task.state.in_(query.states), IS_ALIVE]
    if not {*query.states} & {TaskState.DONE, TaskState.CANCELLED}:
        found.append(Task.done_at.is_(None))  # said once more for the index
    chosen: dict[Any, tuple[Any, ...]] = {Task.assignee_id: query.assignees, Task.kind: query.kinds, Task.priority: query.priorities}
    found += [column.in_(values) for column, values in chosen.items() if values]
    if query.customer_id:
        found.append(Task.customer_id == query.customer_id)
    if query.created_by:
        found.append(Task.created_by_id == query.created_by)
    if query.without:
        found.append(Task.assignee_id != query.without)
    if query.is_overdue:
        found += [Task.due_at < clock.now(), Task.done_at.is_(None)]
    if query.recurs:
        found.append(Task.rule.is_not(None))
    if query.due_from:
        found.append(Task.due_at >= clock.start_of_day(query.due_from))
    if query.due_until:
        found.append(Task.due_at < clock.start_of_day(query.due_until + timedelta(days=1)))
    if query.closed_since:
        found.append(Task.done_at >= query.closed_since)
    return found + [_holds(word) for word in clean_text(query.phrase).split()[:8]]


def _holds(word: str) -> ColumnElement[bool]:
    return or_(*(column.icontains(word, autoescape=True) for column in (Task.name, Task.description, Customer.name)))
