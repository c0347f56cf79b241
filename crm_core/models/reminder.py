"""When and by which ways people are told: quiet hours, digests, robots of group chats, and the secret link of their calendar."""

from datetime import date, datetime

from sqlalchemy import Date, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from crm_core import clock
from crm_core.i18n import N_
from crm_core.models.base import Base, Encrypted, Key, OwnerKey, UtcTime

ROBOTS = {"wecom": N_("WeCom"), "dingtalk": N_("DingTalk"), "feishu": N_("Feishu")}
"""Whose group chats have robots that we speak to."""


class ReminderSetting(Base):
    """What somebody set about being told; by which ways each kind goes is `User.channels`. Times of day are those where the team works."""

    __tablename__ = "reminder_setting"

    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True)
    quiet_from: Mapped[str | None] = mapped_column(String(5))
    """Like 22:00; nothing leaves the house from then until `quiet_until`."""
    quiet_until: Mapped[str | None] = mapped_column(String(5))
    digest_at: Mapped[str | None] = mapped_column(String(5), index=True)
    """When the daily digest goes out; none where it is empty."""
    has_weekly: Mapped[bool] = mapped_column(default=True)
    """For heads of teams: whether the digest of the week goes any way."""
    digested_on: Mapped[date | None] = mapped_column(Date())
    """The day of the last daily digest, so that a day has one."""
    weekly_on: Mapped[date | None] = mapped_column(Date())


class Robot(Base):
    """The robot of a group chat to which somebody has their notices sent."""

    __tablename__ = "robot"
    audited = True

    id: Mapped[Key]
    user_id: Mapped[OwnerKey]
    kind: Mapped[str] = mapped_column(String(10))
    name: Mapped[str] = mapped_column(String(60))
    address: Mapped[str] = mapped_column(Encrypted)
    """Its key, and behind a blank the secret it signs with, if any: whoever knows them can write to the group."""
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=clock.now)


class CalendarFeed(Base):
    """The secret link under which somebody's calendar program reads their tasks; renewed, the old one ends."""

    __tablename__ = "calendar_feed"

    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=clock.now)
    read_at: Mapped[datetime | None] = mapped_column(UtcTime)
    """When a program last read it."""
