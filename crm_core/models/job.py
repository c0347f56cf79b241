"""Work that is done at intervals, and which process leads it."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.models.base import Base, UtcTime


class Job(Base):
    """When a job runs next, who has it until when, and how its last run went."""

    __tablename__ = "job"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    due_at: Mapped[datetime] = mapped_column(UtcTime)
    claimed_until: Mapped[datetime | None] = mapped_column(UtcTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcTime)
    took_ms: Mapped[int | None] = mapped_column()
    """How long the last run took that came to an end, well or not."""
    failures: Mapped[int] = mapped_column(default=0)
    """How many runs failed in a row."""
    error: Mapped[str | None] = mapped_column(String(500))


class Lease(Base):
    """Which of several processes leads, until when; whoever finds it run out takes it."""

    __tablename__ = "lease"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    holder: Mapped[str] = mapped_column(String(80))
    """The process, as the administrator recognises it: machine and number."""
    until: Mapped[datetime] = mapped_column(UtcTime)
