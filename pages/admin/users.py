"""Accounts: who may sign in, with which role, in which team."""

import streamlit as st

from crm_core.i18n import _, format_time
from crm_core.permissions import Permission
from crm_core.services import users
from ui import feedback, guard, header, user_forms

actor = guard.page(Permission.USER_EDIT)
header.title(_("Accounts"))

with guard.reading() as session:
    accounts, roles, teams = users.list_users(session, actor), users.list_roles(session), users.list_teams(session)

with st.container(horizontal=True):
    if st.button(_("Add account"), type="primary", icon=":material/person_add:"):
        guard.dialog(_("Add account"), user_forms.add, {role.code: role.title for role in roles}, teams)
    if st.button(_("Add team"), icon=":material/group_add:"):
        guard.dialog(_("Add team"), user_forms.add_team, teams)

for account in accounts:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{feedback.escape(account.name)}**　{feedback.escape(account.username)}", width="stretch")
        feedback.badge(account.role.title, color="primary")
        if account.team:
            feedback.badge(account.team.name, color="gray")
        if not account.is_active:
            st.badge(_("disabled"), color="red")
        if account.is_locked():
            st.badge(_("locked"), color="orange")
        last = format_time(account.last_sign_in_at)
        st.caption(_("last sign-in {time}").format(time=last) if last else _("never signed in"), width="content")
        if st.button(_("Edit"), key=f"user_{account.id}", icon=":material/edit:", type="tertiary"):
            guard.dialog(_("Edit account"), user_forms.edit, account, {role.code: role.title for role in roles}, teams)
