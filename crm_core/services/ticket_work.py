"""Work on tickets: answers and notes, the moves of `TICKET_MOVES`, satisfaction, and closing what nobody speaks of any more."""

from datetime import timedelta

from sqlalchemy import select

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.errors import IllegalTransition, ValidationFailed
from crm_core.i18n import _
from crm_core.models import SCORES, TICKET_MOVES, TICKET_STATES, Ticket, TicketAnswer, TicketMove, TicketState
from crm_core.models.ticket import LONGEST_TEXT, RUNNING, SOLVED
from crm_core.permissions import SYSTEM, Actor
from crm_core.services.service_figures import keep_figures
from crm_core.services.service_hours import get_service_policy
from crm_core.services.tickets import lock_ticket, refuse_others, step, tell_reopened
from crm_core.validation import check_length, clean_text

LONGEST_REMARK = 500
AT_ONCE = 200
"""So many tickets are closed in one transaction."""


def move_ticket(session: CrmSession, actor: Actor, ticket_id: int, move: TicketMove, *, content: str = "", version: int) -> Ticket:
    """Make a move, with the text that it demands: the solution, a reason.

    Raises `ValidationFailed` without the text, `IllegalTransition` for a move that the state does not allow, `NotAllowed`, `NotFound`,
    `Conflict` with the present state if somebody was faster.
    """
    ticket, customer = lock_ticket(session, actor, ticket_id, version=version)
    if TICKET_MOVES[move].by_handler:
        refuse_others(session, actor, ticket)
    written = _checked_text(content, TICKET_MOVES[move].missing) if move in ticket.moves else ""
    step(session, actor, ticket, move, written or None)
    keep_figures(session, [customer.id])
    if move is TicketMove.REOPEN:
        tell_reopened(session, actor, ticket, customer)
    return ticket


def answer_ticket(session: CrmSession, actor: Actor, ticket_id: int, content: str, *, version: int) -> TicketAnswer:
    """Answer the customer; with the first answer work begins. Raises as `move_ticket` does."""
    ticket, customer = lock_ticket(session, actor, ticket_id, version=version)
    refuse_others(session, actor, ticket)
    if ticket.state in SOLVED:
        sentence = _("This ticket is in the state “{state}”. Reopen it to answer, or leave a note.")
        raise IllegalTransition(sentence.format(state=_(TICKET_STATES[TicketState(ticket.state)])))
    answer = _add(session, actor, ticket, content, is_public=True)
    if ticket.state in RUNNING and ticket.state != TicketState.DOING:
        step(session, actor, ticket, TicketMove.BEGIN)
    ticket.served_at = answer.at
    keep_figures(session, [customer.id])
    return answer


def note_ticket(session: CrmSession, actor: Actor, ticket_id: int, content: str, *, version: int) -> TicketAnswer:
    """Leave a note for colleagues, in any state: all who work on tickets may. Raises as `move_ticket` does."""
    ticket, _customer = lock_ticket(session, actor, ticket_id, version=version)
    return _add(session, actor, ticket, content, is_public=False)


def rate_ticket(session: CrmSession, actor: Actor, ticket_id: int, score: int | None, *, remark: str = "", version: int) -> Ticket:
    """Keep what the customer said when asked how satisfied they are, from 1 to 5; all who work on tickets may.

    Raises `ValidationFailed`, `IllegalTransition` while the ticket is not resolved, `NotAllowed`, `NotFound`, `Conflict`.
    """
    ticket, customer = lock_ticket(session, actor, ticket_id, version=version)
    if ticket.state not in SOLVED:
        sentence = _("This ticket is in the state “{state}”. Ask for the satisfaction once it is resolved.")
        raise IllegalTransition(sentence.format(state=_(TICKET_STATES[TicketState(ticket.state)])))
    errors = {} if score in SCORES else {"satisfaction": [_("Choose a score from 1 to 5.")]}
    clean = clean_text(remark, lines=True)
    try:
        check_length(clean, LONGEST_REMARK)
    except ValueError as problem:
        errors["remark"] = [str(problem)]
    if errors:
        raise ValidationFailed(errors)
    ticket.satisfaction, ticket.satisfaction_remark = score, clean or None
    ticket.served_at = clock.now()
    keep_figures(session, [customer.id])
    return ticket


def close_resolved(session: CrmSession) -> bool:
    """Close what was resolved so long ago that the customer is content; returns whether there is more of it. Safe to repeat."""
    until = clock.now() - timedelta(days=get_service_policy(session)[0].close_days)
    over = select(Ticket).where(Ticket.state == TicketState.RESOLVED, Ticket.resolved_at < until).order_by(Ticket.resolved_at, Ticket.id)
    found = session.execute(over.limit(AT_ONCE).with_for_update()).scalars().all()
    for ticket in found:
        step(session, SYSTEM, ticket, TicketMove.CLOSE)
    session.flush()
    return len(found) == AT_ONCE


def _add(session: CrmSession, actor: Actor, ticket: Ticket, content: str, *, is_public: bool) -> TicketAnswer:
    clean = _checked_text(content, _("Write something first."))
    answer = TicketAnswer(ticket_id=ticket.id, author_id=actor.id or 0, at=clock.now(), is_public=is_public, content=clean)
    session.add(answer)
    ticket.updated_at = answer.at  # a new version: whoever answers the same at the same time sees this one first
    session.flush()
    return answer


def _checked_text(content: str, missing: str) -> str:
    """The clean text; `missing` is said where there is none, and none is needed without it."""
    clean = clean_text(content, lines=True)
    if missing and not clean:
        raise ValidationFailed({"content": [_(missing)]})
    try:
        return check_length(clean, LONGEST_TEXT)
    except ValueError as problem:
        raise ValidationFailed({"content": [str(problem)]}) from problem
