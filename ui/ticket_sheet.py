"""The head and the facts of one ticket on its page."""

import streamlit as st

from crm_core.i18n import _, format_time
from crm_core.models import TICKET_PRIORITIES
from crm_core.services.library import Library
from crm_core.services.ticket_list import Listed
from ui import cards, follow_up_fields, routes, ticket_actions, ticket_badges
from ui.feedback import escape


def draw_head(ticket: Listed, *, is_same: bool) -> None:
    """Its states at the left, what can be done with it at the right."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        with st.container(horizontal=True, gap="xsmall", width="content"):
            ticket_badges.draw(ticket)
        ticket_actions.draw(ticket, is_same=is_same)
    if not ticket.is_open:
        st.info(_("Its customer is archived: this ticket is for reading only."), icon=":material/inventory_2:")


def draw_facts(ticket: Listed, entries: Library) -> None:
    """Whose it is, what it says, and its dates."""
    with st.container(border=True, key="sheet_ticket", gap="small"):
        if st.button(f"**{escape(ticket.customer)}** :material/chevron_right:", key="ticket_customer", type="tertiary"):
            st.switch_page(routes.CUSTOMER, query_params={"code": ticket.customer_code})
        st.markdown("  \n".join(follow_up_fields.paragraphs(ticket.description)))
    with st.container(border=True):
        cards.pairs(_("Ticket"), {label: value for label, value in _facts(ticket, entries).items() if value})


def _facts(ticket: Listed, entries: Library) -> dict[str, str]:
    return {
        _("Ticket code"): ticket.code,
        _("Contact"): ticket.contact,
        _("Ticket category"): entries.label(ticket.category),
        _("Ticket source"): entries.label(ticket.source),
        _("Priority"): _(TICKET_PRIORITIES[ticket.priority]),
        _("Handler"): ticket.handler or _("Nobody yet"),
        _("To be resolved until"): "" if ticket.waiting_since else format_time(ticket.due_at),
        _("Waiting since"): format_time(ticket.waiting_since) if ticket.waiting_since else "",
        _("Resolved at"): format_time(ticket.resolved_at) if ticket.resolved_at else "",
        _("Satisfaction"): ticket_badges.score(ticket.satisfaction) if ticket.satisfaction else "",
        _("Remark on the satisfaction"): " ".join(ticket.satisfaction_remark.split()),
        _("Entered"): " · ".join((format_time(ticket.created_at), ticket.created_by)),
    }
