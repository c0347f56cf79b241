"""The form of the rules for follow-ups: late entries, customers without contact, the usual reminder."""

import streamlit as st

from crm_core.errors import Conflict
from crm_core.i18n import N_, _
from crm_core.services import follow_up_rules
from crm_core.services.follow_up_rules import LEADS, LIMITS, FollowUpPolicy
from ui import feedback, guard

VERSION = "follow_up_rules_version"
NUMBERS = {
    "late_hours": (
        N_("Late entry after, hours"),
        N_("A follow-up that is recorded so many hours after it happened, or later, is marked as a late entry."),
    ),
    "quiet_days": (N_("Long without contact after, days"), N_("Customers without contact for so many days are listed for their head.")),
}


def open_form(rules: FollowUpPolicy, version: int) -> None:
    """Put the rules into the form when the page is opened, and again once they were saved."""
    # Not what somebody else saved meanwhile: it would be taken for what was entered here.
    if VERSION in st.session_state and "follow_up_rules.late_hours" in st.session_state:
        return
    st.session_state[VERSION] = version
    for name in (*NUMBERS, "remind_lead"):
        st.session_state[f"follow_up_rules.{name}"] = getattr(rules, name)


def draw(present: FollowUpPolicy) -> None:
    """All rules."""
    for name, (label, hint) in NUMBERS.items():
        least, most = LIMITS[name]
        st.number_input(_(label), min_value=least, max_value=most, step=1, key=f"follow_up_rules.{name}", help=_(hint), width=280)
    leads = {lead: _(label) for lead, label in LEADS.items()}
    leads.setdefault(present.remind_lead, _("{minutes} minutes before").format(minutes=present.remind_lead))
    help_text = _("So early people are reminded of a task or plan, unless it says otherwise.")
    st.selectbox(
        _("Usual reminder"), list(leads), format_func=lambda lead: leads[lead], key="follow_up_rules.remind_lead", help=help_text, width=280
    )


def save() -> None:
    """Keep what stands in the form; if somebody saved meanwhile, show theirs."""
    rules = FollowUpPolicy(**{name: st.session_state[f"follow_up_rules.{name}"] for name in (*NUMBERS, "remind_lead")})
    with feedback.attempt(show=False) as outcome, guard.acting() as session:
        follow_up_rules.save_follow_up_policy(session, guard.actor(), rules, version=st.session_state[VERSION])
    if isinstance(outcome.error, Conflict):
        del st.session_state[VERSION]
        feedback.later(_("Somebody else saved the rules meanwhile. These are theirs; enter your change again."))
        st.rerun()
    if outcome.error:
        feedback.explain(outcome.error)
        return
    del st.session_state[VERSION]
    feedback.later(_("The rules were saved."))
    st.rerun()
