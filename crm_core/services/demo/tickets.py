"""Demo content of the service: a ticket in every state, with answers, solutions and what customers thought of them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.models import Customer, Ticket, TicketAnswer, TicketMove, TicketStep
from crm_core.permissions import Actor, Permission
from crm_core.scope import unscoped
from crm_core.services import ticket_reminders, ticket_work, tickets
from crm_core.services.actors import acting_as, list_actors
from crm_core.services.demo.rows import read_rows
from crm_core.services.service_figures import keep_figures

_STAGES = ("customer", "partner")
_PAUSE = timedelta(minutes=70)
"""Between two things that happen with a ticket."""
_BULK: dict[str, Any] = {**unscoped, "synchronize_session": False}
_MOVES: dict[str, Sequence[TicketMove]] = {
    "new": (),
    "assigned": (),
    "doing": (TicketMove.BEGIN,),
    "waiting": (TicketMove.BEGIN, TicketMove.WAIT),
    "resolved": (TicketMove.BEGIN, TicketMove.RESOLVE),
    "closed": (TicketMove.BEGIN, TicketMove.RESOLVE, TicketMove.CLOSE),
    "reopened": (TicketMove.BEGIN, TicketMove.RESOLVE, TicketMove.REOPEN),
}
"""How a ticket came to its state."""


def fill_tickets(session: CrmSession, actor: Actor) -> None:
    """The tickets of the demo, entered by those who work on them; nothing where nobody does, or no customer has bought anything."""
    people = [one for one in list_actors(session) if one.can(Permission.TICKET_WRITE) and not one.can(Permission.TICKET_ASSIGN)]
    clerk = people[0] if people else actor
    bought = select(Customer.id).where(Customer.is_listed, Customer.stage.in_(_STAGES)).order_by(Customer.id).limit(8)
    ids = list(session.execute(bought, execution_options=unscoped).scalars())
    if not ids or not clerk.can(Permission.TICKET_WRITE):
        return
    with acting_as(session, clerk):
        for place, row in enumerate(read_rows("tickets.csv")):
            _enter(session, clerk, ids[place % len(ids)], row)
    keep_figures(session, ids)
    ticket_reminders.tell_tickets(session)


def _enter(session: CrmSession, clerk: Actor, customer_id: int, row: dict[str, str]) -> None:
    values = {name: row[name] for name in ("type", "priority", "name", "description")}
    values |= {name: f"ticket_{name}.{row[name]}" for name in tickets.PRESETS}
    ticket = tickets.create_ticket(session, clerk, customer_id, values, handler_id=None if row["state"] == "new" else clerk.id)
    for move in _MOVES[row["state"]]:
        content = {TicketMove.RESOLVE: row["solution"], TicketMove.WAIT: row["answer"], TicketMove.REOPEN: row["description"]}.get(move, "")
        ticket_work.move_ticket(session, clerk, ticket.id, move, content=content, version=ticket.version)
        session.flush()
        if move is TicketMove.BEGIN and row["answer"]:
            ticket_work.answer_ticket(session, clerk, ticket.id, row["answer"], version=ticket.version)
            session.flush()
    if row["score"]:
        ticket_work.rate_ticket(session, clerk, ticket.id, int(row["score"]), remark=row["remark"], version=ticket.version)
        session.flush()
    _date(session, ticket, timedelta(days=int(row["days_ago"])))


def _date(session: CrmSession, ticket: Ticket, back: timedelta) -> None:
    """Let it have happened so long ago, one thing after the other."""
    morning = clock.start_of_day(clock.today()) - back + timedelta(hours=9, minutes=ticket.id * 7 % 90)
    moments = _spread(session, ticket, min(morning, clock.now()))
    values: dict[str, Any] = {"created_at": min(moments), "due_at": ticket.due_at - back, "served_at": max(moments)}
    values |= {name: max(moments) for name in ("resolved_at", "waiting_since") if getattr(ticket, name)}
    values["updated_at"] = values["served_at"]
    session.execute(update(Ticket).where(Ticket.id == ticket.id).values(values), execution_options=_BULK)
    session.expire(ticket)


def _spread(session: CrmSession, ticket: Ticket, begin: datetime) -> list[datetime]:
    rows: list[Any] = []
    for model in (TicketStep, TicketAnswer):
        rows += session.execute(select(model).where(model.ticket_id == ticket.id)).scalars()
    moments = []
    for place, row in enumerate(sorted(rows, key=lambda row: (row.at, row.__tablename__))):
        row.at = min(begin + place * _PAUSE, clock.now())
        moments.append(row.at)
    session.flush()
    return moments
