"""Personal settings: profile, password and signed-in browsers."""

import streamlit as st

from crm_core.i18n import _
from ui import guard, header, password_form, profile_form, session_list

actor = guard.actor()
header.title(_("Personal settings"))

if actor.must_change_password:
    st.warning(_("Choose your own password before you begin."), icon=":material/key:")
    password_form.draw()
    st.stop()

tab_profile, tab_password, tab_devices = st.tabs([_("Profile"), _("Password"), _("Devices")], on_change="rerun", key="settings_tab")
if tab_profile.open:
    with tab_profile:
        profile_form.draw()
if tab_password.open:
    with tab_password:
        password_form.draw()
if tab_devices.open:
    with tab_devices:
        session_list.draw(actor.id or 0)
