"""Accounts: who may sign in, with which role, in which team."""

import streamlit as st

from crm_core.i18n import _, format_time
from crm_core.permissions import Permission
from crm_core.services import lockout, roles, teams, users
from ui import feedback, guard, header, session_list, user_forms

actor = guard.page(Permission.USER_EDIT)
header.title(_("Accounts"))

with guard.reading() as session:
    accounts, places = users.list_users(session, actor), teams.list_teams(session)
    titles = {role.code: role.title for role in roles.list_roles(session) if roles.is_within(actor, role)}
    locked = lockout.locked_accounts(session, actor, [account.username for account in accounts])

if st.button(_("Add account"), type="primary", icon=":material/person_add:"):
    guard.dialog(_("Add account"), user_forms.add, titles, places)

for account in accounts:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{feedback.escape(account.name)}**　{feedback.escape(account.username)}", width="stretch")
        feedback.badge(account.role.title, color="primary")
        if account.team:
            feedback.badge(account.team.name, color="gray")
        if not account.is_active:
            st.badge(_("disabled"), color="red")
        if account.totp_confirmed_at:
            st.badge(_("two-step verification"), color="green")
        if account.username in locked:
            st.badge(_("locked"), color="orange")
        if account.blocked_at:
            st.badge(_("blocked"), color="red")
        last = format_time(account.last_sign_in_at)
        with st.container(horizontal=True, width="content", vertical_alignment="center"):  # on a phone they share a row
            st.caption(_("last sign-in {time}").format(time=last) if last else _("never signed in"), width="content")
            if st.button(_("Sessions"), key=f"sessions_{account.id}", icon=":material/devices:", type="tertiary"):
                guard.dialog(_("Sessions"), session_list.draw, account.id)
            if st.button(_("Edit"), key=f"user_{account.id}", icon=":material/edit:", type="tertiary"):
                guard.dialog(_("Edit account"), user_forms.edit, account, titles, places)
