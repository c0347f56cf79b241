"""工单: the tickets in one's scope, mine, nobody's and all, searched and filtered, and a new one for any customer."""

import streamlit as st

from crm_core.i18n import N_, _, plural
from crm_core.permissions import Permission
from crm_core.services import library, ticket_list
from crm_core.services.ticket_list import TicketPage
from ui import export_dialog, feedback, guard, header, list_footer, ticket_cards, ticket_filters, ticket_form

actor = guard.page(Permission.TICKET_READ)
header.title(_("Tickets"))


@guard.fragment
def draw_list() -> None:
    """The filters and the tickets they find; only this part runs again when a filter changes."""
    with guard.reading() as session:
        filters = ticket_filters.Filters(guard.actor(), library.get_library(session), ticket_list.holders(session, guard.actor()))
        query = filters.draw(draw_tools)
        page = ticket_list.list_tickets(session, guard.actor(), query)
    for ticket in page.rows:
        ticket_cards.draw(ticket)
    if page.rows:
        draw_footer(page)
    elif filters.is_active():
        feedback.empty_state("search_off", _("No ticket matches"), _("Try fewer words or filters."))
        st.button(_("Clear all filters"), icon=":material/filter_list_off:", on_click=filters.clear)
    else:
        hint = _("What customers ask, complain of or wish is entered as a ticket.")
        if filters.is_mine:
            hint = _("No ticket waits for you. Choose All tickets to see those of everybody.")
        feedback.empty_state("confirmation_number", _("No tickets here"), hint)
    export_dialog.open_asked("tickets", query)
    filters.keep()


def draw_tools() -> None:
    """The button that enters a ticket."""
    if guard.actor().can(Permission.TICKET_WRITE) and st.button(_("Add ticket"), type="primary", icon=":material/add:"):
        ticket_form.open_new()


def draw_footer(page: TicketPage) -> None:
    """How many there are, the export, and the other pages."""
    count = _("more than {total} tickets") if page.is_capped else plural(page.total, N_("{total} ticket"), N_("{total} tickets"))
    list_footer.draw(count.format(total=f"{page.total:,}"), page.pages, page.page, export="tickets")


draw_list()
