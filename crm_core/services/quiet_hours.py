"""Quiet hours: the time of day in which nothing leaves the house for somebody. Times are those where the team works."""

from datetime import datetime, time, timedelta

from sqlalchemy import ColumnElement, select

from crm_core import clock
from crm_core.config import settings
from crm_core.db import CrmSession
from crm_core.models import ReminderSetting


def end_of_quiet(session: CrmSession, user_id: int) -> datetime | None:
    """When the quiet hours in which somebody is now end; nothing outside of them."""
    return _quiet(session, ReminderSetting.user_id == user_id).get(user_id)


def who_rests(session: CrmSession) -> list[int]:
    """Everybody whose quiet hours it is."""
    return list(_quiet(session))


def _quiet(session: CrmSession, *conditions: ColumnElement[bool]) -> dict[int, datetime]:
    hours = select(ReminderSetting.user_id, ReminderSetting.quiet_from, ReminderSetting.quiet_until)
    rows = session.execute(hours.where(ReminderSetting.quiet_from.is_not(None), *conditions))
    ends = {row.user_id: end_of(row.quiet_from, row.quiet_until, clock.now()) for row in rows}
    return {user_id: end for user_id, end in ends.items() if end}


def end_of(begin: str, until: str, moment: datetime) -> datetime | None:
    """When the hours from `begin` to `until` (such as 22:00 and 07:30, over midnight) end in which a moment lies; nothing outside."""
    present = clock.time_of_day(moment)
    is_within = begin <= present < until if begin < until else present >= begin or present < until
    if not is_within:
        return None
    day = clock.day_of(moment) + timedelta(days=1 if present >= until else 0)
    return datetime.combine(day, time.fromisoformat(until), settings().timezone)
