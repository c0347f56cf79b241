"""Service hours: the administrator's rule of when the team works on tickets, and reckoning in that time."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime, time, timedelta
from typing import Any

from crm_core import clock
from crm_core.config import settings
from crm_core.db import CrmSession
from crm_core.errors import ValidationFailed
from crm_core.i18n import _
from crm_core.permissions import Actor
from crm_core.services.policies import get_policy, set_policy
from crm_core.workdays import is_workday

AREA = "service"
MOST_HOURS = 1000
LIMITS = {
    "from_hour": (0, 23),
    "to_hour": (1, 24),
    "urgent": (1, MOST_HOURS),
    "high": (1, MOST_HOURS),
    "normal": (1, MOST_HOURS),
    "low": (1, MOST_HOURS),
    "remind_hours": (0, 240),
    "close_days": (1, 365),
}


@dataclass(frozen=True)
class ServicePolicy:
    """The rules in force."""

    from_hour: int = 9
    to_hour: int = 18
    """Service is from the first hour of a day to this one."""
    every_day: bool = False
    """On weekends and public holidays too; else on working days, make-up days among them."""
    urgent: int = 4
    high: int = 9
    normal: int = 18
    low: int = 45
    """Service hours until a ticket of this priority has to be resolved."""
    remind_hours: int = 2
    """So many hours by the clock before it is due its handler is reminded."""
    close_days: int = 7
    """A resolved ticket of which nothing is heard for so many days is closed."""

    def hours_for(self, priority: str) -> int:
        """The service hours of a priority."""
        hours: int = getattr(self, priority)
        return hours


def get_service_policy(session: CrmSession) -> tuple[ServicePolicy, int]:
    """The rules in force and their version."""
    values, version = get_policy(session, AREA)
    known: dict[str, Any] = {name: value for name, value in values.items() if name in {one.name for one in fields(ServicePolicy)}}
    return ServicePolicy(**known), version


def save_service_policy(session: CrmSession, actor: Actor, policy: ServicePolicy, *, version: int) -> None:
    """Keep the rules; they count for what is entered from now on. Raises `NotAllowed`, `Conflict`, `ValidationFailed`."""
    errors = {
        name: [_("Enter a whole number from {least} to {most}.").format(least=least, most=most)]
        for name, (least, most) in LIMITS.items()
        if not isinstance(getattr(policy, name), int) or not least <= getattr(policy, name) <= most
    }
    if not errors and policy.to_hour <= policy.from_hour:
        errors["to_hour"] = [_("The service has to end later than it begins.")]
    if errors:
        raise ValidationFailed(errors)
    set_policy(session, actor, AREA, asdict(policy), version=version)


def add_service_time(policy: ServicePolicy, moment: datetime, needed: timedelta) -> datetime:
    """The moment at which so much service time has passed since another one."""
    left = needed
    for begin, end in _windows(policy, clock.day_of(moment)):
        begin = max(begin, moment)
        if begin >= end:
            continue
        if end - begin >= left:
            return begin + left
        left -= end - begin
    raise AssertionError("days never end")


def service_time_between(policy: ServicePolicy, begin: datetime, end: datetime) -> timedelta:
    """How much service time lies between two moments; none where the second is not the later one."""
    passed = timedelta()
    for opens, closes in _windows(policy, clock.day_of(begin)):
        if opens >= end:
            return passed
        passed += max(min(closes, end) - max(opens, begin), timedelta())
    raise AssertionError("days never end")


def _windows(policy: ServicePolicy, day: date) -> Iterator[tuple[datetime, datetime]]:
    """The service hours of each day from this one on."""
    while True:
        if policy.every_day or is_workday(day):
            yield _hour(day, policy.from_hour), _hour(day, policy.to_hour)
        day += timedelta(days=1)


def _hour(day: date, hour: int) -> datetime:
    return clock.start_of_day(day + timedelta(days=1)) if hour == 24 else datetime.combine(day, time(hour), settings().timezone)
