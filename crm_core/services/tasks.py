"""任务: who has to do what until when; done with a note, passed on by those who see a team."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Select, String, cast, exists, literal, select

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.errors import Conflict, NotAllowed, NotFound, ValidationFailed
from crm_core.i18n import _
from crm_core.models import PRIORITIES, Customer, Notice, Task, User, title_of
from crm_core.permissions import Actor, Permission, Scope, require
from crm_core.scope import unscoped, visible_customers
from crm_core.services.actors import list_actors
from crm_core.services.locking import lock_listed
from crm_core.services.notices import notify
from crm_core.validation import clean_text

SHOWN = 200
"""More tasks than these are not listed at once."""


_IS_ALIVE = Task.customer_id.is_(None) | Customer.is_listed
"""Tasks of customers in the recycle bin, the archive, or merged away rest until they are restored."""


@dataclass(frozen=True)
class Listed:
    """A task as a list shows it; the customer is known only to those who see it."""

    id: int
    version: int
    kind: str
    name: str
    description: str
    priority: str
    due_at: datetime
    done_at: datetime | None
    done_note: str
    assignee_id: int
    assignee: str
    customer_id: int | None
    code: str
    customer: str
    created_at: datetime

    @property
    def title(self) -> str:
        """Its name; tasks that the system makes are named in the language in force."""
        return title_of(self.kind, self.name)

    @property
    def is_overdue(self) -> bool:
        """Still open after it was due."""
        return self.done_at is None and self.due_at < clock.now()


def end_of(day: date) -> datetime:
    """The last minute of a day."""
    return clock.start_of_day(day + timedelta(days=1)) - timedelta(minutes=1)


def leads(actor: Actor) -> bool:
    """Whether somebody gives tasks to others and passes them on: who sees more than their own customers and works with them."""
    return actor.scope is not Scope.OWN and actor.can(Permission.CUSTOMER_EDIT)


def list_own(session: CrmSession, actor: Actor) -> list[Listed]:
    """What the actor has to do, the most urgent first."""
    return _read(session, _open_tasks().where(Task.assignee_id == actor.id))


def list_of_others(session: CrmSession, actor: Actor) -> list[Listed]:
    """What others in the actor's scope have to do, the most urgent first; none for somebody who leads nobody."""
    return _read(session, _open_tasks().where(Task.assignee_id != actor.id)) if leads(actor) else []


def list_done(session: CrmSession, actor: Actor) -> list[Listed]:
    """What the actor did, the latest first."""
    mine = _columns().where(Task.assignee_id == actor.id, Task.done_at.is_not(None))
    return _read(session, mine.order_by(Task.done_at.desc(), Task.id.desc()))


def list_of_customer(session: CrmSession, actor: Actor, customer_id: int) -> list[Listed]:
    """The tasks of a customer: the open ones by due time, then those that are done."""
    require(actor, Permission.CUSTOMER_READ)
    own = _columns().where(Task.customer_id == customer_id)
    return _read(session, own.order_by(Task.done_at.is_not(None), Task.due_at, Task.id))


def _columns() -> Select[*tuple[Any, ...]]:
    return (
        select(Task, User.name.label("assignee"), Customer.code, Customer.name.label("customer"))
        .join(User, User.id == Task.assignee_id)
        .outerjoin(Customer, Customer.id == Task.customer_id)
        .limit(SHOWN)
    )


def _open_tasks() -> Select[*tuple[Any, ...]]:
    return _columns().where(Task.done_at.is_(None), _IS_ALIVE).order_by(Task.due_at, Task.id)


def _read(session: CrmSession, statement: Select[*tuple[Any, ...]]) -> list[Listed]:
    return [
        Listed(
            **{name: getattr(task, name) for name in ("id", "version", "kind", "name", "priority", "due_at", "done_at", "created_at")},
            description=task.description or "",
            done_note=task.done_note or "",
            assignee_id=task.assignee_id,
            assignee=assignee,
            customer_id=task.customer_id,
            code=code or "",
            customer=customer or "",
        )
        for task, assignee, code, customer in session.execute(statement)
    ]


def assignees(session: CrmSession, actor: Actor) -> dict[int, str]:
    """To whom the actor may give tasks: everybody in their scope, or only themselves."""
    mine = {actor.id or 0: actor.name}
    if not leads(actor):
        return mine
    people = select(User.id, User.name).where(User.is_active).order_by(User.name)
    if actor.scope is Scope.TEAM:
        people = people.where(User.team_id.in_(actor.team_ids))
    return mine | {row.id: row.name for row in session.execute(people)}


def create_task(
    session: CrmSession,
    actor: Actor,
    *,
    name: str,
    due_on: date,
    assignee_id: int,
    customer_id: int | None = None,
    description: str = "",
    priority: str = "normal",
) -> Task:
    """Give a task to somebody, who gets a notice. Raises `ValidationFailed`, `NotAllowed`, `NotFound`, `IllegalTransition`."""
    require(actor, Permission.CUSTOMER_READ)
    if customer_id:
        lock_listed(session, customer_id)
    clean, errors = clean_text(name)[:200], {}
    if not clean:
        errors["name"] = [_("Say what has to be done.")]
    if due_on < clock.today():
        errors["due_on"] = [_("Choose today or a later day.")]
    if priority not in PRIORITIES:
        errors["priority"] = [_("Choose a priority.")]
    if errors:
        raise ValidationFailed(errors)
    _check_assignee(session, actor, assignee_id, customer_id)
    text = clean_text(description, lines=True) or None
    task = Task(name=clean, due_at=end_of(due_on), customer_id=customer_id, description=text, priority=priority)
    return assign(session, task, assignee_id, by=actor)


def assign(session: CrmSession, task: Task, assignee_id: int, *, by: Actor) -> Task:
    """Keep a task as somebody's, and tell them unless they gave it to themselves."""
    task.assignee_id = assignee_id
    if task.id is None:
        task.created_by_id = by.id
    session.add(task)
    session.flush()
    if assignee_id != by.id:
        data = {"task": [task.kind, task.name], "time": task.due_at.isoformat()}
        notify(session, [assignee_id], "task_assigned", data, path="/tasks", customer_id=task.customer_id)
    return task


def _check_assignee(session: CrmSession, actor: Actor, assignee_id: int, customer_id: int | None) -> None:
    if assignee_id not in assignees(session, actor):
        raise NotAllowed(Permission.CUSTOMER_EDIT, _("You may give tasks to people of your own team only. Choose one of them."))
    if customer_id and not sees(session, assignee_id, customer_id):
        raise ValidationFailed({"assignee": [_("This person does not see the customer. Choose somebody who does, or transfer it first.")]})


def sees(session: CrmSession, user_id: int, customer_id: int) -> bool:
    """Whether an active account may edit or read this customer by its scope."""
    found = list_actors(session, User.id == user_id, User.is_active.is_(True))
    if not found:
        return False
    own = select(Customer.id).where(Customer.id == customer_id, visible_customers(found[0]))
    return session.execute(own, execution_options=unscoped).first() is not None


def load_open(session: CrmSession, actor: Actor, task_id: int, *, version: int) -> Task:
    """An open task that the actor may finish or pass on, locked. Raises `NotFound`, `Conflict`, `NotAllowed`."""
    task = session.execute(select(Task).where(Task.id == task_id).with_for_update()).scalar_one_or_none()
    if task is None:
        raise NotFound(_("This task is gone or not visible to you. Reload the page."))
    if task.done_at is not None or task.version != version:
        raise Conflict(version=task.version, theirs={})
    if task.assignee_id != actor.id and not leads(actor):
        raise NotAllowed(Permission.CUSTOMER_EDIT, _("Only the person who has the task, or their manager, can do this."))
    return task


def finish(task: Task, note: str) -> None:
    """Mark a task as done now."""
    task.done_at, task.done_note = clock.now(), clean_text(note)[:500] or None


def reassign_task(session: CrmSession, actor: Actor, task_id: int, assignee_id: int, *, version: int) -> None:
    """Pass a task on. Raises `NotAllowed`, `NotFound`, `Conflict`, `ValidationFailed`."""
    task = load_open(session, actor, task_id, version=version)
    if not leads(actor):
        raise NotAllowed(Permission.CUSTOMER_EDIT, _("Only a manager passes tasks on. Ask yours."))
    _check_assignee(session, actor, assignee_id, task.customer_id)
    assign(session, task, assignee_id, by=actor)


def tell_overdue(session: CrmSession) -> None:
    """Tell everybody once of each task that has become overdue. A job, safe to repeat."""
    key = literal("overdue:") + cast(Task.id, String)
    is_told = exists().where(Notice.user_id == Task.assignee_id, Notice.key == key)
    alive = select(Task).outerjoin(Customer, Customer.id == Task.customer_id).where(_IS_ALIVE)
    overdue = alive.where(Task.done_at.is_(None), Task.due_at < clock.now(), ~is_told)
    for task in session.execute(overdue).scalars():
        data: Mapping[str, Any] = {"task": [task.kind, task.name], "time": task.due_at.isoformat()}
        receivers = [task.assignee_id] if task.assignee_id else []
        notify(session, receivers, "task_overdue", data, path="/tasks", customer_id=task.customer_id, key=f"overdue:{task.id}")
