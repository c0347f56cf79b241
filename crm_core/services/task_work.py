"""What is done with open tasks besides finishing them: moved on the board, edited, put off, cancelled, opened again, many passed on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.errors import Conflict, CrmError, IllegalTransition, NotAllowed, NotFound, ValidationFailed
from crm_core.i18n import _
from crm_core.models import Task, TaskState, TaskStep, User
from crm_core.permissions import Actor, Permission, require
from crm_core.services import tasks
from crm_core.services.notices import notify
from crm_core.services.recurrence import Recurrence
from crm_core.validation import clean_text

MOST_AT_ONCE = 500


@dataclass(frozen=True)
class PassedOn:
    """What came of passing many tasks on: the ids that moved, and a sentence for each that stayed."""

    moved: list[int]
    stayed: dict[int, str]


def begin_task(session: CrmSession, actor: Actor, task_id: int, *, version: int, is_begun: bool = True) -> None:
    """Say that somebody is at a task, or no longer: the columns of the board. Raises `NotFound`, `Conflict`, `NotAllowed`."""
    task = tasks.load_open(session, actor, task_id, version=version)
    task.state = TaskState.DOING if is_begun else TaskState.OPEN


def edit_task(
    session: CrmSession,
    actor: Actor,
    task_id: int,
    *,
    name: str,
    description: str,
    priority: str,
    due_at: datetime,
    remind_lead: int | None,
    recurrence: Recurrence | None,
    version: int,
) -> None:
    """Change what a task says. One that is overdue may keep its time; a new one lies ahead.

    Raises `ValidationFailed`, `NotFound`, `Conflict`, `NotAllowed`, and `IllegalTransition` for tasks that the system made.
    """
    task = tasks.load_open(session, actor, task_id, version=version)
    if task.kind not in ("task", "follow_up"):
        raise IllegalTransition(_("The system made this task; its text stays. Put it off, or pass it on."))
    checked = tasks.check_entries(name, due_at, priority, description, recurrence)
    if due_at == task.due_at:
        checked.errors.pop("due_on", None)
    if checked.errors:
        raise ValidationFailed(checked.errors)
    task.name, task.description, task.priority = checked.name, checked.description, priority
    if checked.recurrence != tasks.recurrence_of(task):
        tasks.set_recurrence(task, checked.recurrence, clock.day_of(due_at))
    if (due_at, remind_lead) != (task.due_at, task.remind_lead):
        task.remind_lead = remind_lead
        tasks.set_due(task, due_at)


def postpone_task(
    session: CrmSession, actor: Actor, task_id: int, *, version: int, due_on: date | None = None, due_at: datetime | None = None
) -> None:
    """Put a task off to the end of a day, or to a moment; a plan moves with it, since it is the task.

    Raises `ValidationFailed`, `NotFound`, `Conflict`, `NotAllowed`.
    """
    task = tasks.load_open(session, actor, task_id, version=version)
    due = due_at or (tasks.end_of(due_on) if due_on else None)
    problem = tasks.past_due(due)
    if problem or due is None:
        raise ValidationFailed({"due_on": [problem]})
    tasks.set_due(task, due)


def cancel_task(session: CrmSession, actor: Actor, task_id: int, *, reason: str, version: int, whole_series: bool = False) -> Task | None:
    """Cancel a task for a reason; of one that recurs the next is made and returned, unless the whole series ends.

    Raises `ValidationFailed`, `NotFound`, `Conflict`, `NotAllowed`, and `IllegalTransition` for a verification, which comes back by itself.
    """
    task = tasks.load_open(session, actor, task_id, version=version)
    if task.kind == "verification":
        raise IllegalTransition(_("A verification is not cancelled: open the customer and choose Verify."))
    if not clean_text(reason):
        raise ValidationFailed({"reason": [_("Say why it is cancelled.")]})
    tasks.close(task, TaskState.CANCELLED, reason)
    if whole_series:
        task.rule = None
    session.flush()
    return tasks.make_next(session, task)


def reopen_task(session: CrmSession, actor: Actor, task_id: int, *, version: int) -> None:
    """Take back that a task was done or cancelled. Raises `NotFound`, `Conflict`, `NotAllowed`, `IllegalTransition`."""
    task = session.execute(select(Task).where(Task.id == task_id).with_for_update()).scalar_one_or_none()
    if task is None:
        raise NotFound(_("This task is gone or not visible to you. Reload the page."))
    if task.is_open:
        raise Conflict(version=task.version, theirs={}, message=_("This task was opened again meanwhile. Reload the page."))
    tasks.refuse_changed(task, version, is_closed=False)
    tasks.refuse_others(actor, task)
    if task.kind == "verification" or task.rule:
        raise IllegalTransition(_("The next of this task was made already. Add a new task instead."))
    tasks.check_alive(session, task.customer_id)
    task.state, task.done_at, task.done_note = TaskState.OPEN, None, None
    tasks.set_due(task, task.due_at)


def reassign_tasks(session: CrmSession, actor: Actor, task_ids: Sequence[int], assignee_id: int) -> PassedOn:
    """Pass many open tasks on; those for whom the new person cannot have it stay, with the reason. One notice tells of all.

    Raises `NotAllowed` for somebody who leads nobody, or a person outside of their team, `ValidationFailed` for too many at once.
    """
    if not tasks.leads(actor):
        raise NotAllowed(Permission.CUSTOMER_EDIT, _("Only a manager passes tasks on. Ask yours."))
    tasks.check_assignee(session, actor, assignee_id, None)
    if len(task_ids) > MOST_AT_ONCE:
        raise ValidationFailed({"tasks": [_("Pass on at most {count} tasks at once.").format(count=MOST_AT_ONCE)]})
    found = select(Task).where(Task.id.in_(task_ids), Task.is_open).order_by(Task.id).with_for_update()
    moved: list[int] = []
    stayed: dict[int, str] = {}
    for task in session.execute(found).scalars().all():
        try:
            tasks.check_assignee(session, actor, assignee_id, task.customer_id)
        except CrmError as problem:
            stayed[task.id] = next(iter(getattr(problem, "errors", {}).values()), [str(problem)])[0]
            continue
        task.assignee_id = assignee_id
        tasks.set_due(task, task.due_at)
        moved.append(task.id)
    stayed |= {one: _("It was done meanwhile, or is not visible to you.") for one in task_ids if one not in moved and one not in stayed}
    session.flush()
    if moved and assignee_id != actor.id:
        notify(session, [assignee_id], "tasks_passed_on", {"actor": actor.name, "count": len(moved)}, path="/tasks")
    return PassedOn(moved, stayed)


def add_step(session: CrmSession, actor: Actor, task_id: int, name: str, *, version: int) -> None:
    """Add a step at the end of a task's checklist. Raises `ValidationFailed`, `NotFound`, `Conflict`, `NotAllowed`."""
    task = tasks.load_open(session, actor, task_id, version=version)
    present = [step.position for step in list_steps(session, actor, task_id)]
    if not clean_text(name) or len(present) >= tasks.MOST_STEPS:
        sentence = _("Say what the step is; a task has at most {count} steps.").format(count=tasks.MOST_STEPS)
        raise ValidationFailed({"step": [sentence]})
    session.add(TaskStep(task_id=task.id, position=max(present, default=-1) + 1, name=clean_text(name)[:200]))
    session.flush()


def tick_step(session: CrmSession, actor: Actor, step_id: int, *, is_done: bool) -> None:
    """Tick a step, or take the tick back. Raises `NotFound`, `NotAllowed`, and `IllegalTransition` where the task is closed."""
    step = _step(session, actor, step_id)
    step.done_at, step.done_by_id = (clock.now(), actor.id) if is_done else (None, None)


def remove_step(session: CrmSession, actor: Actor, step_id: int) -> None:
    """Take a step off. Raises `NotFound`, `NotAllowed`, `IllegalTransition`."""
    session.delete(_step(session, actor, step_id))


def list_steps(session: CrmSession, actor: Actor, task_id: int) -> list[TaskStep]:
    """The checklist of a task; nothing outside the actor's scope."""
    require(actor, Permission.CUSTOMER_READ)
    own = select(TaskStep).join(Task, Task.id == TaskStep.task_id).where(Task.id == task_id)
    return list(session.execute(own.order_by(TaskStep.position, TaskStep.id)).scalars())


def _step(session: CrmSession, actor: Actor, step_id: int) -> TaskStep:
    own = select(TaskStep, Task).join(Task, Task.id == TaskStep.task_id).where(TaskStep.id == step_id)
    found = session.execute(own).one_or_none()
    if found is None:
        raise NotFound(_("This step is gone. Reload the page."))
    tasks.refuse_others(actor, found.Task)
    if not found.Task.is_open:
        raise IllegalTransition(_("This task is closed. Open it again first."))
    step: TaskStep = found.TaskStep
    return step


def people_of(session: CrmSession, task: Task) -> list[int]:
    """Who is concerned by a task: who has it and who gave it, as far as they still work here."""
    ids = [one for one in (task.assignee_id, task.created_by_id) if one]
    return list(session.execute(select(User.id).where(User.id.in_(ids), User.is_active)).scalars())
