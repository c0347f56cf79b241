"""Editing a customer: the fields of its nature and type, a reason for corrections, and a choice when two edit at once."""

import streamlit as st

from crm_core.i18n import _
from crm_core.permissions import Permission
from crm_core.services import library
from ui import badges, customer_opening, edit_form, feedback, guard, header

guard.page(Permission.CUSTOMER_EDIT)

with customer_opening.opened(_("Edit customer")) as (session, customer):
    entries = library.get_library(session)

header.title(feedback.escape(customer.name))
badges.customer_badges(customer.stage, customer.kind, customer.tier, is_incomplete=customer.is_incomplete)
edit_form.open_record(customer, entries)


@guard.fragment
def edit() -> None:
    """The form, or both versions once somebody else was faster."""
    if edit_form.has_conflict():
        edit_form.draw_conflict(customer.id, customer.code, entries)
        return
    edit_form.draw_found()
    edit_form.draw(entries)
    edit_form.keep(entries)
    with st.container(horizontal=True, key="action_bar"):
        if st.button(_("Save"), type="primary", icon=":material/check:"):
            edit_form.save(customer.id, customer.code, entries)
        if st.button(_("Cancel")):
            edit_form.leave(customer.code)


edit()
