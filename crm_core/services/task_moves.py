"""Putting tasks off by days: one from a menu, one dragged to another day of the calendar, many by ticks."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from functools import partial

from sqlalchemy import select

from crm_core import clock
from crm_core.config import settings
from crm_core.db import CrmSession
from crm_core.errors import NotAllowed, ValidationFailed
from crm_core.i18n import _
from crm_core.models import Task
from crm_core.permissions import Actor, Permission
from crm_core.services import tasks
from crm_core.services.task_work import MOST_AT_ONCE, PassedOn, postpone_task


def on_day(due_at: datetime, day: date) -> datetime:
    """The same time of another day; the end of today where that time has passed."""
    moved = due_at.astimezone(settings().timezone).replace(year=day.year, month=day.month, day=day.day)
    return tasks.end_of(day) if day == clock.today() and moved < clock.now() else moved


def put_off(due_at: datetime, days: int) -> datetime:
    """So many days later; what is overdue counts from today."""
    return on_day(due_at, max(clock.day_of(due_at), clock.today()) + timedelta(days=days))


def move_task(session: CrmSession, actor: Actor, task_id: int, day: date, *, version: int) -> None:
    """Move a task to another day, at its time of day. Raises `ValidationFailed`, `NotFound`, `Conflict`, `NotAllowed`."""
    task = tasks.load_open(session, actor, task_id, version=version)
    postpone_task(session, actor, task_id, version=version, due_at=on_day(task.due_at, day))


def postpone_by(session: CrmSession, actor: Actor, task_id: int, days: int, *, version: int) -> None:
    """Put a task off by days. Raises `NotFound`, `Conflict`, `NotAllowed`."""
    task = tasks.load_open(session, actor, task_id, version=version)
    postpone_task(session, actor, task_id, version=version, due_at=put_off(task.due_at, days))


def postpone_tasks(session: CrmSession, actor: Actor, task_ids: Sequence[int], *, days: int = 0, day: date | None = None) -> PassedOn:
    """Put many open tasks off, by days or to a day; those that were closed meanwhile stay, with the reason.

    Raises `NotAllowed` for somebody who leads nobody, `ValidationFailed` for a day in the past and for too many at once.
    """
    if not tasks.leads(actor):
        raise NotAllowed(Permission.CUSTOMER_EDIT, _("Only a manager puts off many tasks at once. Put yours off one by one."))
    if len(task_ids) > MOST_AT_ONCE:
        raise ValidationFailed({"tasks": [_("Put off at most {count} tasks at once.").format(count=MOST_AT_ONCE)]})
    if problem := tasks.past_due(tasks.end_of(day)) if day else "":
        raise ValidationFailed({"due_on": [problem]})
    later: Callable[[datetime], datetime] = partial(on_day, day=day) if day else partial(put_off, days=days)
    found = select(Task).where(Task.id.in_(task_ids), Task.is_open).order_by(Task.id).with_for_update()
    moved = []
    for task in session.execute(found).scalars().all():
        tasks.set_due(task, later(task.due_at))
        moved.append(task.id)
    session.flush()
    gone = _("It was done meanwhile, or is not visible to you.")
    return PassedOn(moved, {one: gone for one in task_ids if one not in moved})
