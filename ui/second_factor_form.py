"""One's own second factor: enrolling an app, recovery codes, switching it off."""

from collections.abc import Callable

import segno
import streamlit as st

from crm_core.db import CrmSession
from crm_core.i18n import _
from crm_core.permissions import Actor
from crm_core.services import lockout, passwords, second_factor
from ui import feedback, guard

CODES = "recovery_codes"
BEGUN = "second_factor_begun"


def draw() -> None:
    """Off: the way to set it up. On: the recovery codes and switching it off."""
    with guard.reading() as session:
        is_on = second_factor.is_on(session, guard.actor())
    with st.container(width=480):
        _draw_present() if is_on else _draw_enrolment()


def draw_new_codes() -> bool:
    """Show the recovery codes that were just made, until they are noted. Returns whether there were any."""
    codes: list[str] | None = st.session_state.get(CODES)
    if not codes:
        return False
    with st.container(width=480):
        st.subheader(_("Recovery codes"), anchor=False)
        st.write(_("Each code stands in once for your app, should you lose it. Keep them in a safe place: they are not shown again."))
        st.code("\n".join(codes), language=None)
        with st.container(horizontal=True):
            st.download_button(
                _("Download"), "\n".join(codes), "kemai-recovery-codes.txt", "text/plain", on_click="ignore", icon=":material/download:"
            )
            if st.button(_("I have kept them"), type="primary", icon=":material/check:"):
                del st.session_state[CODES]
                st.rerun()
    return True


def _draw_enrolment() -> None:
    st.write(_("An app on your phone shows a code every half minute. At sign-in you enter it after your password."))
    actor = guard.actor()
    if not st.session_state.get(BEGUN):
        if st.button(_("Set up"), type="primary", icon=":material/qr_code_2:"):
            with guard.acting() as session:
                st.session_state[BEGUN] = second_factor.begin(session, actor)
            st.rerun()
        return
    secret: str = st.session_state[BEGUN]
    st.caption(_("Scan this with your authenticator app."))
    st.image(_picture(second_factor.address_of(actor, secret)), width=220, alt=_("QR code"))
    st.caption(_("Or enter this key in the app:"))
    st.code(" ".join(secret[place : place + 4] for place in range(0, len(secret), 4)), language=None)
    with st.form("second_factor", width=480):
        code = st.text_input(_("Code that the app shows"), key="second_factor_code", autocomplete="one-time-code")
        if not st.form_submit_button(_("Confirm"), type="primary"):
            return
    _take_codes(second_factor.confirm, code)


def _picture(text: str) -> str:
    # Inside the page itself: pictures that Streamlit serves are open to everybody who knows their address.
    return segno.make(text, error="m").svg_data_uri(scale=5, light="white")


def _draw_present() -> None:
    actor = guard.actor()
    with guard.reading() as session:
        left = second_factor.count_codes(session, actor)
    st.success(_("Two-step verification is on. Recovery codes left: {count}.").format(count=left), icon=":material/verified_user:")
    with st.form("recovery_codes", width=480):
        code = st.text_input(_("Code that the app shows"), key="renew_code", autocomplete="one-time-code")
        if st.form_submit_button(_("New recovery codes")):
            _take_codes(second_factor.renew_codes, code)
    if actor.needs_second_factor:
        st.caption(_("Your role requires two-step verification. With a new phone, ask an administrator to reset it."))
        return
    with st.form("second_factor_off", width=480):
        password = st.text_input(_("Present password"), type="password", key="off_password")
        last = st.text_input(_("Code that the app shows"), key="off_code", autocomplete="one-time-code")
        if st.form_submit_button(_("Switch off")):
            _switch_off(password, last)


def _take_codes(act: Callable[[CrmSession, Actor, str], list[str]], code: str) -> None:
    """Do what takes a code and gives recovery codes; each attempt is counted first."""
    actor = guard.actor()
    with feedback.attempt() as outcome:
        with guard.acting() as session:
            lockout.claim_confirmation(session, actor)
        with guard.acting() as session:
            codes = act(session, actor, code)
    if outcome.succeeded:
        st.session_state[CODES] = codes
        st.session_state.pop(BEGUN, None)
        st.rerun()


def _switch_off(password: str, code: str) -> None:
    actor = guard.actor()
    with feedback.attempt() as outcome:
        with guard.acting() as session:
            lockout.claim_confirmation(session, actor)
        with guard.reading() as session:
            passwords.check_own_password(session, actor, password)
        with guard.acting() as session:
            second_factor.switch_off(session, actor, code)
    if outcome.succeeded:
        feedback.later(_("Two-step verification is off."))
        st.rerun()
