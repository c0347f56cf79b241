"""Reading tickets: pages of them in one's scope with search and filters, one with its history, and what waits for its handler."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, or_, select

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.errors import NotFound
from crm_core.i18n import _
from crm_core.models import Attachment, Customer, Place, Ticket, TicketAnswer, TicketState, TicketStep
from crm_core.models.ticket import RUNNING, SOLVED, UNSOLVED
from crm_core.paging import Page
from crm_core.permissions import Actor, Permission, require
from crm_core.services.of_customers import EVERYBODY, OfCustomers
from crm_core.services.tickets import is_overdue
from crm_core.services.users import user_names
from crm_core.validation import clean_text

COUNT_LIMIT = 500
"""Counting stops here."""
NOBODY = 0
"""Stands for tickets that no one has."""


@dataclass(frozen=True)
class TicketQuery:
    """What is asked for; several values of one filter mean any of them. Without states: what is not solved."""

    phrase: str = ""
    states: tuple[str, ...] = UNSOLVED
    types: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    priorities: tuple[str, ...] = ()
    handlers: tuple[int, ...] = ()
    """By id; `NOBODY` stands for those that no one has."""
    customer_id: int | None = None
    is_overdue: bool = False
    entered_from: date | None = None
    entered_until: date | None = None
    scores: tuple[int, ...] = ()
    """Of the customers' satisfaction."""
    of: OfCustomers = EVERYBODY
    page: int = 1


@dataclass(frozen=True)
class Listed:
    """A ticket as it is shown."""

    id: int
    version: int
    code: str
    customer_id: int
    contact_id: int | None
    type: str
    category: str
    priority: str
    source: str
    name: str
    description: str
    handler_id: int | None
    created_by_id: int | None
    state: str
    due_at: datetime
    waiting_since: datetime | None
    resolved_at: datetime | None
    reopened: int
    satisfaction: int | None
    created_at: datetime
    updated_at: datetime
    contact: str
    satisfaction_remark: str
    handler: str
    created_by: str
    customer_code: str
    customer: str
    is_open: bool
    """Whether its customer lies in the library, so that it can be worked on."""

    @property
    def is_solved(self) -> bool:
        """Resolved or closed."""
        return self.state in SOLVED

    @property
    def is_overdue(self) -> bool:
        """Its time has passed while the team had to act, or had before it was resolved."""
        return is_overdue(self)


@dataclass(frozen=True)
class TicketPage(Page):
    """One page; `total` is exact unless `is_capped`: then there are more."""

    size = 20
    rows: list[Listed]
    total: int
    is_capped: bool
    page: int


@dataclass(frozen=True)
class Said:
    """One entry of a ticket's history: a change of state, an answer, or a note."""

    at: datetime
    who: str
    kind: str
    """`step`, `answer` or `note`."""
    content: str
    from_state: str = ""
    to_state: str = ""


@dataclass(frozen=True)
class File:
    """A file of a ticket."""

    id: int
    filename: str
    type: str


def list_tickets(session: CrmSession, actor: Actor, query: TicketQuery) -> TicketPage:
    """One page of the tickets within the actor's scope: open ones by the time until which they are due, solved ones the latest first."""
    require(actor, Permission.TICKET_READ)
    counted = _filtered(select(Ticket.id), query).limit(COUNT_LIMIT + 1).subquery()
    total: int = session.execute(select(func.count()).select_from(counted)).scalar_one()
    page = TicketPage.nearest(query.page, min(total, COUNT_LIMIT))
    wanted = _filtered(_columns(), query).order_by(*_order())
    return TicketPage(_read(session, TicketPage.cut(wanted, page)), min(total, COUNT_LIMIT), total > COUNT_LIMIT, page)


def list_own(session: CrmSession, actor: Actor, count: int) -> TicketPage:
    """The first open tickets that the actor has, what is overdue first, and how many there are: one query."""
    require(actor, Permission.TICKET_READ)
    own = _filtered(_columns().add_columns(func.count().over().label("total")), TicketQuery(handlers=(actor.id or NOBODY,)))
    rows = session.execute(own.order_by(*_order()).limit(count)).all()
    return TicketPage([_listed(row, {actor.id or 0: actor.name}) for row in rows], rows[0].total if rows else 0, is_capped=False, page=1)


def get_ticket(session: CrmSession, actor: Actor, code: str) -> Listed:
    """One ticket by its code. Raises `NotFound` outside the actor's scope."""
    require(actor, Permission.TICKET_READ)
    own = _columns().join(Customer, Customer.id == Ticket.customer_id)
    rows = _read(session, own.where(Ticket.code == clean_text(code), Customer.is_open))
    if not rows:
        raise NotFound(_("This ticket is gone or not visible to you. Go back to the list of tickets."))
    return rows[0]


def list_history(session: CrmSession, actor: Actor, ticket_id: int) -> list[Said]:
    """Everything that happened with a ticket, the oldest first; nothing outside the actor's scope."""
    require(actor, Permission.TICKET_READ)
    names = user_names(session)
    steps = select(TicketStep).join(Ticket, Ticket.id == TicketStep.ticket_id).where(Ticket.id == ticket_id).order_by(TicketStep.id)
    answers = select(TicketAnswer).join(Ticket, Ticket.id == TicketAnswer.ticket_id).where(Ticket.id == ticket_id).order_by(TicketAnswer.id)
    found = [
        Said(row.at, names.get(row.actor_id or 0) or _("the system"), "step", row.content or "", row.from_state or "", row.to_state)
        for row in session.execute(steps).scalars()
    ]
    for row in session.execute(answers).scalars():
        found.append(Said(row.at, names.get(row.author_id, ""), "answer" if row.is_public else "note", row.content))
    return sorted(found, key=lambda one: (one.at, one.kind == "step"))


def list_files(session: CrmSession, actor: Actor, ticket_id: int) -> list[File]:
    """The files of a ticket."""
    require(actor, Permission.TICKET_READ)
    columns = select(Attachment.id, Attachment.filename, Attachment.type).where(Attachment.ticket_id == ticket_id)
    return [File(row.id, row.filename, row.type) for row in session.execute(columns.order_by(Attachment.id))]


def holders(session: CrmSession, actor: Actor) -> dict[int, str]:
    """Who has tickets within the actor's scope, by id."""
    require(actor, Permission.TICKET_READ)
    ids = set(session.execute(select(Ticket.handler_id).where(Ticket.handler_id.is_not(None)).distinct()).scalars())
    return {number: name for number, name in user_names(session).items() if number in ids}


_COPIED = [one.name for one in fields(Listed) if one.name in Ticket.__table__.columns and one.name != "satisfaction_remark"]


def _columns() -> Select[*tuple[Any, ...]]:
    return select(Ticket, Customer.code, Customer.name.label("customer"), Customer.is_listed.label("is_open"))


def _filtered(statement: Select[*tuple[Any, ...]], query: TicketQuery) -> Select[*tuple[Any, ...]]:
    return statement.join(Customer, Customer.id == Ticket.customer_id).where(*_conditions(query))


def _conditions(query: TicketQuery) -> list[ColumnElement[bool]]:
    # A customer's own list is read in the archive too; the list of all holds what is in the library.
    found: list[ColumnElement[bool]] = [Ticket.customer_id == query.customer_id if query.customer_id else Customer.place == Place.LIBRARY]
    chosen: dict[Any, Sequence[str]] = {
        Ticket.state: query.states,
        Ticket.type: query.types,
        Ticket.category: query.categories,
        Ticket.priority: query.priorities,
    }
    found += [column.in_(values) for column, values in chosen.items() if values]
    if query.handlers:
        is_nobodys = [Ticket.handler_id.is_(None)] if NOBODY in query.handlers else []
        found.append(or_(Ticket.handler_id.in_([one for one in query.handlers if one != NOBODY]), *is_nobodys))
    if query.entered_from:
        found.append(Ticket.created_at >= clock.start_of_day(query.entered_from))
    if query.entered_until:
        found.append(Ticket.created_at < clock.start_of_day(query.entered_until + timedelta(days=1)))
    if query.scores:
        found.append(Ticket.satisfaction.in_(query.scores))
    found += query.of.conditions
    if query.is_overdue:
        found += [Ticket.state.in_(RUNNING), Ticket.due_at < clock.now()]
    return found + [_holds(word) for word in clean_text(query.phrase).split()[:8]]


def _holds(word: str) -> ColumnElement[bool]:
    columns = (Ticket.code, Ticket.name, Ticket.description, Ticket.contact_name, Customer.name)
    return or_(*(column.icontains(word, autoescape=True) for column in columns))


def _order() -> tuple[ColumnElement[Any], ...]:
    # What the team has to do first, by time; then what waits for customers; what is solved at the end, the latest first.
    rank = case((Ticket.state.in_(RUNNING), 0), (Ticket.state == TicketState.WAITING, 1), else_=2)
    return rank, case((rank < 2, Ticket.due_at)), case((rank < 2, Ticket.id)), Ticket.resolved_at.desc(), Ticket.id.desc()


def _read(session: CrmSession, statement: Select[*tuple[Any, ...]]) -> list[Listed]:
    names = user_names(session)
    return [_listed(row, names) for row in session.execute(statement)]


def _listed(row: Any, names: dict[int, str]) -> Listed:
    ticket = row.Ticket
    return Listed(
        **{name: getattr(ticket, name) for name in _COPIED},
        contact=ticket.contact_name or "",
        satisfaction_remark=ticket.satisfaction_remark or "",
        handler=names.get(ticket.handler_id or 0, ""),
        created_by=names.get(ticket.created_by_id or 0, ""),
        customer_code=row.code,
        customer=row.customer,
        is_open=row.is_open,
    )
