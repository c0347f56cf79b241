"""When the data of a customer have to be checked again: each quarter for those of high value, each half year for others [002]."""

import calendar
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Date, Integer, String, cast, func, literal, or_, type_coerce, update

from crm_core import clock
from crm_core.db import CrmSession, is_sqlite
from crm_core.errors import ValidationFailed
from crm_core.i18n import _
from crm_core.models import TIERS, Customer
from crm_core.permissions import Actor
from crm_core.scope import unscoped
from crm_core.services.policies import get_policy, set_policy

AREA = "verification"
LONGEST = 36
MONTH = 30
"""Days of a month, where dates are only to be spread."""


@dataclass(frozen=True)
class VerificationPolicy:
    """Which tiers are of high value, and after how many months those and the others are due."""

    high_tiers: tuple[str, ...] = ("A",)
    high_months: int = 3
    other_months: int = 6

    def months(self, tier: str | None) -> int:
        """The period for a customer of this tier."""
        return self.high_months if tier in self.high_tiers else self.other_months


def get_verification_policy(session: CrmSession) -> tuple[VerificationPolicy, int]:
    """The periods in force and the version of the rule."""
    values, version = get_policy(session, AREA)
    return VerificationPolicy(**{**values, "high_tiers": tuple(values["high_tiers"])}) if values else VerificationPolicy(), version


def save_verification_policy(session: CrmSession, actor: Actor, policy: VerificationPolicy, *, version: int) -> None:
    """Keep periods; customers whose next verification then lies too far ahead get a nearer day. Raises `ValidationFailed`, `Conflict`."""
    if not (1 <= policy.high_months <= LONGEST and 1 <= policy.other_months <= LONGEST and set(policy.high_tiers) <= set(TIERS)):
        raise ValidationFailed({"months": [_("A period has 1 to {most} months.").format(most=LONGEST)]})
    set_policy(session, actor, AREA, asdict(policy) | {"high_tiers": list(policy.high_tiers)}, version=version)
    spread(session)


def next_due(session: CrmSession, tier: str | None) -> date:
    """When a customer of this tier that is checked (or entered) today is due again."""
    return add_months(clock.today(), get_verification_policy(session)[0].months(tier))


def add_months(day: date, months: int) -> date:
    """The same day of a later month, or its last day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def spread(session: CrmSession) -> None:
    """Give a day to listed customers without one, and a nearer one where it lies further ahead than the period of the tier.

    Those days are spread over the whole period, so that not everything is due at once.
    """
    policy = get_verification_policy(session)[0]
    is_high = func.coalesce(Customer.tier, "").in_(policy.high_tiers)
    for of_these, months in ((is_high, policy.high_months), (~is_high, policy.other_months)):
        is_late = or_(Customer.verify_on.is_(None), Customer.verify_on > add_months(clock.today(), months))
        day = _days_later(session, Customer.id % (months * MONTH) + 1)
        planned = update(Customer).where(Customer.is_listed, of_these, is_late).values(verify_on=day, updated_at=Customer.updated_at)
        session.execute(planned, execution_options={**unscoped, "synchronize_session": False})


def _days_later(session: CrmSession, days: ColumnElement[Any]) -> ColumnElement[Any]:
    today = clock.today()
    if is_sqlite(session):
        return type_coerce(func.date(today.isoformat(), cast(days, String) + " days"), Date())
    return literal(today, Date()) + cast(days, Integer)
