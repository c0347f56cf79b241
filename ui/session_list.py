"""The signed-in browsers of an account, each with a button that ends its session."""

import streamlit as st

from crm_core.i18n import _, format_time
from crm_core.places import place_label
from crm_core.services import sessions
from crm_core.services.sessions import Browser
from ui import feedback, guard


def draw(user_id: int) -> None:
    """One row a browser, last used first."""
    with feedback.attempt() as outcome, guard.reading() as session:
        browsers = sessions.list_sessions(session, guard.actor(), user_id)
    if not outcome.succeeded:
        return
    if not browsers:
        feedback.empty_state("devices", _("Not signed in anywhere"), _("Every browser that is signed in to the account is listed here."))
    for browser in browsers:
        _row(user_id, browser)
    if any(not browser.is_this for browser in browsers) and st.button(
        _("End all other sessions"), key="end_others", icon=":material/logout:"
    ):
        with feedback.attempt() as outcome, guard.acting() as session:
            sessions.end_other_sessions(session, guard.actor(), user_id)
        if outcome.succeeded:
            guard.again()


def _row(user_id: int, browser: Browser) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        with st.container(gap=None):
            device = browser.device or _("unknown device")
            st.markdown(f":material/devices: **{feedback.escape(device)}**")
            used = _("last used {time}").format(time=format_time(browser.last_used_at))
            begun = _("signed in {time}").format(time=format_time(browser.created_at))
            place = " ".join(part for part in (place_label(browser.city), browser.address) if part)
            st.caption(feedback.escape(f"{place} · {used} · {begun}"))
        if browser.is_this:
            st.badge(_("this browser"), color="green")
        elif st.button(_("End session"), key=f"end_session_{browser.id}", type="tertiary", icon=":material/logout:"):
            with feedback.attempt() as outcome, guard.acting() as session:
                sessions.end_session(session, guard.actor(), user_id, browser.id)
            if outcome.succeeded:
                guard.again()
