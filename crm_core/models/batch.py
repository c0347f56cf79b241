"""An action on many customers at once: what it did, and what it takes to undo it."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, mapped_column

from crm_core import clock
from crm_core.models.base import Base, Key, UserKey, UtcTime


class Batch(Base):
    """One bulk action or transfer; also its receipt."""

    __tablename__ = "batch"
    audited = True

    id: Mapped[Key]
    kind: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime] = mapped_column(UtcTime, default=clock.now)
    actor_id: Mapped[UserKey]
    what: Mapped[dict[str, Any]] = mapped_column(JSON(), default=dict)
    """What was asked for, such as the new owner or the tag."""
    done: Mapped[int] = mapped_column(default=0)
    refused: Mapped[list[dict[str, Any]]] = mapped_column(JSON(), default=list)
    """The customers left as they were, with the reason."""
    before: Mapped[list[dict[str, Any]]] = mapped_column(JSON(), default=list)
    """What each customer had before, for the undo."""
    reason: Mapped[str | None] = mapped_column(String(300))
    undone_at: Mapped[datetime | None] = mapped_column(UtcTime)
    key: Mapped[str | None] = mapped_column(String(36), unique=True)
    """Which confirmation it came from: a second click on the same one makes no second batch."""
