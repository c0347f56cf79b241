"""One ticket: what it says, everything that happened with it, and what comes next."""

import streamlit as st

from crm_core.i18n import _
from crm_core.permissions import Permission
from crm_core.services import library, ticket_list
from ui import feedback, guard, header, routes, ticket_seen, ticket_sheet, ticket_thread

actor = guard.page(Permission.TICKET_READ)
code = st.query_params.get("ticket", "")
if not code:
    header.title(_("Ticket"))
    feedback.empty_state("confirmation_number", _("No ticket chosen"), _("A ticket opens from the list of tickets, or from its notice."))
    if st.button(_("Tickets"), icon=":material/arrow_back:"):
        st.switch_page(routes.TICKETS)
    st.stop()

with feedback.attempt() as opening, guard.reading() as session:
    ticket = ticket_list.get_ticket(session, actor, code)
    entries = library.get_library(session)
if not opening.succeeded:
    header.title(_("Ticket"))
    if st.button(_("Tickets"), icon=":material/arrow_back:"):
        st.switch_page(routes.TICKETS)
    st.stop()

header.title(feedback.escape(ticket.name))
is_same = ticket_seen.look(ticket)
ticket_sheet.draw_head(ticket, is_same=is_same)
left, right = st.columns([2, 3], gap="medium")
with left:
    ticket_sheet.draw_facts(ticket, entries)
    ticket_thread.draw_files(ticket)
with right:
    ticket_thread.draw(ticket, is_same=is_same)
