"""任务: what somebody has to do until a given time."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.i18n import N_, _
from crm_core.models.base import Base, Dated, Key, UserKey, UtcTime, Versioned

TASK_KINDS = {
    "task": N_("Task"),
    "verification": N_("Verification"),
    "correction": N_("Correction of data"),
    "follow_up": N_("Follow-up"),
}
PRIORITIES = {"high": N_("High"), "normal": N_("Normal"), "low": N_("Low")}


def title_of(kind: str, name: str) -> str:
    """What a task is called: as somebody wrote it, or in the language in force where the system made it."""
    return name if kind == "task" else _(name)


class Task(Base, Dated, Versioned):
    """One task, of a customer or of none."""

    __tablename__ = "task"
    __table_args__ = (Index("ix_task_open", "assignee_id", "done_at", "due_at"),)
    __mapper_args__ = {"version_id_col": Versioned.version}
    audited = True

    id: Mapped[Key]
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(12), default="task")
    name: Mapped[str] = mapped_column(String(200))
    description: Mapped[str | None] = mapped_column(Text())
    priority: Mapped[str] = mapped_column(String(8), default="normal")
    assignee_id: Mapped[UserKey]
    created_by_id: Mapped[UserKey]
    due_at: Mapped[datetime] = mapped_column(UtcTime)
    done_at: Mapped[datetime | None] = mapped_column(UtcTime)
    done_note: Mapped[str | None] = mapped_column(String(500))
    key: Mapped[str | None] = mapped_column(String(80), unique=True)
    """What a job made it for, so that it makes it once."""
