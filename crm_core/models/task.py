"""任务: what somebody has to do until a given time, with its sub-steps and comments."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Date, ForeignKey, Index, String, Text, text
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column

from crm_core import clock
from crm_core.i18n import N_, _
from crm_core.models.base import Base, Dated, Key, UserKey, UtcTime, Versioned

TASK_KINDS = {
    "task": N_("Task"),
    "verification": N_("Verification"),
    "correction": N_("Correction of data"),
    "follow_up": N_("Follow-up"),
}
PRIORITIES = {"high": N_("High"), "normal": N_("Normal"), "low": N_("Low")}


class TaskState(StrEnum):
    """Where a task stands: the columns of the board."""

    OPEN = "open"
    DOING = "doing"
    DONE = "done"
    CANCELLED = "cancelled"


TASK_STATES = {
    TaskState.OPEN: N_("To do"),
    TaskState.DOING: N_("In progress"),
    TaskState.DONE: N_("Done"),
    TaskState.CANCELLED: N_("Cancelled"),
}
WRITTEN = frozenset({"task", "follow_up"})
"""Kinds whose name somebody wrote; those of the others the system gave them."""


def title_of(kind: str, name: str) -> str:
    """What a task is called: as somebody wrote it, or in the language in force where the system made it."""
    return name if kind in WRITTEN else _(name)


class Task(Base, Dated, Versioned):
    """One task, of a customer or of none. One that follows from a follow-up is its next plan: there is no other record of it."""

    __tablename__ = "task"
    __table_args__ = (
        Index("ix_task_open", "assignee_id", "done_at", "due_at"),
        Index("ix_task_of_customer", "customer_id", "done_at", "due_at"),
        Index("ix_task_due", "done_at", "due_at"),
        Index(
            "ix_task_remind",
            "remind_at",
            sqlite_where=text("done_at IS NULL AND remind_at IS NOT NULL"),
            postgresql_where=text("done_at IS NULL AND remind_at IS NOT NULL"),
        ),
        Index(
            "ix_task_untold",
            "due_at",
            sqlite_where=text("done_at IS NULL AND overdue_told_at IS NULL"),
            postgresql_where=text("done_at IS NULL AND overdue_told_at IS NULL"),
        ),
    )
    __mapper_args__ = {"version_id_col": Versioned.version}
    audited = True

    id: Mapped[Key]
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(12), default="task")
    name: Mapped[str] = mapped_column(String(200))
    description: Mapped[str | None] = mapped_column(Text())
    priority: Mapped[str] = mapped_column(String(8), default="normal")
    assignee_id: Mapped[UserKey]
    created_by_id: Mapped[UserKey]
    due_at: Mapped[datetime] = mapped_column(UtcTime)
    state: Mapped[str] = mapped_column(String(10), default=TaskState.OPEN)
    done_at: Mapped[datetime | None] = mapped_column(UtcTime)
    """When it was closed: done or cancelled, as `state` says."""
    done_note: Mapped[str | None] = mapped_column(String(500))
    key: Mapped[str | None] = mapped_column(String(80), unique=True)
    """What a job made it for, so that it makes it once."""

    follow_up_id: Mapped[int | None] = mapped_column(ForeignKey("follow_up.id", ondelete="SET NULL"), index=True, unique=True)
    """The follow-up whose next plan it is."""
    remind_lead: Mapped[int | None] = mapped_column()
    """So many minutes before it is due its assignee is reminded; never where it is empty."""
    remind_at: Mapped[datetime | None] = mapped_column(UtcTime)
    """When the reminder is due; empty once it was sent."""
    overdue_told_at: Mapped[datetime | None] = mapped_column(UtcTime)

    rule: Mapped[str | None] = mapped_column(String(200))
    """RFC 5545: how it recurs."""
    rule_from: Mapped[date | None] = mapped_column(Date())
    """The first day of the series, from which the rule counts."""
    on_holiday: Mapped[str] = mapped_column(String(8), default="keep")
    """Where an occurrence goes that falls on a day without work: `Holiday`."""
    occurs_on: Mapped[date | None] = mapped_column(Date())
    """The day that the rule gives for this one; it is due on it, or beside it because of a holiday."""
    series_id: Mapped[int | None] = mapped_column(ForeignKey("task.id", ondelete="SET NULL"), index=True)
    """The first task of the series."""

    @hybrid_property
    def is_open(self) -> bool:
        """Neither done nor cancelled."""
        return self.done_at is None

    @is_open.inplace.expression
    @classmethod
    def _is_open(cls) -> ColumnElement[bool]:
        return cls.done_at.is_(None)


class TaskStep(Base):
    """One step of a task's checklist."""

    __tablename__ = "task_step"

    id: Mapped[Key]
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), index=True)
    position: Mapped[int] = mapped_column(default=0)
    name: Mapped[str] = mapped_column(String(200))
    done_at: Mapped[datetime | None] = mapped_column(UtcTime)
    done_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))


class TaskComment(Base):
    """What somebody said about a task; it is only added."""

    __tablename__ = "task_comment"

    id: Mapped[Key]
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), index=True)
    author_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    at: Mapped[datetime] = mapped_column(UtcTime, default=clock.now)
    content: Mapped[str] = mapped_column(Text())
