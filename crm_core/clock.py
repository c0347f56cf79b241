"""What time it is: UTC for storage, the configured zone for days."""

from datetime import UTC, date, datetime, time

from crm_core.config import settings


def now() -> datetime:
    """The present moment in UTC."""
    return datetime.now(UTC)


def today() -> date:
    """The present day where the team works."""
    return day_of(now())


def day_of(moment: datetime) -> date:
    """The day on which a moment lies where the team works."""
    return moment.astimezone(settings().timezone).date()


def local(moment: datetime) -> datetime:
    """A moment as clocks show it where the team works, without its zone: what a spreadsheet can hold."""
    return moment.astimezone(settings().timezone).replace(tzinfo=None)


def time_of_day(moment: datetime) -> str:
    """The time of a moment where the team works, such as 09:30; such texts sort like the times."""
    return f"{moment.astimezone(settings().timezone):%H:%M}"


def start_of_day(day: date) -> datetime:
    """The moment a day begins where the team works."""
    return datetime.combine(day, time(), settings().timezone)
