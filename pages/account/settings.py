"""Personal settings: profile, messages, password, second factor, signed-in browsers, and the link for one's own calendar program."""

import streamlit as st

from crm_core.i18n import _
from ui import calendar_feed_form, guard, header, message_form, password_form, profile_form, robot_list, second_factor_form, session_list

actor = guard.actor()
header.title(_("Personal settings"))

if actor.must_change_password:
    st.warning(_("Choose a new password before you begin: yours was given to you, or is too old."), icon=":material/key:")
    password_form.draw()
    st.stop()

if second_factor_form.draw_new_codes():
    st.stop()

if actor.must_enrol:
    st.warning(_("Your role requires two-step verification. Set it up before you begin."), icon=":material/phonelink_lock:")
    second_factor_form.draw()
    st.stop()

names = [_("Profile"), _("Messages"), _("Password"), _("Two-step verification"), _("Devices"), _("Calendar link")]
tabs = st.tabs(names, on_change="rerun", key="settings_tab")
tab_profile, tab_messages, tab_password, tab_factor, tab_devices, tab_calendar = tabs
if tab_profile.open:
    with tab_profile:
        profile_form.draw()
if tab_messages.open:
    with tab_messages:
        message_form.draw()
        robot_list.draw()
if tab_password.open:
    with tab_password:
        password_form.draw()
if tab_factor.open:
    with tab_factor:
        second_factor_form.draw()
if tab_devices.open:
    with tab_devices:
        session_list.draw(actor.id or 0)
if tab_calendar.open:
    with tab_calendar:
        calendar_feed_form.draw()
