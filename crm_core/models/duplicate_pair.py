"""Two customers that may be one, as the scan found them."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from crm_core import clock
from crm_core.models.base import Base, Key, UtcTime


class DuplicatePair(Base):
    """A pair with the smaller id first, how likely it is one customer (0 to 100), and why."""

    __tablename__ = "duplicate_pair"
    __table_args__ = (UniqueConstraint("first_id", "second_id"), Index("ix_duplicate_pair_score", "dismissed_at", "score"))

    id: Mapped[Key]
    first_id: Mapped[int] = mapped_column(ForeignKey("customer.id", ondelete="CASCADE"))
    second_id: Mapped[int] = mapped_column(ForeignKey("customer.id", ondelete="CASCADE"), index=True)
    score: Mapped[int]
    reasons: Mapped[list[Any]] = mapped_column(JSON(), default=list)
    """Codes of `crm_core.services.duplicates.REASONS`."""
    found_at: Mapped[datetime] = mapped_column(UtcTime, default=clock.now)
    dismissed_at: Mapped[datetime | None] = mapped_column(UtcTime)
    """Since when somebody says that they are two."""
    dismissed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
