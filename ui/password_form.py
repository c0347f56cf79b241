"""Changing one's own password."""

import streamlit as st

from crm_core.i18n import _
from crm_core.services import lockout, passwords
from ui import feedback, guard, routes


def draw() -> None:
    """The present password, and the new one twice."""
    with st.form("password", width=480):
        old = st.text_input(_("Present password"), type="password", key="old_password")
        hint = _("At least 8 characters with letters, digits and special characters.")
        new = st.text_input(_("New password"), type="password", key="new_password", help=hint)
        again = st.text_input(_("New password once more"), type="password", key="new_password_again")
        if st.form_submit_button(_("Change password"), type="primary"):
            _change(old, new, again)


def _change(old: str, new: str, again: str) -> None:
    if new != again:
        feedback.refusal(_("The two passwords differ. Enter the same one twice."))
        return
    actor = guard.actor()
    with feedback.attempt() as outcome:
        with guard.acting() as session:
            lockout.claim_confirmation(session, actor)
        with guard.reading() as session:
            change = passwords.check_change(session, actor, old=old, new=new)
        with guard.acting() as session:
            passwords.change_password(session, actor, change)
    if outcome.succeeded:
        feedback.later(_("The password was changed. Other sessions of your account have ended."))
        st.switch_page(routes.HOME if actor.must_change_password else routes.SETTINGS)
