"""报表: a report that was asked for, as it is built and kept, and the schedules that ask for one again and again."""

from datetime import datetime, time
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Time
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.i18n import N_
from crm_core.models.base import Base, Dated, Key, OwnerKey, UtcTime, Versioned

REPORT_STATES = {
    "waiting": N_("Waits for its turn"),
    "building": N_("Being built"),
    "done": N_("Ready"),
    "failed": N_("Failed"),
}
RHYTHMS = {"weekly": N_("Every week"), "monthly": N_("Every month"), "quarterly": N_("Every quarter")}


class Report(Base, Dated):
    """One report of one person: computed with what they may see at that time, and given to nobody else."""

    __tablename__ = "report"
    __table_args__ = (Index("ix_report_of_user", "user_id", "id"), Index("ix_report_state", "state", "claimed_until"))

    id: Mapped[Key]
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"))
    schedule_id: Mapped[int | None] = mapped_column(ForeignKey("report_schedule.id", ondelete="SET NULL"), index=True)
    key: Mapped[str | None] = mapped_column(String(80), unique=True)
    """Of a scheduled one: schedule, period and receiver, so that a second run makes no second one."""
    name: Mapped[str] = mapped_column(String(80))
    asked: Mapped[dict[str, Any]] = mapped_column(JSON())
    """What it answers, see `services/reports/order.py`."""
    reason: Mapped[str] = mapped_column(String(300))
    state: Mapped[str] = mapped_column(String(10), default="waiting")
    progress: Mapped[int] = mapped_column(default=0)
    """In percent."""
    attempts: Mapped[int] = mapped_column(default=0)
    claimed_until: Mapped[datetime | None] = mapped_column(UtcTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcTime)
    rights: Mapped[str | None] = mapped_column(String(64))
    """A digest of what its owner was allowed when it was built: with other rights it is not given out any more."""
    digest: Mapped[str | None] = mapped_column(String(64))
    """Its content in the file store."""
    size: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None] = mapped_column(String(300))


class ReportSchedule(Base, Dated, Versioned):
    """A report that comes at intervals to each of its receivers, about the week, month or quarter before."""

    __tablename__ = "report_schedule"
    __mapper_args__ = {"version_id_col": Versioned.version}
    audited = True

    id: Mapped[Key]
    user_id: Mapped[OwnerKey]
    name: Mapped[str] = mapped_column(String(60))
    asked: Mapped[dict[str, Any]] = mapped_column(JSON())
    reason: Mapped[str] = mapped_column(String(300))
    rhythm: Mapped[str] = mapped_column(String(10))
    day: Mapped[int] = mapped_column()
    """Of the week (1 for Monday), of the month, or of the first month of the quarter."""
    at: Mapped[time] = mapped_column(Time())
    """Where the team works."""
    next_at: Mapped[datetime] = mapped_column(UtcTime, index=True)
    is_active: Mapped[bool] = mapped_column(default=True)


class ReportReceiver(Base):
    """Somebody who gets the reports of a schedule."""

    __tablename__ = "report_receiver"

    schedule_id: Mapped[int] = mapped_column(ForeignKey("report_schedule.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True, index=True)
