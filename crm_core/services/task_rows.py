"""Tasks as lists show them, with their customer, the number of their steps and comments."""

from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, func, select

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.models import Customer, Task, TaskComment, TaskStep, User, title_of
from crm_core.permissions import Actor, Permission, require
from crm_core.services.recurrence import Recurrence, recurrence_from

SHOWN = 200
"""More tasks than these are not listed at once."""

IS_ALIVE = Task.customer_id.is_(None) | Customer.is_listed
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
    updated_at: datetime
    state: str
    created_by_id: int | None
    follow_up_id: int | None
    remind_lead: int | None
    rule: str | None
    rule_from: date | None
    on_holiday: str
    occurs_on: date | None
    steps: int
    steps_done: int
    comments: int

    @property
    def recurrence(self) -> Recurrence | None:
        """How it recurs; nothing for one that does not."""
        return recurrence_from(self.rule, self.rule_from, self.on_holiday)

    @property
    def title(self) -> str:
        """Its name; tasks that the system makes are named in the language in force."""
        return title_of(self.kind, self.name)

    @property
    def is_overdue(self) -> bool:
        """Still open after it was due."""
        return self.done_at is None and self.due_at < clock.now()


_STEPS = select(func.count()).where(TaskStep.task_id == Task.id)
_COMMENTS = select(func.count()).where(TaskComment.task_id == Task.id)
_COUNTS = (
    _STEPS.scalar_subquery().label("steps"),
    _STEPS.where(TaskStep.done_at.is_not(None)).scalar_subquery().label("steps_done"),
    _COMMENTS.scalar_subquery().label("comments"),
)
_COPIED = [one.name for one in fields(Listed) if one.name in Task.__table__.columns]


def select_listed() -> Select[*tuple[Any, ...]]:
    """A selection of what `read_listed` makes rows of, from tasks with their customers."""
    return (
        select(Task, User.name.label("assignee"), Customer.code, Customer.name.label("customer"), *_COUNTS)
        .join(User, User.id == Task.assignee_id)
        .outerjoin(Customer, Customer.id == Task.customer_id)
    )


def read_listed(session: CrmSession, statement: Select[*tuple[Any, ...]]) -> list[Listed]:
    """The rows of a selection that began with `select_listed`."""
    found = []
    for row in session.execute(statement):
        values = {name: getattr(row.Task, name) for name in _COPIED}
        values |= {"description": row.Task.description or "", "done_note": row.Task.done_note or ""}
        beside = {"assignee": row.assignee, "code": row.code or "", "customer": row.customer or ""}
        found.append(Listed(**values, **beside, steps=row.steps, steps_done=row.steps_done, comments=row.comments))
    return found


def list_of_customer(session: CrmSession, actor: Actor, customer_id: int) -> list[Listed]:
    """The tasks of a customer: the open ones by due time, then those that are done."""
    require(actor, Permission.CUSTOMER_READ)
    own = select_listed().where(Task.customer_id == customer_id).limit(SHOWN)
    return read_listed(session, own.order_by(Task.done_at.is_not(None), Task.due_at, Task.id))
