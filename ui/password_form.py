"""Changing one's own password."""

import streamlit as st

from crm_core.i18n import _
from crm_core.services import lockout, passwords
from ui import feedback, guard, routes


def draw() -> None:
    """The present password, and the new one twice."""
    with st.form("password", width=480):
        old = st.text_input(_("Present password"), type="password", key="old_password")
        new, again = enter_twice(_("New password"), _("New password once more"), key="new_password")
        if st.form_submit_button(_("Change password"), type="primary") and is_same(new, again):
            _change(old, new)


def enter_twice(label: str, label_again: str, *, key: str) -> tuple[str, str]:
    """The fields of a new password."""
    new = st.text_input(label, type="password", key=key)
    again = st.text_input(label_again, type="password", key=f"{key}_again")
    st.caption(_("At least 8 characters with letters, digits and special characters."))
    return new, again


def is_same(new: str, again: str) -> bool:
    """Whether both fields of a new password hold the same; says so where they do not."""
    if new != again:
        feedback.refusal(_("The two passwords differ. Enter the same one twice."))
    return new == again


def _change(old: str, new: str) -> None:
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
