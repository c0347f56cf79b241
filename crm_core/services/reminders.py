"""Reminders: tasks that are due soon or overdue, first follow-ups. Each is told once; the jobs are safe to repeat.

A row marks that it was told, and the notice's key would keep a second one away, so that two processes at it do no harm.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, String, and_, cast, exists, literal, select, update
from sqlalchemy.orm import InstrumentedAttribute

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.models import Customer, Notice, Task
from crm_core.scope import unscoped
from crm_core.services.notices import Message, notify_each
from crm_core.services.task_rows import IS_ALIVE
from crm_core.workdays import add_workdays

AT_ONCE = 1000
"""So many rows are told of together."""
_BULK: dict[str, Any] = {**unscoped, "synchronize_session": False}
_TASK = (Task.id, Task.kind, Task.name, Task.due_at, Task.assignee_id, Task.customer_id)


def tell_due_soon(session: CrmSession) -> None:
    """Remind of each open task whose time of reminder has come, unless it is overdue already."""
    now = clock.now()
    due = _tasks().where(Task.done_at.is_(None), Task.remind_at.is_not(None), Task.remind_at <= now).order_by(Task.remind_at)
    while rows := session.execute(due.limit(AT_ONCE), execution_options=unscoped).all():
        _tell(session, "task_due_soon", "due", (row for row in rows if row.due_at > now and row.is_alive))
        _mark(session, rows, Task.remind_at, None)


def tell_overdue(session: CrmSession) -> None:
    """Tell everybody of each task that has become overdue."""
    now = clock.now()
    overdue = _tasks().where(Task.done_at.is_(None), Task.overdue_told_at.is_(None), Task.due_at < now, IS_ALIVE).order_by(Task.due_at)
    while rows := session.execute(overdue.limit(AT_ONCE), execution_options=unscoped).all():
        _tell(session, "task_overdue", "overdue", rows)
        _mark(session, rows, Task.overdue_told_at, now)


def _tasks() -> Select[*tuple[Any, ...]]:
    return select(*_TASK, IS_ALIVE.label("is_alive")).outerjoin(Customer, Customer.id == Task.customer_id)


def _tell(session: CrmSession, kind: str, key: str, rows: Iterable[Any]) -> None:
    messages = [
        Message(
            user_id=row.assignee_id,
            data={"task": [row.kind, row.name], "time": row.due_at.isoformat()},
            path=f"/tasks?task={row.id}",
            customer_id=row.customer_id,
            key=f"{key}:{row.id}:{row.due_at:%Y%m%d%H%M}",
        )
        for row in rows
        if row.assignee_id
    ]
    notify_each(session, kind, messages)


def _mark(session: CrmSession, rows: Sequence[Any], column: InstrumentedAttribute[Any], value: Any) -> None:
    told = update(Task).where(Task.id.in_([row.id for row in rows]))
    # Neither version nor time of change: no form that is open elsewhere is disturbed.
    session.execute(told.values({column: value, Task.updated_at: Task.updated_at}), execution_options=_BULK)


def tell_first_follow_ups(session: CrmSession) -> None:
    """Remind owners of first follow-ups that have to be made by the next working day, and of those that were not made in time [000]."""
    today = clock.today()
    columns = select(Customer.id, Customer.name, Customer.code, Customer.owner_id, Customer.first_follow_up_on)
    waiting = and_(Customer.awaits_first_follow_up, Customer.is_listed, Customer.owner_id.is_not(None))
    for kind, due in (
        ("first_follow_up_due", Customer.first_follow_up_on.between(today, add_workdays(today, 1))),
        ("first_follow_up_late", Customer.first_follow_up_on < today),
    ):
        rows = session.execute(columns.where(waiting, due, _untold(kind)).order_by(Customer.id), execution_options=unscoped).all()
        for start in range(0, len(rows), AT_ONCE):
            notify_each(session, kind, [_first(kind, row) for row in rows[start : start + AT_ONCE]])


def _untold(kind: str) -> ColumnElement[bool]:
    key = literal(f"{kind}:") + cast(Customer.id, String)
    return ~exists().where(Notice.user_id == Customer.owner_id, Notice.key == key)


def _first(kind: str, row: Any) -> Message:
    data = {"customer": row.name, "day": row.first_follow_up_on.isoformat()}
    return Message(row.owner_id, data, path=f"/customer?code={row.code}", customer_id=row.id, key=f"{kind}:{row.id}")
