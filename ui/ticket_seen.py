"""Whether a ticket is still as it was when it was shown: what somebody pressed meant that one."""

from crm_core.services import tickets
from crm_core.services.ticket_list import Listed
from ui import feedback, last_look

KIND = "ticket"


def look(ticket: Listed) -> bool:
    """Say so where somebody else changed it since the last run of the page; what was pressed there does not count then."""
    is_same = last_look.is_same(KIND, ticket.id, ticket.version)
    if not is_same:
        feedback.refusal(tickets.meanwhile(ticket.state, ticket.handler))
    return is_same


def forget() -> None:
    """What comes next is the user's own doing, or another visit."""
    last_look.forget(KIND)
