"""Reminders of tickets: due soon to the handler, overdue to the handler and, of complaints, to the customer's owner and their head.

Each is told once, as with tasks: a row marks that it was told, and the notice's key would keep a second one away.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Select, select, update
from sqlalchemy.orm import InstrumentedAttribute

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.models import Customer, Ticket, User
from crm_core.models.ticket import COMPLAINT
from crm_core.scope import unscoped
from crm_core.services.notices import Message, notify_each
from crm_core.services.reviewers import heads_above
from crm_core.services.service_hours import get_service_policy
from crm_core.services.tickets import path_of

AT_ONCE = 1000
"""So many rows are told of together."""
_BULK: dict[str, Any] = {**unscoped, "synchronize_session": False}
_COLUMNS = (Ticket.id, Ticket.code, Ticket.name, Ticket.type, Ticket.due_at, Ticket.handler_id, Ticket.customer_id)


def tell_tickets(session: CrmSession) -> None:
    """Tell of all tickets that are due soon or overdue and of which nobody was told."""
    now = clock.now()
    soon = now + timedelta(hours=get_service_policy(session)[0].remind_hours)
    due = _running().where(Ticket.due_told_at.is_(None), Ticket.due_at > now, Ticket.due_at <= soon)
    while rows := session.execute(due.limit(AT_ONCE), execution_options=unscoped).all():
        notify_each(session, "ticket_due_soon", [_message("due", row, row.handler_id) for row in rows if row.handler_id])
        _mark(session, rows, Ticket.due_told_at)
    overdue = _running().where(Ticket.overdue_told_at.is_(None), Ticket.due_at <= now)
    while rows := session.execute(overdue.limit(AT_ONCE), execution_options=unscoped).all():
        notify_each(session, "ticket_overdue", [_message("overdue", *one) for one in _concerned(session, rows)])
        _mark(session, rows, Ticket.overdue_told_at)


def _running() -> Select[*tuple[Any, ...]]:
    tickets = select(*_COLUMNS, Customer.name.label("customer"), Customer.owner_id).join(Customer, Customer.id == Ticket.customer_id)
    # Said as in the index. What belongs to a customer in the recycle bin or the archive rests.
    runs = (Ticket.waiting_since.is_(None), Ticket.resolved_at.is_(None), Customer.is_listed)
    return tickets.where(*runs).order_by(Ticket.due_at, Ticket.id)


def _concerned(session: CrmSession, rows: Sequence[Any]) -> list[tuple[Any, int]]:
    """Tickets that are overdue, each with the people it concerns and who have an active account."""
    heads = heads_above(session, {row.owner_id for row in rows if _concerns_owner(row)})
    people = {row.id: {row.handler_id, *_owner_and_head(row, heads)} for row in rows}
    active = set(session.execute(select(User.id).where(User.id.in_(set().union(*people.values()) - {None}), User.is_active)).scalars())
    return [(row, person) for row in rows for person in sorted(people[row.id] & active)]


def _concerns_owner(row: Any) -> bool:
    """A complaint concerns the customer's owner too, and so does what nobody has."""
    return row.owner_id is not None and (row.type == COMPLAINT or row.handler_id is None)


def _owner_and_head(row: Any, heads: Mapping[int, Sequence[int]]) -> list[int]:
    return [row.owner_id, *heads[row.owner_id][:1]] if _concerns_owner(row) else []


def _message(key: str, row: Any, user_id: int) -> Message:
    data = {"code": row.code, "text": row.name, "customer": row.customer, "time": row.due_at.isoformat()}
    told = f"ticket_{key}:{row.id}:{row.due_at:%Y%m%d%H%M}"
    return Message(user_id, data, path=path_of(row.code), customer_id=row.customer_id, key=told)


def _mark(session: CrmSession, rows: Sequence[Any], column: InstrumentedAttribute[Any]) -> None:
    told = update(Ticket).where(Ticket.id.in_([row.id for row in rows]))
    # Neither version nor time of change: no form that is open elsewhere is disturbed.
    session.execute(told.values({column: clock.now(), Ticket.updated_at: Ticket.updated_at}), execution_options=_BULK)
