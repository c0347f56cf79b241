"""The form of the rules for follow-ups: late entries, customers without contact, the usual reminder."""

import streamlit as st

from crm_core.db import CrmSession
from crm_core.i18n import N_, _
from crm_core.permissions import Actor
from crm_core.services import follow_up_rules
from crm_core.services.follow_up_rules import LEADS, LIMITS, FollowUpPolicy
from ui import rule_forms

AREA = "follow_up_rules"
NUMBERS = {
    "late_hours": (
        N_("Late entry after, hours"),
        N_("A follow-up that is recorded so many hours after it happened, or later, is marked as a late entry."),
    ),
    "quiet_days": (N_("Long without contact after, days"), N_("Customers without contact for so many days are listed for their head.")),
}


def open_form(rules: FollowUpPolicy, version: int) -> None:
    """Put the rules into the form."""
    rule_forms.open_form(AREA, {f"{AREA}.{name}": getattr(rules, name) for name in (*NUMBERS, "remind_lead")}, version)


def draw(present: FollowUpPolicy) -> None:
    """All rules."""
    for name, (label, hint) in NUMBERS.items():
        least, most = LIMITS[name]
        st.number_input(_(label), min_value=least, max_value=most, step=1, key=f"{AREA}.{name}", help=_(hint), width=280)
    leads = {lead: _(label) for lead, label in LEADS.items()}
    leads.setdefault(present.remind_lead, _("{minutes} minutes before").format(minutes=present.remind_lead))
    help_text = _("So early people are reminded of a task or plan, unless it says otherwise.")
    st.selectbox(
        _("Usual reminder"), list(leads), format_func=lambda lead: leads[lead], key=f"{AREA}.remind_lead", help=help_text, width=280
    )


def save() -> None:
    """Keep what stands in the form."""
    rules = FollowUpPolicy(**{name: st.session_state[f"{AREA}.{name}"] for name in (*NUMBERS, "remind_lead")})

    def keep(session: CrmSession, actor: Actor, version: int) -> None:
        follow_up_rules.save_follow_up_policy(session, actor, rules, version=version)

    rule_forms.save(AREA, keep, told=_("The rules were saved."))
