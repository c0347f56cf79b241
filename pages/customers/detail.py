"""客户全景: everything known about one customer, and what can be done with it."""

import streamlit as st

from crm_core.i18n import _, format_date, format_money, join_words
from crm_core.permissions import Permission
from crm_core.services import contacts, customer_changes, library, tags, users
from ui import (
    attachment_list,
    badges,
    contact_list,
    customer_actions,
    customer_opening,
    customer_sheet,
    feedback,
    guard,
    header,
    history_list,
)

actor = guard.page(Permission.CUSTOMER_READ)
may_edit = actor.can(Permission.CUSTOMER_EDIT)

with customer_opening.opened(_("Customer")) as (session, customer):
    people = contacts.list_contacts(session, actor, customer.id)
    entries, names = library.get_library(session), users.user_names(session)
    own_tags = tags.tags_of(session, customer.id)
    missing = customer_changes.what_is_missing(session, customer) if customer.is_incomplete else []

header.title(feedback.escape(customer.name))
with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    tier = customer.tier if "tier" in entries.fields else None
    badges.customer_badges(customer.stage, customer.kind, tier, is_incomplete=customer.is_incomplete, tags=own_tags)
    customer_actions.draw(customer)
if missing:
    st.warning(
        _("Still missing: {fields}. Press Edit or add a contact to complete them.").format(fields=join_words(missing)),
        icon=":material/edit_note:",
    )

with st.grid(4, min_column_width=150):
    st.metric(_("Total cooperation amount"), format_money(customer.cooperation_amount) or "—", border=True)
    st.metric(_("Latest cooperation on"), format_date(customer.last_cooperated_on) or "—", border=True)
    if "first_contact_on" in entries.fields:
        st.metric(_("First contact on"), format_date(customer.first_contact_on) or "—", border=True)
    st.metric(_("Owner"), feedback.escape(names.get(customer.owner_id or 0, "—")), border=True)

left, right = st.columns([2, 3], gap="medium")
with left:
    customer_sheet.draw(customer, entries, names)
with right:
    tab_contacts, tab_files, tab_history = st.tabs([_("Contacts"), _("Attachments"), _("Change log")], on_change="rerun", key="detail_tab")
    if tab_contacts.open:
        with tab_contacts:
            contact_list.draw(customer, people, entries, may_edit=may_edit)
    if tab_files.open:
        with tab_files:
            guard.fragment(attachment_list.draw)(customer_id=customer.id, may_edit=may_edit)
    if tab_history.open:
        with tab_history:
            history_list.draw(customer.id)
