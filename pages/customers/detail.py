"""客户全景: everything known about one customer, and what can be done with it."""

import streamlit as st

from crm_core.i18n import _, format_date, format_money, join_words
from crm_core.permissions import Permission
from crm_core.services import customer_changes, library, merges, oversight, recycling, tag_rules, users
from crm_core.services.churn import risks
from ui import (
    badges,
    cards,
    churn_list,
    customer_actions,
    customer_head,
    customer_opening,
    customer_sheet,
    customer_tabs,
    feedback,
    guard,
    header,
    holding,
    merge_form,
    standing_badges,
    ticket_cards,
)

actor = guard.page(Permission.CUSTOMER_READ)

with customer_opening.opened(_("Customer")) as (session, customer):
    entries, names = library.get_library(session), users.user_names(session)
    deadline = recycling.deadline_of(session, customer)
    own_tags = tag_rules.explained_tags(session, customer.id)
    lacks_step = oversight.lacks_next_step(session, actor, customer)
    risk = risks.score_of(session, actor, customer)
    merged = merges.list_merges(session, actor, customer.id)
    missing = customer_changes.what_is_missing(session, customer) if customer.is_incomplete else []

header.title(feedback.escape(customer.name))
customer_head.draw(
    badges.of_customer(
        customer.stage,
        customer.kind,
        is_incomplete=customer.is_incomplete,
        is_on_hold=customer.is_on_hold,
        tags=own_tags,
        standing=standing_badges.made(customer, lacks_step=lacks_step),
    ),
    [*([(badges.deadline(deadline), [])] if deadline else []), *([churn_list.tell_for(risk)] if risk else [])],
    customer_actions.edit_of(customer),
    customer_actions.menu_of(customer),
)
if not customer.is_listed:
    holding.draw_archived(customer)
merge_form.draw_merged(customer, merged)
if missing and customer.is_listed:
    st.warning(
        _("Still missing: {fields}. Press Edit or add a contact to complete them.").format(fields=join_words(missing)),
        icon=":material/edit_note:",
    )

cards.figures(
    {
        _("Total cooperation amount"): format_money(customer.cooperation_amount) or "—",
        _("Latest cooperation on"): format_date(customer.last_cooperated_on) or "—",
        **({_("First contact on"): format_date(customer.first_contact_on) or "—"} if "first_contact_on" in entries.fields else {}),
        _("Owner"): _("Pool") if customer.pooled_at else names.get(customer.owner_id or 0, "—"),
    }
)
ticket_cards.draw_figures(customer)

left, right = st.columns([2, 3], gap="medium")
with left:
    customer_sheet.draw(customer, entries, names)
with right:
    customer_tabs.draw(customer)
