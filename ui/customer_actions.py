"""The actions on a customer's page: edit, tags, delete."""

import streamlit as st

from crm_core.i18n import _
from crm_core.permissions import Permission
from crm_core.services import customers, tags
from crm_core.visibility import View
from ui import feedback, forms, guard, routes
from ui.feedback import escape


def draw(customer: View, own_tags: list[str]) -> None:
    """The row of buttons; each only for those who may."""
    actor = guard.actor()
    with st.container(horizontal=True, width="content", gap="small"):
        if actor.can(Permission.CUSTOMER_EDIT):
            if st.button(_("Edit"), type="primary", icon=":material/edit:"):
                st.switch_page(routes.EDIT, query_params={"code": customer.code})
            if st.button(_("Tags"), icon=":material/sell:"):
                guard.dialog(_("Tags"), _edit_tags, customer.code, own_tags)
        if actor.can(Permission.CUSTOMER_DELETE) and st.button(_("Delete"), icon=":material/delete:"):
            guard.dialog(_("Delete customer"), _confirm_delete, customer.id, customer.name)


def _edit_tags(code: str, own_tags: list[str]) -> None:
    with guard.reading() as session:
        known = sorted({*tags.list_tags(session).values(), *own_tags})
    chosen = st.multiselect(_("Tags"), known, default=own_tags, accept_new_options=True, placeholder=_("Choose or type"), key="tag_choice")
    if forms.decide(_("Save")):
        with feedback.attempt() as outcome, guard.acting() as session:
            tags.set_tags(session, guard.actor(), code, chosen)
        if outcome.succeeded:
            st.rerun()


def _confirm_delete(customer_id: int, name: str) -> None:
    st.markdown(escape(_("Move {name} with its contacts and files to the recycle bin? You can undo this.").format(name=name)))
    reason = st.text_input(_("Reason"), key="delete_reason")
    if forms.decide(_("Delete"), icon=":material/delete:"):
        with feedback.attempt() as outcome, guard.acting() as session:
            customers.delete_customer(session, guard.actor(), customer_id, reason=reason)
        if outcome.succeeded:
            st.session_state["deleted_customer"] = (customer_id, name)
            st.switch_page(routes.CUSTOMERS)


def offer_undo() -> None:
    """After a deletion: say what was deleted, and take it back on request."""
    if deleted := st.session_state.get("deleted_customer"):
        customer_id, name = deleted
        with st.container(horizontal=True, vertical_alignment="center", border=True):
            st.markdown(":material/delete: " + escape(_("{name} is in the recycle bin.").format(name=name)), width="stretch")
            if guard.actor().can(Permission.CUSTOMER_RESTORE) and st.button(_("Undo"), icon=":material/undo:"):
                with feedback.attempt() as outcome, guard.acting() as session:
                    customers.restore_customer(session, guard.actor(), customer_id)
                st.session_state.pop("deleted_customer")
                if outcome.succeeded:
                    feedback.later(_("{name} is back.").format(name=name))
                    st.rerun()
            if st.button(_("Close"), icon=":material/close:", type="tertiary"):
                st.session_state.pop("deleted_customer")
                st.rerun()
