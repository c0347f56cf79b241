"""客户全景: everything known about one customer, and what can be done with it."""

import streamlit as st

from crm_core.i18n import _, format_date, format_money, join_words
from crm_core.permissions import Permission
from crm_core.services import activity, contacts, customer_changes, library, merges, oversight, recycling, tag_rules, tags, users
from ui import (
    attachment_list,
    badges,
    contact_list,
    contract_list,
    customer_actions,
    customer_opening,
    customer_sheet,
    feedback,
    follow_up_tab,
    guard,
    header,
    history_list,
    holding,
    merge_form,
    owner_history,
    standing_badges,
    task_list,
    timeline_list,
)

actor = guard.page(Permission.CUSTOMER_READ)

with customer_opening.opened(_("Customer")) as (session, customer):
    entries, names = library.get_library(session), users.user_names(session)
    deadline = recycling.deadline_of(session, customer)
    own_tags, reasons = tags.tags_of(session, customer.id), tag_rules.tag_reasons(session, customer.id)
    days = activity.last_days(session, customer)
    lacks_step = oversight.lacks_next_step(session, actor, customer)
    merged = merges.list_merges(session, actor, customer.id)
    missing = customer_changes.what_is_missing(session, customer) if customer.is_incomplete else []

may_edit = actor.can(Permission.CUSTOMER_EDIT) and customer.is_listed
header.title(feedback.escape(customer.name))
with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    tier = customer.tier if "tier" in entries.fields else None
    with st.container(width="content"):
        badges.customer_badges(
            customer.stage,
            customer.kind,
            tier,
            is_incomplete=customer.is_incomplete,
            is_on_hold=customer.is_on_hold,
            tags=own_tags,
            reasons=reasons,
            standing=lambda: standing_badges.draw(customer, days, lacks_step=lacks_step),
        )
    customer_actions.draw(customer)
badges.deadline_badge(deadline)
if not customer.is_listed:
    holding.draw_archived(customer)
merge_form.draw_merged(customer, merged)
if missing and customer.is_listed:
    st.warning(
        _("Still missing: {fields}. Press Edit or add a contact to complete them.").format(fields=join_words(missing)),
        icon=":material/edit_note:",
    )

with st.grid(4, min_column_width=150):
    st.metric(_("Total cooperation amount"), format_money(customer.cooperation_amount) or "—", border=True)
    st.metric(_("Latest cooperation on"), format_date(customer.last_cooperated_on) or "—", border=True)
    if "first_contact_on" in entries.fields:
        st.metric(_("First contact on"), format_date(customer.first_contact_on) or "—", border=True)
    owner = _("Pool") if customer.pooled_at else names.get(customer.owner_id or 0, "—")
    st.metric(_("Owner"), feedback.escape(owner), border=True)

left, right = st.columns([2, 3], gap="medium")
with left:
    customer_sheet.draw(customer, entries, names)
with right:
    follow_up_tab.open_asked(customer)
    sees_contracts = actor.can(Permission.CONTRACT_READ)
    names_of_tabs = [
        _("Follow-ups"),
        _("Contacts"),
        _("Timeline"),
        _("Tasks"),
        _("Attachments"),
        _("Change log"),
    ]
    names_of_tabs[3:3] = [_("Contracts")] if sees_contracts else []
    tab_follow_ups, tab_contacts, tab_timeline, *tabs_of_contracts, tab_tasks, tab_files, tab_history = st.tabs(
        names_of_tabs, on_change="rerun", key="detail_tab"
    )
    if tab_follow_ups.open:
        with tab_follow_ups:
            guard.fragment(follow_up_tab.draw)(customer)
    if tab_contacts.open:
        with tab_contacts:
            with guard.reading() as session:
                people = contacts.list_contacts(session, actor, customer.id)
            contact_list.draw(customer, people, entries, may_edit=may_edit)
    if tab_timeline.open:
        with tab_timeline:
            guard.fragment(timeline_list.draw)(customer.id)
    for tab_contracts in tabs_of_contracts:
        if tab_contracts.open:
            with tab_contracts:
                contract_list.draw_for(customer)
    if tab_tasks.open:
        with tab_tasks:
            task_list.draw_for(customer)
    if tab_files.open:
        with tab_files:
            guard.fragment(attachment_list.draw)(customer_id=customer.id, may_edit=may_edit)
    if tab_history.open:
        with tab_history:
            owner_history.draw(customer.id)
            guard.fragment(history_list.draw)(customer.id)
