"""Where a customer stands, as badges that explain themselves: tier, status, first follow-up, verification."""

from collections.abc import Iterator

from crm_core.clock import today
from crm_core.i18n import _, format_age, format_date
from crm_core.models import ACTIVITIES, TIERS
from crm_core.services.activity import LastDays, last_days
from crm_core.services.verification import is_due
from crm_core.visibility import View
from ui.badges import ACTIVITY_COLOURS, TIER_COLOURS, Badge


def made(customer: View, *, lacks_step: bool) -> Iterator[Badge]:
    """The badges that apply."""
    if customer.tier:
        icon = "front_hand" if customer.tier_by_hand else ""
        yield Badge(_(TIERS[customer.tier]), TIER_COLOURS[customer.tier], icon, _tier(customer))
    if customer.activity:
        yield Badge(_(ACTIVITIES[customer.activity]), ACTIVITY_COLOURS[customer.activity], reason=_activity(last_days(customer)))
    if customer.awaits_first_follow_up:
        text = _("First follow-up by {day}").format(day=format_date(customer.first_follow_up_on))
        is_late = customer.first_follow_up_on < today()
        yield Badge(text, "red" if is_late else "blue", "phone_forwarded")
    if lacks_step:
        hint = _("Nobody has anything planned for this customer. Write a follow-up with its next step, or add a task.")
        yield Badge(_("No next step"), "orange", "event_busy", hint)
    if customer.is_listed and is_due(customer.verify_on):
        text = _("Verification due since {day}").format(day=format_date(customer.verify_on))
        yield Badge(text, "orange", "fact_check", _verified(customer))


def _tier(customer: View) -> str:
    if not customer.tier_by_hand:
        return _("Derived from the cooperation amount of a year.")
    sentence = _("Set by hand until {day}.").format(day=format_date(customer.tier_until)) if customer.tier_until else _("Set by hand.")
    return f"{sentence} {customer.tier_reason}" if customer.tier_reason else sentence


def _activity(days: LastDays) -> str:
    known = {_("Last contact"): days.contact, _("Last contract"): days.contract, _("Entered"): days.entered}
    return " · ".join(f"{label} {format_date(day)} ({format_age(day, today())})" for label, day in known.items() if day)


def _verified(customer: View) -> str:
    if customer.verified_on is None:
        return _("Never verified so far.")
    return _("Last verified on {day}.").format(day=format_date(customer.verified_on))
