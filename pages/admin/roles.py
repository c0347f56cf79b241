"""Roles: what each may do, whose customers it sees, how sensitive values reach it."""

import streamlit as st

from crm_core.i18n import _
from crm_core.permissions import Permission
from crm_core.services import roles
from ui import browser, guard, header, role_editor, role_forms

actor = guard.page(Permission.ROLE_EDIT)
header.title(_("Roles"))

with guard.reading() as session:
    present, accounts = roles.list_roles(session), roles.count_accounts(session)

edit = role_editor.open_edit(present)
by_id = {role.id: role for role in present}
within = [role for role in present if roles.is_within(actor, role)]
if (wanted := st.session_state.pop("role_to_show", None)) in by_id:
    st.session_state["role_shown"] = wanted

with st.container(horizontal=True, vertical_alignment="center"):
    if st.button(_("Add role"), type="primary", icon=":material/add:"):
        guard.dialog(_("Add role"), role_forms.add, within, None)
    views = {"all": _("All roles"), "one": _("One role")}
    view = st.segmented_control(
        _("View"),
        list(views),
        format_func=lambda code: views[code],
        default="one" if browser.is_phone() else "all",
        required=True,
        key="roles_view",
        label_visibility="collapsed",
    )

if view == "all":
    role_editor.draw_grid(edit, present)
with st.container(border=True):
    with st.container(horizontal=True, vertical_alignment="bottom"):
        shown = by_id[st.selectbox(_("Role"), list(by_id), format_func=lambda number: edit.base[number].name, key="role_shown")]
        if shown in within and st.button(_("Copy"), icon=":material/content_copy:"):
            guard.dialog(_("Add role"), role_forms.add, within, shown.id)
        if shown in within and not roles.is_built_in(shown) and st.button(_("Delete"), icon=":material/delete:", type="tertiary"):
            guard.dialog(_("Delete role"), role_forms.confirm_delete, shown)
    st.caption(_("Accounts with this role: {count}").format(count=accounts.get(shown.id, 0)))
    role_editor.draw_role(edit, shown, with_permissions=view == "one")
role_editor.draw_changes(edit)
