"""工单: entering and editing tickets, and who works on them [001]. What is done with one afterwards stands in `ticket_work`."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.errors import Conflict, NotAllowed, NotFound, ValidationFailed
from crm_core.fields import fields_of
from crm_core.i18n import _
from crm_core.models import TICKET_STATES, Contact, Customer, Ticket, TicketMove, TicketState, TicketStep
from crm_core.models.ticket import COMPLAINT, RUNNING, SOLVED, UNSOLVED
from crm_core.numbering import ticket_code
from crm_core.permissions import Actor, Permission, require
from crm_core.services.actors import people_seeing
from crm_core.services.library import get_library
from crm_core.services.locking import lock_listed
from crm_core.services.notices import notify
from crm_core.services.service_figures import keep_figures
from crm_core.services.service_hours import ServicePolicy, add_service_time, get_service_policy, service_time_between
from crm_core.services.users import user_names
from crm_core.validation import clean_values

PRESETS = ("category", "source")

Errors = dict[str, list[str]]


def path_of(code: str) -> str:
    """Where a ticket is opened."""
    return f"/ticket?ticket={code}"


def may_work(actor: Actor, ticket: Any) -> bool:
    """Whether somebody answers and moves a ticket: who has it, and those who assign."""
    return actor.can(Permission.TICKET_WRITE) and (ticket.handler_id == actor.id or actor.can(Permission.TICKET_ASSIGN))


def create_ticket(
    session: CrmSession,
    actor: Actor,
    customer_id: int,
    values: Mapping[str, Any],
    *,
    contact_id: int | None = None,
    handler_id: int | None = None,
    key: str | None = None,
) -> Ticket:
    """Enter a ticket; its handler is told, and of a complaint the customer's owner.

    `key` is that of the form: a second submission returns the ticket of the first. Raises `ValidationFailed`, `NotAllowed`, `NotFound`,
    `IllegalTransition` for a customer in the archive.
    """
    require(actor, Permission.TICKET_WRITE)
    customer = lock_listed(session, customer_id)
    if key and (made := session.execute(select(Ticket).where(Ticket.key == key)).scalar_one_or_none()):
        return made
    clean, errors = _checked(session, customer, values, contact_id=contact_id)
    errors |= _handler_problem(session, actor, customer, handler_id)
    if errors:
        raise ValidationFailed(errors)
    hours = get_service_policy(session)[0]
    now = clock.now()
    due_at = add_service_time(hours, now, timedelta(hours=hours.hours_for(clean["priority"])))
    ticket = Ticket(**clean, code=ticket_code(session), key=key, customer_id=customer.id, handler_id=handler_id, created_by_id=actor.id)
    ticket.due_at, ticket.state, ticket.created_at, ticket.served_at = due_at, TicketState.NEW, now, now
    session.add(ticket)
    session.flush()
    session.add(TicketStep(ticket_id=ticket.id, actor_id=actor.id, to_state=TicketState.NEW))
    keep_figures(session, [customer.id])
    tell_handler(session, actor, ticket, customer)
    _tell_owner(session, actor, ticket, customer)
    return ticket


def edit_ticket(
    session: CrmSession, actor: Actor, ticket_id: int, values: Mapping[str, Any], *, contact_id: int | None, version: int
) -> Ticket:
    """Correct what a ticket says; another priority gives it another time, less what has passed. The change log keeps what stood there.

    Raises `ValidationFailed`, `NotAllowed`, `NotFound`, `Conflict`, `IllegalTransition` for a customer in the archive.
    """
    ticket, customer = lock_ticket(session, actor, ticket_id, version=version)
    refuse_others(session, actor, ticket)
    clean, errors = _checked(session, customer, values, contact_id=contact_id, present=ticket)
    if errors:
        raise ValidationFailed(errors)
    was = ticket.type
    if clean["priority"] != ticket.priority and ticket.state in UNSOLVED:
        _hurry(session, ticket, clean["priority"])
    for name, value in clean.items():
        setattr(ticket, name, value)
    keep_figures(session, [customer.id])
    if was != ticket.type:
        _tell_owner(session, actor, ticket, customer)
    return ticket


def take_ticket(session: CrmSession, actor: Actor, ticket_id: int, *, version: int) -> Ticket:
    """Take a ticket that nobody has, and begin with it. Raises `NotAllowed`, `NotFound`, `Conflict` if somebody was faster."""
    ticket, customer = lock_ticket(session, actor, ticket_id, version=version)
    if ticket.handler_id is not None:
        raise changed_meanwhile(session, ticket)
    ticket.handler_id = actor.id
    if TicketMove.BEGIN in ticket.moves:
        step(session, actor, ticket, TicketMove.BEGIN)
    keep_figures(session, [customer.id])
    return ticket


def assign_ticket(session: CrmSession, actor: Actor, ticket_id: int, handler_id: int, *, version: int) -> Ticket:
    """Give a ticket to somebody who works on tickets and sees the customer; they are told.

    Raises `NotAllowed`, `ValidationFailed`, `NotFound`, `Conflict`.
    """
    require(actor, Permission.TICKET_ASSIGN)
    ticket, customer = lock_ticket(session, actor, ticket_id, version=version)
    if errors := _handler_problem(session, actor, customer, handler_id):
        raise ValidationFailed(errors)
    ticket.handler_id, ticket.due_told_at, ticket.overdue_told_at = handler_id, None, None
    session.flush()
    tell_handler(session, actor, ticket, customer)
    return ticket


def handlers(session: CrmSession, customer_id: int) -> dict[int, str]:
    """Who can have the tickets of a customer, by id: those who work on tickets and see it."""
    return {one.id: one.name for one in people_seeing(session, customer_id) if one.id and one.can(Permission.TICKET_WRITE)}


def lock_ticket(session: CrmSession, actor: Actor, ticket_id: int, *, version: int) -> tuple[Ticket, Customer]:
    """A ticket of a customer in the library, both locked, as it was seen. Raises `NotAllowed`, `NotFound`, `Conflict`."""
    require(actor, Permission.TICKET_WRITE)
    # The customer first, as in entering one: else two who work at one customer could wait for each other.
    owner = session.execute(select(Ticket.customer_id).where(Ticket.id == ticket_id)).scalar()
    customer = lock_listed(session, owner) if owner else None
    statement = select(Ticket).where(Ticket.id == ticket_id).with_for_update().execution_options(populate_existing=True)
    ticket = session.execute(statement).scalar_one_or_none()
    if ticket is None or customer is None:
        raise NotFound(_("This ticket is gone or not visible to you. Go back to the list of tickets."))
    if ticket.version != version:
        raise changed_meanwhile(session, ticket)
    return ticket, customer


def refuse_others(session: CrmSession, actor: Actor, ticket: Ticket) -> None:
    """Raise `NotAllowed` for somebody who neither has the ticket nor assigns, naming who has it."""
    if may_work(actor, ticket):
        return
    if ticket.handler_id is None:
        raise NotAllowed(Permission.TICKET_WRITE, _("Nobody has this ticket yet. Take it first."))
    name = user_names(session).get(ticket.handler_id, "")
    raise NotAllowed(Permission.TICKET_ASSIGN, _("{name} has this ticket. Leave a note, or let it be assigned to you.").format(name=name))


def changed_meanwhile(session: CrmSession, ticket: Ticket) -> Conflict:
    """That somebody was faster, with the state that the ticket has now."""
    sentence = meanwhile(ticket.state, user_names(session).get(ticket.handler_id or 0, ""))
    return Conflict(version=ticket.version, theirs={"state": ticket.state}, message=sentence)


def meanwhile(state: str, handler: str) -> str:
    """The sentence for somebody who looks at a ticket that has changed: the present state, and who has it."""
    sentence = _("Somebody changed this ticket meanwhile: it is in the state “{state}” now, handler: {name}. Look at it as it is.")
    return sentence.format(state=_(TICKET_STATES[TicketState(state)]), name=handler or _("nobody"))


def step(session: CrmSession, actor: Actor, ticket: Ticket, move: TicketMove, content: str | None = None) -> None:
    """Go on to the next state and note it; the clock stands still while the customer has to act. Raises `IllegalTransition`."""
    was, now = ticket.state, clock.now()
    way = ticket.move(move)
    policy = get_service_policy(session)[0]
    if ticket.waiting_since is not None:
        _go_on(policy, ticket, now)
    if way.target is TicketState.WAITING:
        ticket.waiting_since = now
    if move is TicketMove.REOPEN:
        _open_again(session, policy, ticket, now)
    if way.target is TicketState.RESOLVED:
        ticket.resolved_at = now
    if actor.id is not None:
        ticket.served_at = now
    session.add(TicketStep(ticket_id=ticket.id, at=now, actor_id=actor.id, from_state=was, to_state=way.target, content=content))


def tell_handler(session: CrmSession, actor: Actor, ticket: Ticket, customer: Customer) -> None:
    """Tell whoever has the ticket now, unless they took it themselves."""
    if ticket.handler_id not in (None, actor.id):
        data = told_of(ticket, customer) | {"actor": actor.name}
        notify(session, [ticket.handler_id], "ticket_assigned", data, path=path_of(ticket.code), customer_id=customer.id)


def tell_reopened(session: CrmSession, actor: Actor, ticket: Ticket, customer: Customer) -> None:
    """Tell whoever has a ticket that was opened again, and of a complaint the customer's owner."""
    concerned = (ticket.handler_id, customer.owner_id if ticket.type == COMPLAINT else None)
    people = {one for one in concerned if one and one != actor.id}
    data = told_of(ticket, customer) | {"actor": actor.name}
    notify(session, sorted(people), "ticket_reopened", data, path=path_of(ticket.code), customer_id=customer.id)


def told_of(ticket: Ticket, customer: Customer) -> dict[str, Any]:
    """What notices say of a ticket."""
    return {"code": ticket.code, "text": ticket.name, "customer": customer.name, "time": ticket.due_at.isoformat()}


def _tell_owner(session: CrmSession, actor: Actor, ticket: Ticket, customer: Customer) -> None:
    if ticket.type == COMPLAINT and customer.owner_id not in (None, actor.id):
        data = told_of(ticket, customer) | {"actor": actor.name}
        notify(session, [customer.owner_id], "complaint_entered", data, path=path_of(ticket.code), customer_id=customer.id)


def _checked(
    session: CrmSession, customer: Customer, values: Mapping[str, Any], *, contact_id: int | None, present: Ticket | None = None
) -> tuple[dict[str, Any], Errors]:
    clean, errors = clean_values(fields_of(Ticket), values)
    library = get_library(session)
    for name in PRESETS:
        offered = {one.code for one in library.active(f"ticket_{name}")} | {getattr(present, name, None)}
        if name not in errors and clean[name] not in offered:
            errors[name] = [_("This entry is not offered any more. Choose another one.")]
    if present is None or contact_id != present.contact_id:
        named = select(Contact.name).where(Contact.id == contact_id, Contact.customer_id == customer.id)
        clean |= {"contact_id": contact_id, "contact_name": session.execute(named).scalar() if contact_id else None}
        if contact_id and not clean["contact_name"]:
            errors["contact_id"] = [
                _("This person is no contact of {customer}. Choose one of its contacts.").format(customer=customer.name)
            ]
    return clean, errors


def _handler_problem(session: CrmSession, actor: Actor, customer: Customer, handler_id: int | None) -> Errors:
    if handler_id is None or handler_id == actor.id:
        return {}
    require(actor, Permission.TICKET_ASSIGN)
    if handler_id in handlers(session, customer.id):
        return {}
    name = user_names(session).get(handler_id, "")
    sentence = _("{name} does not work on tickets, or does not see this customer. Choose another handler.")
    return {"handler_id": [sentence.format(name=name)]}


def _hurry(session: CrmSession, ticket: Ticket, priority: str) -> None:
    """Another priority, another time: its hours less those that the ticket has used up."""
    policy, at = get_service_policy(session)[0], ticket.waiting_since or clock.now()
    left = service_time_between(policy, at, ticket.due_at) - service_time_between(policy, ticket.due_at, at)
    left += timedelta(hours=policy.hours_for(priority) - policy.hours_for(ticket.priority))
    set_due(ticket, add_service_time(policy, at, left) if left > timedelta() else at)


def _go_on(policy: ServicePolicy, ticket: Ticket, now: datetime) -> None:
    """The clock runs on: what was left when it stopped is left now."""
    if ticket.waiting_since is not None and ticket.due_at > ticket.waiting_since:
        set_due(ticket, add_service_time(policy, now, service_time_between(policy, ticket.waiting_since, ticket.due_at)))
    ticket.waiting_since = None


def _open_again(session: CrmSession, policy: ServicePolicy, ticket: Ticket, now: datetime) -> None:
    """It has its whole time anew; what the customer thought of the first solution is in the change log."""
    ticket.resolved_at = ticket.satisfaction = ticket.satisfaction_remark = None
    ticket.reopened += 1
    set_due(ticket, add_service_time(policy, now, timedelta(hours=policy.hours_for(ticket.priority))))
    if ticket.handler_id not in handlers(session, ticket.customer_id):
        ticket.handler_id = None  # whoever had it has left, or does not see the customer any more


def set_due(ticket: Ticket, due_at: datetime) -> None:
    """Move its time; its handler is told anew when that comes."""
    ticket.due_at, ticket.due_told_at, ticket.overdue_told_at = due_at, None, None


def is_overdue(ticket: Any) -> bool:
    """Whether its time has passed while the team had to act, or had before it was resolved."""
    if ticket.state in SOLVED:
        return bool(ticket.resolved_at and ticket.resolved_at > ticket.due_at)
    return ticket.state in RUNNING and ticket.due_at < clock.now()
