"""Tickets as rows: in the list, and those of a customer with what they come to."""

import streamlit as st

from crm_core import clock
from crm_core.i18n import _, format_age
from crm_core.models import TicketState
from crm_core.permissions import Permission
from crm_core.services import ticket_list
from crm_core.services.ticket_list import Listed, TicketQuery
from crm_core.visibility import View
from ui import feedback, guard, routes, ticket_badges, ticket_form, ticket_seen
from ui.feedback import escape
from ui.ticket_badges import TYPE_ICONS


def draw_for(customer: View) -> None:
    """The tickets of one customer, what has to be done first, and the button that enters one."""
    key = f"customer_tickets_{customer.id}"
    query = TicketQuery(customer_id=customer.id, states=tuple(TicketState), page=int(st.session_state.get(key) or 1))
    with guard.reading() as session:
        page = ticket_list.list_tickets(session, guard.actor(), query)
    if customer.is_listed and guard.actor().can(Permission.TICKET_WRITE) and st.button(_("Add ticket"), icon=":material/add:"):
        ticket_form.open_new(customer.id)
    for ticket in page.rows:
        draw(ticket, with_customer=False)
    if not page.rows:
        hint = _("Enter what this customer asks, complains of or wishes.")
        feedback.empty_state("confirmation_number", _("No tickets yet"), hint)
    if page.pages > 1:
        st.pagination(page.pages, key=key)


def draw_figures(customer: View) -> None:
    """What the tickets of a customer come to, as one line; nothing where there never was one."""
    if customer.last_service_at is None or not guard.actor().can(Permission.TICKET_READ):
        return
    score = _("{score} of 5 ({count})").format(score=f"{customer.satisfaction:.1f}", count=customer.ratings) if customer.ratings else "—"
    shown = (
        (_("Complaints"), str(customer.complaints)),
        (_("Latest service"), format_age(clock.day_of(customer.last_service_at), clock.today())),
        (_("Satisfaction"), score),
    )
    with st.container(key="service_figures", border=True, horizontal=True, gap="large"):
        for label, value in shown:
            st.markdown(f":gray[{label}] **{escape(value)}**", width="content")


def draw(ticket: Listed, *, with_customer: bool = True) -> None:
    """One row, its title opening the ticket."""
    with st.container(border=True, key=f"ticket_{ticket.id}", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            icon = f":material/{TYPE_ICONS[ticket.type]}:"
            if st.button(f"**{escape(ticket.name)}**", key=f"ticket_open_{ticket.id}", icon=icon, type="tertiary"):
                open_ticket(ticket.code)
            ticket_badges.draw(ticket)
            whose = ticket.customer if with_customer else ticket.contact
            parts = [ticket.code, whose, ticket_badges.who(ticket), ticket_badges.when(ticket)]
            st.caption(escape(" · ".join(part for part in parts if part)), width="stretch")


def open_ticket(code: str) -> None:
    """Go to the page of a ticket."""
    ticket_seen.forget()
    st.switch_page(routes.TICKET, query_params={"ticket": code})
