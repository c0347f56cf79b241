"""任务: who has to do what until when; done with a note, passed on by those who see a team."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.errors import Conflict, NotAllowed, NotFound, ValidationFailed
from crm_core.i18n import _
from crm_core.models import PRIORITIES, Customer, Task, TaskState, TaskStep, User
from crm_core.permissions import Actor, Permission, Scope, require
from crm_core.scope import unscoped, visible_customers
from crm_core.services.actors import list_actors
from crm_core.services.follow_up_rules import get_follow_up_policy
from crm_core.services.locking import lock_listed
from crm_core.services.notices import notify
from crm_core.services.recurrence import Holiday, Recurrence, check_recurrence, due_on, following, recurrence_from
from crm_core.services.task_rows import Listed
from crm_core.validation import check_length, clean_text

USUAL_LEAD = -1
"""Stands for the reminder of the policy."""
MOST_STEPS = 50
LONGEST_NAME, LONGEST_DESCRIPTION = 200, 10_000
MORNING = timedelta(hours=9)

_REPEATED = (
    "kind",
    "name",
    "description",
    "priority",
    "customer_id",
    "assignee_id",
    "created_by_id",
    "remind_lead",
    "rule",
    "rule_from",
    "on_holiday",
)
"""What the next occurrence of a task has of the one before."""

Errors = dict[str, list[str]]


def path_of(task_id: int) -> str:
    """Where a task is opened."""
    return f"/tasks?task={task_id}"


def end_of(day: date) -> datetime:
    """The last minute of a day."""
    return clock.start_of_day(day + timedelta(days=1)) - timedelta(minutes=1)


def leads(actor: Actor) -> bool:
    """Whether somebody gives tasks to others and passes them on: who sees more than their own customers and works with them."""
    return actor.scope is not Scope.OWN and actor.can(Permission.CUSTOMER_EDIT)


def assignees(session: CrmSession, actor: Actor) -> dict[int, str]:
    """To whom the actor may give tasks: everybody in their scope, or only themselves."""
    return colleagues(session, actor) if leads(actor) else {actor.id or 0: actor.name}


def colleagues(session: CrmSession, actor: Actor) -> dict[int, str]:
    """Whose work the actor sees: everybody in their scope, themselves first."""
    mine = {actor.id or 0: actor.name}
    if actor.scope is Scope.OWN:
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
    assignee_id: int,
    due_on: date | None = None,
    due_at: datetime | None = None,
    customer_id: int | None = None,
    description: str = "",
    priority: str = "normal",
    recurrence: Recurrence | None = None,
    remind_lead: int | None = USUAL_LEAD,
    steps: Sequence[str] = (),
) -> Task:
    """Give a task to somebody, who gets a notice. It is due at the end of a day, or at a moment; one that recurs begins on that day.

    `remind_lead` is one of `LEADS`, None for no reminder, or left out for the usual one. Raises `ValidationFailed`, `NotAllowed`,
    `NotFound`, `IllegalTransition`.
    """
    require(actor, Permission.CUSTOMER_READ)
    check_alive(session, customer_id)
    due = due_at or (end_of(due_on) if due_on else None)
    checked = check_entries(name, due, priority, description, recurrence)
    if checked.errors or due is None:
        raise ValidationFailed(checked.errors)
    check_assignee(session, actor, assignee_id, customer_id)
    task = Task(name=checked.name, customer_id=customer_id, description=checked.description, priority=priority)
    task.remind_lead = lead_of(session, remind_lead)
    set_recurrence(task, checked.recurrence, clock.day_of(due))
    set_due(task, due)
    assign(session, task, assignee_id, by=actor)
    set_steps(session, task, steps)
    return task


@dataclass(frozen=True)
class Checked:
    """What was entered about a task, made clean, and what speaks against it."""

    name: str
    description: str | None
    recurrence: Recurrence | None
    errors: Errors


def check_entries(name: str, due: datetime | None, priority: str, description: str, recurrence: Recurrence | None) -> Checked:
    """What was entered about a task, checked as a whole."""
    clean, text, errors = clean_text(name), clean_text(description, lines=True), Errors()
    for field, value, limit in (("name", clean, LONGEST_NAME), ("description", text, LONGEST_DESCRIPTION)):
        try:
            check_length(value, limit)
        except ValueError as too_long:
            errors[field] = [str(too_long)]
    if not clean:
        errors["name"] = [_("Say what has to be done.")]
    if problem := past_due(due):
        errors["due_on"] = [problem]
    if priority not in PRIORITIES:
        errors["priority"] = [_("Choose a priority.")]
    try:
        recurrence = check_recurrence(recurrence) if recurrence else None
    except ValidationFailed as refused:
        errors |= refused.errors
    return Checked(clean, text or None, recurrence, errors)


def past_due(due: datetime | None) -> str:
    """What speaks against a time until which something is to be done; nothing for one that lies ahead."""
    if due is None:
        return _("Choose until when it has to be done.")
    return _("Choose today or a later day.") if due < clock.now() else ""


def check_alive(session: CrmSession, customer_id: int | None) -> None:
    """A task is for a customer in the list. Raises `NotFound` for a deleted one, `IllegalTransition` for one in the archive."""
    if customer_id is not None:
        lock_listed(session, customer_id)


def lead_of(session: CrmSession, lead: int | None) -> int | None:
    """The minutes before it is due at which somebody is reminded."""
    return get_follow_up_policy(session)[0].remind_lead if lead == USUAL_LEAD else lead


def set_due(task: Task, due_at: datetime) -> None:
    """Move a task: its reminder moves along, and whoever has it is told anew when it becomes overdue."""
    task.due_at, task.overdue_told_at = due_at, None
    task.remind_at = reminder_of(due_at, task.remind_lead)


def reminder_of(due_at: datetime, lead: int | None) -> datetime | None:
    """When to remind of a task; never where that has passed. What is due at the end of a day counts from its morning."""
    if lead is None:
        return None
    day = clock.day_of(due_at)
    counted = clock.start_of_day(day) + MORNING if due_at == end_of(day) else due_at
    moment = counted - timedelta(minutes=lead)
    return moment if moment > clock.now() else None


def set_recurrence(task: Task, recurrence: Recurrence | None, day: date) -> None:
    """Let a task recur from a day on, or no longer."""
    task.rule, task.rule_from = (recurrence.rule, recurrence.start) if recurrence else (None, None)
    task.on_holiday = recurrence.on_holiday if recurrence else Holiday.KEEP
    task.occurs_on = day if recurrence else None


def recurrence_of(task: Task) -> Recurrence | None:
    """How a task recurs; nothing for one that does not."""
    return recurrence_from(task.rule, task.rule_from, task.on_holiday)


def set_steps(session: CrmSession, task: Task, names: Sequence[str]) -> None:
    """Give a new task its checklist."""
    clean = [one for one in (clean_text(name)[:200] for name in names[:MOST_STEPS]) if one]
    session.add_all(TaskStep(task_id=task.id, position=place, name=name) for place, name in enumerate(clean))
    session.flush()


def assign(session: CrmSession, task: Task, assignee_id: int, *, by: Actor) -> Task:
    """Keep a task as somebody's, and tell them unless they gave it to themselves."""
    task.assignee_id = assignee_id
    if task.id is None:
        task.created_by_id = by.id
    session.add(task)
    session.flush()
    if assignee_id != by.id:
        data = {"task": [task.kind, task.name], "time": task.due_at.isoformat()}
        notify(session, [assignee_id], "task_assigned", data, path=path_of(task.id), customer_id=task.customer_id)
    return task


def check_assignee(session: CrmSession, actor: Actor, assignee_id: int, customer_id: int | None) -> None:
    """Refuse somebody whom the actor gives no tasks, or who does not see the customer. Raises `NotAllowed`, `ValidationFailed`."""
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
    refuse_changed(task, version, is_closed=task.done_at is not None)
    refuse_others(actor, task)
    return task


def refuse_changed(task: Task, version: int, *, is_closed: bool) -> None:
    """Raise `Conflict` for a task that was closed, or changed since it was read as this version."""
    if is_closed:
        raise Conflict(version=task.version, theirs={}, message=_("This task was closed meanwhile. Reload the page to see by whom."))
    if task.version != version:
        sentence = _("Somebody else changed this task meanwhile. Look at how it stands now, then do it again.")
        raise Conflict(version=task.version, theirs={}, message=sentence)


def may_act(actor: Actor, task: Task | Listed) -> bool:
    """Whether somebody works with a task: who has it, and those who lead."""
    return task.assignee_id == actor.id or leads(actor)


def refuse_others(actor: Actor, task: Task) -> None:
    """Raise `NotAllowed` for somebody who neither has the task nor leads."""
    if not may_act(actor, task):
        raise NotAllowed(Permission.CUSTOMER_EDIT, _("Only the person who has the task, or their manager, can do this."))


def finish(session: CrmSession, task: Task, note: str) -> Task | None:
    """Mark a task as done now; of one that recurs the next is made and returned."""
    close(task, TaskState.DONE, note)
    session.flush()
    return make_next(session, task)


def close(task: Task, state: TaskState, note: str) -> None:
    """Mark a task as done or cancelled now."""
    task.state, task.done_at, task.done_note = state, clock.now(), clean_text(note)[:500] or None


def make_next(session: CrmSession, task: Task) -> Task | None:
    """The next occurrence of a task that was closed, with the same checklist; nothing where its rule ended.

    Days that passed while it was open are left out, so that nothing is due in the past.
    """
    recurrence = recurrence_of(task)
    if recurrence is None or task.occurs_on is None or task.assignee_id is None:
        return None
    latest = max(clock.day_of(task.due_at), clock.today() - timedelta(days=1))
    day = following(recurrence, task.occurs_on, latest)
    if day is None:
        return None
    made = Task(**{name: getattr(task, name) for name in _REPEATED}, occurs_on=day, series_id=task.series_id or task.id)
    moment = task.due_at - clock.start_of_day(clock.day_of(task.due_at))
    set_due(made, clock.start_of_day(due_on(day, task.on_holiday)) + moment)
    session.add(made)
    session.flush()
    own = select(TaskStep.name).where(TaskStep.task_id == task.id).order_by(TaskStep.position, TaskStep.id)
    set_steps(session, made, list(session.execute(own).scalars()))
    return made


def reassign_task(session: CrmSession, actor: Actor, task_id: int, assignee_id: int, *, version: int) -> None:
    """Pass a task on. Raises `NotAllowed`, `NotFound`, `Conflict`, `ValidationFailed`."""
    task = load_open(session, actor, task_id, version=version)
    if not leads(actor):
        raise NotAllowed(Permission.CUSTOMER_EDIT, _("Only a manager passes tasks on. Ask yours."))
    check_assignee(session, actor, assignee_id, task.customer_id)
    set_due(task, task.due_at)
    assign(session, task, assignee_id, by=actor)
