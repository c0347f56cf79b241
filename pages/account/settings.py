"""Personal settings: language and password."""

import streamlit as st

from crm_core.i18n import LANGUAGES, _
from crm_core.services import passwords
from ui import browser, feedback, guard, header, routes

actor = guard.actor()
header.title(_("Personal settings"))

if actor.must_change_password:
    st.warning(_("Choose your own password before you begin."), icon=":material/key:")

left, right = st.columns(2, gap="medium")
with left, st.form("password"):
    st.subheader(_("Password"), anchor=False)
    old = st.text_input(_("Present password"), type="password", key="old_password")
    new = st.text_input(
        _("New password"), type="password", key="new_password", help=_("At least 8 characters with letters, digits and special characters.")
    )
    again = st.text_input(_("New password once more"), type="password", key="new_password_again")
    if st.form_submit_button(_("Change password"), type="primary"):
        if new != again:
            feedback.refusal(_("The two passwords differ. Enter the same one twice."))
        else:
            with feedback.attempt() as outcome:
                with guard.reading() as session:
                    change = passwords.check_change(session, guard.actor(), old=old, new=new)
                with guard.acting() as session:
                    passwords.change_password(session, guard.actor(), change)
            if outcome.succeeded:
                feedback.later(_("The password was changed. Other sessions of your account have ended."))
                st.switch_page(routes.HOME if actor.must_change_password else routes.SETTINGS)
with right, st.container(border=True):
    st.subheader(_("Interface"), anchor=False)
    st.markdown(_("Account") + f": **{feedback.escape(actor.username)}**")
    language = st.segmented_control(
        _("Language"), list(LANGUAGES), format_func=LANGUAGES.get, default=actor.language, key="settings_language", required=True
    )
    if language and language != actor.language:
        browser.redirect(header.change_language(language))
