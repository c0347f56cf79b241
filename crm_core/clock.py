"""What time it is: UTC for storage, the configured zone for days."""

from datetime import UTC, date, datetime

from crm_core.config import settings


def now() -> datetime:
    """The present moment in UTC."""
    return datetime.now(UTC)


def today() -> date:
    """The present day where the team works."""
    return now().astimezone(settings().timezone).date()
