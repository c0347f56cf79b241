"""Teams: the tree of who belongs where, with its heads."""

import streamlit as st

from crm_core.i18n import _
from crm_core.permissions import Permission
from crm_core.services import teams, users
from ui import feedback, guard, header, team_forms

actor = guard.page(Permission.USER_EDIT)
header.title(_("Teams"))

with guard.reading() as session:
    tree, people = teams.list_tree(session, actor), users.user_names(session)
    active = {account.id: account.name for account in users.list_users(session, actor) if account.is_active}

names = {team.id: team.name for team in tree}
if st.button(_("Add team"), type="primary", icon=":material/group_add:"):
    guard.dialog(_("Add team"), team_forms.edit, None, names, active)
if not tree:
    feedback.empty_state("groups", _("No teams yet"), _("Add the first team; a role may then see the customers of its own team and below."))
for team in tree:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(("└" + "──" * team.depth + " " if team.depth else "") + f"**{feedback.escape(team.name)}**", width="stretch")
        if team.head_id:
            feedback.badge(_("Head: {name}").format(name=people[team.head_id]), color="primary")
        with st.container(horizontal=True, width="content", vertical_alignment="center"):  # on a phone they share a row
            st.caption(_("Members: {count}").format(count=team.members), width="content")
            if st.button(_("Edit"), key=f"team_{team.id}", icon=":material/edit:", type="tertiary"):
                heads = active | ({team.head_id: people[team.head_id]} if team.head_id else {})
                guard.dialog(_("Edit team"), team_forms.edit, team, names, heads)
