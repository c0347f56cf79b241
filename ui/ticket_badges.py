"""States of tickets as badges, and their facts in words; the same in lists, on the customer's page and on their own."""

import streamlit as st

from crm_core.i18n import _, format_time
from crm_core.models import SCORES, TICKET_PRIORITIES, TICKET_STATES, TICKET_TYPES, TicketState
from crm_core.services.ticket_list import Listed

STATE_COLOURS = {"new": "blue", "doing": "primary", "waiting": "gray", "resolved": "green", "closed": "gray", "reopened": "orange"}
TYPE_ICONS = {"inquiry": "help", "complaint": "sentiment_dissatisfied", "request": "lightbulb"}
PRIORITY_COLOURS = {"urgent": "red", "high": "orange", "low": "gray"}


def draw(ticket: Listed) -> None:
    """Its states, as far as they say something."""
    st.badge(_(TICKET_STATES[TicketState(ticket.state)]), color=STATE_COLOURS[ticket.state])
    if ticket.is_overdue:
        text = _("Resolved too late") if ticket.is_solved else _("Overdue")
        st.badge(text, color="gray" if ticket.is_solved else "red", icon=":material/alarm:")
    st.badge(
        _(TICKET_TYPES[ticket.type]), color="red" if ticket.type == "complaint" else "gray", icon=f":material/{TYPE_ICONS[ticket.type]}:"
    )
    if ticket.priority in PRIORITY_COLOURS and not ticket.is_solved:
        text = _("Priority: {priority}").format(priority=_(TICKET_PRIORITIES[ticket.priority]))
        st.badge(text, color=PRIORITY_COLOURS[ticket.priority])
    if ticket.reopened > (ticket.state == TicketState.REOPENED):
        st.badge(_("Reopened: {count}").format(count=ticket.reopened), color="orange", icon=":material/replay:")
    if ticket.satisfaction:
        st.badge(score(ticket.satisfaction), color="green" if ticket.satisfaction > 3 else "orange", icon=":material/star:")


def score(satisfaction: int) -> str:
    """A score in words."""
    return f"{satisfaction} · " + _(SCORES[satisfaction])


def when(ticket: Listed) -> str:
    """Until when it has to be resolved, or when it was."""
    if ticket.resolved_at:
        return _("Resolved {time}").format(time=format_time(ticket.resolved_at))
    if ticket.waiting_since:
        return _("Waiting for the customer since {time}").format(time=format_time(ticket.waiting_since))
    return _("Due {time}").format(time=format_time(ticket.due_at))


def who(ticket: Listed) -> str:
    """Who has it."""
    return _("Handler: {name}").format(name=ticket.handler) if ticket.handler_id else _("Nobody has it yet")
