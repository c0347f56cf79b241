"""Setting a customer's tier by hand: tier, reason, until when."""

import streamlit as st

from crm_core import clock
from crm_core.i18n import _
from crm_core.models import TIERS
from crm_core.services import hand_tiers
from crm_core.visibility import View
from ui import feedback, forms, guard

DERIVED = ""


def draw(customer: View) -> None:
    """The body of the dialog."""
    options = {**{code: _(label) for code, label in TIERS.items()}, DERIVED: _("Derived from the amount")}
    present = customer.tier if customer.tier_by_hand and customer.tier else DERIVED
    tier = st.radio(
        _("Tier"), list(options), index=list(options).index(present), format_func=lambda code: options[code], key=guard.key("tier_choice")
    )
    reason = st.text_input(forms.required(_("Reason")), value=customer.tier_reason or "", max_chars=300, key=guard.key("tier_reason"))
    until = None
    if tier != DERIVED:
        hint = _("After this day the tier is derived from the amount again. Without a day it stays until somebody changes it.")
        until = st.date_input(
            _("Valid until"),
            value=customer.tier_until,
            min_value=clock.today(),
            format="YYYY-MM-DD",
            key=guard.key("tier_until"),
            help=hint,
        )
    if forms.decide(_("Save")):
        seen = {name: getattr(customer, name) for name in ("tier", "tier_by_hand", "tier_reason", "tier_until")}
        with feedback.attempt() as outcome, guard.acting() as session:
            hand_tiers.set_tier(session, guard.actor(), customer.id, tier or None, reason=reason, until=until, seen=seen)
        if outcome.succeeded:
            st.rerun()
