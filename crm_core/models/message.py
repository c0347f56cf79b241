"""What the system tells people: notices in the app, and the outbox of messages that leave the house."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from crm_core import clock
from crm_core.models.base import Base, Key, OwnerKey, UserKey, UtcTime


class Notice(Base):
    """A notice to one user, kept as kind and values, so that it is read in the language in force."""

    __tablename__ = "notice"
    __table_args__ = (
        UniqueConstraint("user_id", "key"),
        Index("ix_notice_unread", "user_id", "read_at", "id"),
        Index("ix_notice_waiting", "user_id", sqlite_where=text("is_waiting"), postgresql_where=text("is_waiting")),
    )

    id: Mapped[Key]
    user_id: Mapped[OwnerKey]
    kind: Mapped[str] = mapped_column(String(40))
    data: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    customer_id: Mapped[int | None] = mapped_column()
    path: Mapped[str] = mapped_column(String(200), default="")
    """Where a click leads, within this system."""
    key: Mapped[str | None] = mapped_column(String(120))
    """A notice with the same key is sent to a user once."""
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=clock.now)
    read_at: Mapped[datetime | None] = mapped_column(UtcTime)
    is_waiting: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether it has to go the ways besides the app, as its receiver chose; a job does that."""


class OutboxMessage(Base):
    """A message to be sent outside, written in the same transaction as its cause; sent at least once, always with one Message-ID."""

    __tablename__ = "outbox_message"
    __table_args__ = (UniqueConstraint("key"), Index("ix_outbox_message_due", "sent_at", "next_attempt_at"))

    id: Mapped[Key]
    user_id: Mapped[UserKey]
    kind: Mapped[str | None] = mapped_column(String(40))
    """Of `channels.KINDS`; none for what somebody asked for just now, such as a link for a forgotten password."""
    channel: Mapped[str] = mapped_column(String(20))
    robot_id: Mapped[int | None] = mapped_column(ForeignKey("robot.id", ondelete="CASCADE"), index=True)
    """The robot that is to say it; what waits for one goes with it."""
    recipient: Mapped[str] = mapped_column(String(300))
    subject: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(Text())
    message_id: Mapped[str] = mapped_column(String(120))
    key: Mapped[str | None] = mapped_column(String(120))
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime | None] = mapped_column(UtcTime, default=clock.now)
    """None once it is given up."""
    last_error: Mapped[str | None] = mapped_column(String(500))
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=clock.now)
    sent_at: Mapped[datetime | None] = mapped_column(UtcTime)
