"""Whether a ticket is still as it was when it was shown: what somebody pressed meant that one."""

import streamlit as st

from crm_core.services import tickets
from crm_core.services.ticket_list import Listed
from ui import feedback

KEY = "ticket_seen"


def look(ticket: Listed) -> bool:
    """Say so where somebody else changed it since the last run of the page; what was pressed there does not count then."""
    seen = st.session_state.get(KEY)
    st.session_state[KEY] = (ticket.id, ticket.version)
    is_same = seen is None or seen[0] != ticket.id or seen[1] == ticket.version
    if not is_same:
        feedback.refusal(tickets.meanwhile(ticket.state, ticket.handler))
    return is_same


def forget() -> None:
    """What comes next is the user's own doing, or another visit."""
    st.session_state.pop(KEY, None)
