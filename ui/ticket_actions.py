"""What can be done with a ticket: the button that comes next, the menu of everything else, and what their dialogs ask."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from crm_core.i18n import N_, _
from crm_core.models import SCORES, TICKET_MOVES, TicketMove, TicketState
from crm_core.permissions import Permission
from crm_core.services import ticket_work, tickets
from crm_core.services.ticket_list import Listed
from ui import feedback, forms, guard, ticket_badges, ticket_form, ticket_seen

ICONS = {
    TicketMove.BEGIN: "play_arrow",
    TicketMove.WAIT: "hourglass_empty",
    TicketMove.RESUME: "play_arrow",
    TicketMove.RESOLVE: "task_alt",
    TicketMove.CLOSE: "lock",
    TicketMove.REOPEN: "replay",
}


@dataclass(frozen=True)
class Action:
    """One action: for which tickets, and what it does."""

    label: str
    icon: str
    fits: Callable[[Listed], bool]
    do: Callable[[Listed], None]


def draw(ticket: Listed, *, is_same: bool) -> None:
    """The button of what comes next, and the menu of the rest; nothing for those who only read.

    Unless it `is_same` as it was shown, nothing is done: it has changed under the hand that pressed.
    """
    offered = {code: action for code, action in ACTIONS.items() if ticket.is_open and action.fits(ticket)}
    if not offered:
        return
    first = next((code for code in _next(ticket) if code in offered), "")
    with st.container(horizontal=True, width="content", gap="small"):
        is_pressed = first and st.button(
            _(offered[first].label), key="ticket_next", type="primary", icon=f":material/{offered[first].icon}:"
        )
        rest = [code for code in offered if code != first]
        chosen = st.menu_button(_("More"), rest, format_func=_entry, key="ticket_menu") if rest else None
    if is_same and (is_pressed or chosen):
        ACTIONS[chosen or first].do(ticket)


def _entry(code: str) -> str:
    return f":material/{ACTIONS[code].icon}: " + _(ACTIONS[code].label)


def _next(ticket: Listed) -> list[str]:
    """What usually comes next, by the state; the first that is possible."""
    usual = {
        TicketState.NEW: ["take", TicketMove.BEGIN],
        TicketState.REOPENED: ["take", TicketMove.BEGIN],
        TicketState.DOING: ["take", TicketMove.RESOLVE],
        TicketState.WAITING: ["take", TicketMove.RESUME],
        TicketState.RESOLVED: ["rate", TicketMove.CLOSE] if ticket.satisfaction is None else [TicketMove.CLOSE],
        TicketState.CLOSED: ["rate"] if ticket.satisfaction is None else [],
    }
    return usual[TicketState(ticket.state)]


def _allows(move: TicketMove) -> Callable[[Listed], bool]:
    def fits(ticket: Listed) -> bool:
        actor, way = guard.actor(), TICKET_MOVES[move]
        may = tickets.may_work(actor, ticket) if way.by_handler else actor.can(Permission.TICKET_WRITE)
        return may and ticket.state in way.sources

    return fits


def _moving(move: TicketMove) -> Callable[[Listed], None]:
    def do(ticket: Listed) -> None:
        if TICKET_MOVES[move].text:
            guard.dialog(_(TICKET_MOVES[move].label), _ask_text, ticket, move)
        else:
            _act(_("The ticket was moved on."), ticket_work.move_ticket, ticket, move=move)

    return do


def _may_take(ticket: Listed) -> bool:
    return ticket.handler_id is None and not ticket.is_solved and guard.actor().can(Permission.TICKET_WRITE)


def _take(ticket: Listed) -> None:
    _act(_("You have the ticket now."), tickets.take_ticket, ticket)


def _may_assign(ticket: Listed) -> bool:
    return not ticket.is_solved and guard.actor().can(Permission.TICKET_ASSIGN)


def _may_rate(ticket: Listed) -> bool:
    return ticket.is_solved and guard.actor().can(Permission.TICKET_WRITE)


def _act(sentence: str, do: Callable[..., object], ticket: Listed, **named: Any) -> None:
    """Do it with the ticket as it was shown, and show it as it is then."""
    with feedback.attempt() as outcome, guard.acting() as session:
        do(session, guard.actor(), ticket.id, version=ticket.version, **named)
    if outcome.succeeded:
        ticket_seen.forget()
        feedback.later(sentence)
        st.rerun()


def _ask_text(ticket: Listed, move: TicketMove) -> None:
    way = TICKET_MOVES[move]
    if move is TicketMove.WAIT:
        st.caption(_("Until you go on the clock stands still: the time of waiting does not count."))
    content = st.text_area(forms.required(_(way.text)), height=140, key=f"ticket_text_{move}_{ticket.id}")
    if forms.decide(_(way.label), icon=f":material/{ICONS[move]}:", back=_("Back")):
        _act(_("The ticket was moved on."), ticket_work.move_ticket, ticket, move=move, content=content)


def _ask_handler(ticket: Listed) -> None:
    with guard.reading() as session:
        able = tickets.handlers(session, ticket.customer_id)
    others = [number for number in able if number != ticket.handler_id]
    if not others:
        st.caption(_("Nobody else works on tickets and sees this customer."))
        return
    chosen = st.selectbox(_("Handler"), others, format_func=able.__getitem__, key=f"ticket_handler_{ticket.id}")
    if forms.decide(_("Assign"), icon=":material/person_add:"):
        _act(_("{name} has the ticket now.").format(name=able[chosen]), tickets.assign_ticket, ticket, handler_id=chosen)


def _ask_score(ticket: Listed) -> None:
    st.caption(_("What the customer said when you asked."))
    key = f"ticket_score_{ticket.id}_{ticket.version}"
    forms.begin_with(key, ticket.satisfaction)
    score = st.pills(forms.required(_("Satisfaction")), list(SCORES), format_func=ticket_badges.score, key=key)
    remark = st.text_area(
        _("Remark"), value=ticket.satisfaction_remark, height=80, max_chars=ticket_work.LONGEST_REMARK, key=f"ticket_remark_{ticket.id}"
    )
    if forms.decide(_("Save")):
        _act(_("The satisfaction was recorded."), ticket_work.rate_ticket, ticket, score=score, remark=remark)


ACTIONS: dict[str, Action] = {
    "take": Action(N_("Take it"), "pan_tool", _may_take, _take),
    **{move: Action(way.label, ICONS[move], _allows(move), _moving(move)) for move, way in TICKET_MOVES.items()},
    "rate": Action(N_("Record satisfaction"), "star", _may_rate, lambda ticket: guard.dialog(_("Record satisfaction"), _ask_score, ticket)),
    "assign": Action(N_("Assign"), "person_add", _may_assign, lambda ticket: guard.dialog(_("Assign"), _ask_handler, ticket)),
    "edit": Action(N_("Edit"), "edit", lambda ticket: tickets.may_work(guard.actor(), ticket), ticket_form.open_edit),
}
"""All actions in the order of the menu."""
