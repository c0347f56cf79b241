"""Where a customer stands, as badges that explain themselves on hover: tier, status, first follow-up, verification."""

import streamlit as st

from crm_core.clock import today
from crm_core.i18n import _, format_age, format_date
from crm_core.models import ACTIVITIES, TIERS
from crm_core.services.activity import LastDays, last_days
from crm_core.services.verification import is_due
from crm_core.visibility import View
from ui import feedback
from ui.badges import ACTIVITY_COLOURS, TIER_COLOURS


def draw(customer: View, *, lacks_step: bool) -> None:
    """The badges that apply."""
    if customer.tier:
        icon = ":material/front_hand:" if customer.tier_by_hand else None
        st.badge(_(TIERS[customer.tier]), color=TIER_COLOURS[customer.tier], icon=icon, help=feedback.escape(_tier(customer)))
    if customer.activity:
        st.badge(
            _(ACTIVITIES[customer.activity]),
            color=ACTIVITY_COLOURS[customer.activity],
            help=feedback.escape(_activity(last_days(customer))),
        )
    if customer.awaits_first_follow_up:
        text = _("First follow-up by {day}").format(day=format_date(customer.first_follow_up_on))
        is_late = customer.first_follow_up_on < today()
        st.badge(text, color="red" if is_late else "blue", icon=":material/phone_forwarded:")
    if lacks_step:
        hint = _("Nobody has anything planned for this customer. Write a follow-up with its next step, or add a task.")
        st.badge(_("No next step"), color="orange", icon=":material/event_busy:", help=hint)
    if customer.is_listed and is_due(customer.verify_on):
        text = _("Verification due since {day}").format(day=format_date(customer.verify_on))
        st.badge(text, color="orange", icon=":material/fact_check:", help=_verified(customer))


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
