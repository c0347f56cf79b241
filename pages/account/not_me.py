"""The way out of a warning about a sign-in: "this was not me". Reached by the link in a mail or notice, signed in or not."""

import streamlit as st

from crm_core.i18n import _
from ui import browser, disowning, feedback, guard, header, routes

token = disowning.usable_token()  # first: the page speaks the language of the account
header.title(_("This was not me"))

if st.session_state.pop("disowned", False):
    st.success(_("The account is blocked and all its sessions have ended. An administrator will give you a new one-time password."))
    st.stop()

if token is None:
    feedback.empty_state("link_off", _("This link is no longer good"), _("It was used already, or is older than seven days."))
    if guard.actor() is None:
        if st.button(_("Go to sign-in"), type="tertiary", icon=":material/login:"):
            browser.redirect("/")
    elif st.button(_("Personal settings"), icon=":material/manage_accounts:"):
        st.switch_page(routes.SETTINGS)
    st.stop()

st.write(_("Somebody signed in to your account, and it was not you? Then end all its sessions and block it here."))
st.write(_("Nobody can sign in to it any more, until an administrator gives it a new one-time password."))
if st.button(_("Block my account"), type="primary", icon=":material/gpp_bad:"):
    disowning.disown(token)
