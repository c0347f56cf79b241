"""The days of which scores are kept: the latest one, and the one with which it is compared."""

from datetime import date, timedelta

from sqlalchemy import select

from crm_core.cache import cached
from crm_core.db import CrmSession
from crm_core.models import ChurnScore
from crm_core.scope import unscoped

WEEK = timedelta(days=7)


def latest_day(session: CrmSession) -> date | None:
    """The day of the present scores; none before any were reckoned."""
    return max(_kept_days(session), default=None)


def day_before(session: CrmSession, day: date) -> date | None:
    """The day with which a day is compared: the latest one at least a week before it."""
    return max((kept for kept in _kept_days(session) if kept <= day - WEEK), default=None)


def _kept_days(session: CrmSession) -> list[date]:
    # Kept for others: every page of a customer asks.
    days = select(ChurnScore.day).where(ChurnScore.was_lost.is_(None)).distinct()
    return cached(session, "churn", "days", lambda: list(session.execute(days, execution_options=unscoped).scalars()))
