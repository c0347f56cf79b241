"""The administrator's dialogs for roles: adding one, as a copy if wanted, and deleting one."""

import streamlit as st

from crm_core.i18n import _
from crm_core.models import Role
from crm_core.services import roles
from ui import feedback, forms, guard


def add(present: list[Role], copy_of: int | None) -> None:
    """A new role; without another one to copy it allows nothing yet."""
    titles = {role.id: role.title for role in present}
    name = st.text_input(forms.required(_("Name")), key=guard.key("new_role_name"))
    source = st.selectbox(
        _("Copy what this role allows"),
        list(titles),
        index=None if copy_of is None else list(titles).index(copy_of),
        format_func=lambda number: titles[number],
        placeholder=_("Nothing: begin with an empty role"),
        key=guard.key("new_role_source"),
    )
    if forms.decide(_("Create role")):
        with feedback.attempt() as outcome, guard.acting() as session:
            made = roles.create_role(session, guard.actor(), name=name, copy_of=source)
            st.session_state["role_to_show"] = made.id
        if outcome.succeeded:
            st.rerun()


def confirm_delete(role: Role) -> None:
    """Ask before a role is deleted."""
    st.markdown(feedback.escape(_("Delete the role “{name}”? This cannot be undone.").format(name=role.title)))
    if forms.decide(_("Delete"), icon=":material/delete:"):
        with feedback.attempt() as outcome, guard.acting() as session:
            roles.delete_role(session, guard.actor(), role.id)
        if outcome.succeeded:
            st.rerun()
