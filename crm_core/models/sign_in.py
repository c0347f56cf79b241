"""What signing in leaves behind: sessions, tickets, known browsers and places, failures, recovery codes, old passwords."""

from datetime import datetime

from sqlalchemy import String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm_core import clock
from crm_core.models.base import Base, Key, OwnerKey, UtcTime
from crm_core.models.user import User


class UserSession(Base):
    """A signed-in browser. Only the hash of its token is stored."""

    __tablename__ = "user_session"

    id: Mapped[Key]
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[OwnerKey]
    address: Mapped[str] = mapped_column(String(45), default="")
    city: Mapped[str] = mapped_column(String(100), default="")
    """Where the address lies, as the offline table says; empty for the office network."""
    device: Mapped[str] = mapped_column(String(100), default="")
    """Browser and system in words, such as `Chrome · Windows`."""
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=clock.now)
    last_used_at: Mapped[datetime] = mapped_column(UtcTime, default=clock.now)

    user: Mapped[User] = relationship(lazy="raise")


class SignInTicket(Base):
    """A ticket, good once and for a minute, that the browser trades for its session cookie."""

    __tablename__ = "sign_in_ticket"

    id: Mapped[Key]
    ticket_hash: Mapped[str] = mapped_column(String(64), unique=True)
    session_token: Mapped[str] = mapped_column(String(400))
    browser_hash: Mapped[str] = mapped_column(String(64))
    """Of the random cookie of the browser in which the password was entered; a ticket is worth nothing in another one."""
    expires_at: Mapped[datetime] = mapped_column(UtcTime)


class SignInFailure(Base):
    """Failed sign-ins of late under one key: an account name, a network address, or a known browser of an account."""

    __tablename__ = "sign_in_failure"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    """A hash, so that a password typed into the wrong field is not kept here."""
    count: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None] = mapped_column(UtcTime)
    last_at: Mapped[datetime] = mapped_column(UtcTime, default=clock.now)


class KnownDevice(Base):
    """A browser in which an account was signed in before, known by the hash of its random cookie."""

    __tablename__ = "known_device"
    __table_args__ = (UniqueConstraint("user_id", "browser_hash"),)

    id: Mapped[Key]
    user_id: Mapped[OwnerKey]
    browser_hash: Mapped[str] = mapped_column(String(64))
    first_seen_at: Mapped[datetime] = mapped_column(UtcTime, default=clock.now)
    last_seen_at: Mapped[datetime] = mapped_column(UtcTime, default=clock.now)
    trusted_until: Mapped[datetime | None] = mapped_column(UtcTime)
    """Until then this browser is not asked for the second factor."""


class KnownPlace(Base):
    """A city from which an account was signed in before."""

    __tablename__ = "known_place"
    __table_args__ = (UniqueConstraint("user_id", "city"),)

    id: Mapped[Key]
    user_id: Mapped[OwnerKey]
    city: Mapped[str] = mapped_column(String(100))
    first_seen_at: Mapped[datetime] = mapped_column(UtcTime, default=clock.now)
    last_seen_at: Mapped[datetime] = mapped_column(UtcTime, default=clock.now)


class RecoveryCode(Base):
    """A code that stands in for the second factor once. Only its hash is stored."""

    __tablename__ = "recovery_code"

    id: Mapped[Key]
    user_id: Mapped[OwnerKey]
    code_hash: Mapped[str] = mapped_column(String(100))
    used_at: Mapped[datetime | None] = mapped_column(UtcTime)


class OldPassword(Base):
    """A password used before, so that it is not chosen again where the settings forbid it."""

    __tablename__ = "old_password"

    id: Mapped[Key]
    user_id: Mapped[OwnerKey]
    password_hash: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=clock.now)


class AccountLink(Base):
    """A link sent by mail that acts on an account once: a new password, or "this was not me"."""

    __tablename__ = "account_link"

    id: Mapped[Key]
    user_id: Mapped[OwnerKey]
    purpose: Mapped[str] = mapped_column(String(20))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    expires_at: Mapped[datetime] = mapped_column(UtcTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcTime)
