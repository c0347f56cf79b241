"""The form of the service rules: hours of service, hours for each priority, reminder, closing."""

import streamlit as st

from crm_core.errors import Conflict
from crm_core.i18n import N_, _
from crm_core.models import TICKET_PRIORITIES
from crm_core.services import service_hours
from crm_core.services.service_hours import LIMITS, ServicePolicy
from ui import feedback, guard

VERSION = "service_rules_version"
HOURS = {"from_hour": N_("Service begins at (hour)"), "to_hour": N_("Service ends at (hour)")}
DAYS = {False: N_("On working days, make-up days among them"), True: N_("On every day")}
TIMES = {
    "remind_hours": (
        N_("Reminder, hours before it is due"),
        N_("So many hours by the clock before a ticket is due its handler is reminded."),
    ),
    "close_days": (
        N_("Closed after, days"),
        N_("A resolved ticket that nobody opens again within so many days is closed."),
    ),
}
_NAMES = (*HOURS, "every_day", *TICKET_PRIORITIES, *TIMES)


def open_form(rules: ServicePolicy, version: int) -> None:
    """Put the rules into the form when the page is opened, and again once they were saved."""
    # Not what somebody else saved meanwhile: it would be taken for what was entered here.
    if VERSION in st.session_state and "service_rules.from_hour" in st.session_state:
        return
    st.session_state[VERSION] = version
    for name in _NAMES:
        st.session_state[f"service_rules.{name}"] = getattr(rules, name)


def draw() -> None:
    """All rules."""
    st.subheader(_("Hours of service"), anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for name, label in HOURS.items():
            _number(name, _(label))
        st.selectbox(_("Days of service"), list(DAYS), format_func=lambda one: _(DAYS[one]), key="service_rules.every_day", width=350)
    st.subheader(_("Time to resolve, in service hours"), anchor=False)
    st.caption(_("The clock runs during the hours of service only, and stands still while a ticket waits for the customer."))
    with st.container(horizontal=True):
        for code, label in TICKET_PRIORITIES.items():
            _number(code, _(label))
    st.subheader(_("Reminders and closing"), anchor=False)
    with st.container(horizontal=True):
        for name, (label, hint) in TIMES.items():
            _number(name, _(label), _(hint))


def _number(name: str, label: str, hint: str | None = None) -> None:
    least, most = LIMITS[name]
    st.number_input(label, min_value=least, max_value=most, step=1, key=f"service_rules.{name}", help=hint, width=200)


def save() -> None:
    """Keep what stands in the form; if somebody saved meanwhile, show theirs."""
    rules = ServicePolicy(**{name: st.session_state[f"service_rules.{name}"] for name in _NAMES})
    with feedback.attempt(show=False) as outcome, guard.acting() as session:
        service_hours.save_service_policy(session, guard.actor(), rules, version=st.session_state[VERSION])
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
