"""Comments on tasks: only added, read by whoever sees the task; those who are concerned are told."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from crm_core.db import CrmSession
from crm_core.errors import NotFound, ValidationFailed
from crm_core.i18n import _
from crm_core.models import Task, TaskComment
from crm_core.permissions import Actor, Permission, require
from crm_core.services.notices import notify
from crm_core.services.task_work import people_of
from crm_core.services.tasks import path_of
from crm_core.services.users import user_names
from crm_core.validation import check_length, clean_text

LONGEST = 2_000
QUOTED = 80


@dataclass(frozen=True)
class Comment:
    """One comment."""

    author_id: int | None
    author: str
    at: datetime
    content: str


def add_comment(session: CrmSession, actor: Actor, task_id: int, content: str) -> None:
    """Say something about a task. Raises `ValidationFailed`, `NotFound`, `NotAllowed`."""
    require(actor, Permission.CUSTOMER_READ)
    task = session.execute(select(Task).where(Task.id == task_id)).scalar_one_or_none()
    if task is None:
        raise NotFound(_("This task is gone or not visible to you. Reload the page."))
    clean = clean_text(content, lines=True)
    try:
        check_length(clean, LONGEST)
    except ValueError as problem:
        raise ValidationFailed({"comment": [str(problem)]}) from problem
    if not clean:
        raise ValidationFailed({"comment": [_("Write what you want to say.")]})
    session.add(TaskComment(task_id=task.id, author_id=actor.id, content=clean))
    data = {"actor": actor.name, "task": [task.kind, task.name], "text": clean[:QUOTED]}
    others = [one for one in people_of(session, task) if one != actor.id]
    notify(session, others, "task_commented", data, path=path_of(task.id), customer_id=task.customer_id)


def list_comments(session: CrmSession, actor: Actor, task_id: int) -> list[Comment]:
    """The comments on a task, the oldest first; nothing outside the actor's scope."""
    require(actor, Permission.CUSTOMER_READ)
    names = user_names(session)
    own = select(TaskComment).join(Task, Task.id == TaskComment.task_id).where(Task.id == task_id)
    rows = session.execute(own.order_by(TaskComment.id)).scalars()
    return [Comment(row.author_id, names.get(row.author_id or 0, ""), row.at, row.content) for row in rows]
