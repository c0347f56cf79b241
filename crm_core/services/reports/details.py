"""Detail sheets: the records behind the boards, one a row, within the scope and the question, as the receiver may see them.

Rows are streamed: no more than some thousands of them are in memory at a time.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from sqlalchemy import Select, and_, select

from crm_core import clock
from crm_core.i18n import N_, _
from crm_core.models import (
    ACTIVITIES,
    KINDS,
    METHODS,
    OUTCOMES,
    STAGES,
    TICKET_PRIORITIES,
    TICKET_STATES,
    TICKET_TYPES,
    Contact,
    Contract,
    Customer,
    FollowUp,
    Opportunity,
    OpportunityStage,
    Ticket,
)
from crm_core.permissions import Access, Permission
from crm_core.reference import region_label
from crm_core.scope import unscoped
from crm_core.services.insight.ground import Ground, on_days
from crm_core.services.insight.picks import during
from crm_core.visibility import see

MOST_ROWS = 100_000
"""A sheet holds no more; the report says so."""
AT_ONCE = 2_000
LONGEST_TEXT = 500
"""So many characters of a content."""

Cell = str | int | Decimal | date | datetime | None


class Reader:
    """What codes and numbers are called, for one receiver."""

    def __init__(self, ground: Ground) -> None:
        self.ground, self.library, self.names = ground, ground.library, ground.names

    @cached_property
    def stages(self) -> dict[int, str]:
        """The stages of opportunities, removed ones too."""
        return {stage.id: stage.label for stage in self.ground.session.execute(select(OpportunityStage)).scalars()}


Show = Callable[[Any, Reader], Cell]


@dataclass(frozen=True)
class Detail:
    """One column of a sheet: what it reads, and how that is shown; `sensitive` names the kind of value that a role may be kept from."""

    label: str
    column: Any
    show: Show = lambda value, _reader: value
    sensitive: str = ""
    field: str = ""
    """The customer's field without which there is no such column: an administrator may hide it."""


@dataclass(frozen=True)
class Sheet:
    """The sheet of one kind of records."""

    label: str
    permission: Permission
    select: Callable[[Ground, tuple[Any, ...]], Select[*tuple[Any, ...]]]
    columns: tuple[Detail, ...]


def _one_of(labels: Mapping[Any, str]) -> Show:
    return lambda code, _reader: _(labels[code]) if code in labels else code


def _preset(code: Any, reader: Reader) -> Cell:
    return reader.library.label(code)


def _industry(code: Any, reader: Reader) -> Cell:
    return reader.library.industry_label(code)


def _region(code: Any, _reader: Reader) -> Cell:
    return region_label(code)


def _person(number: Any, reader: Reader) -> Cell:
    return reader.names.get(number)


def _day(moment: datetime | None, _reader: Reader) -> Cell:
    return clock.day_of(moment) if moment else None


def _time(moment: datetime | None, _reader: Reader) -> Cell:
    return clock.local(moment) if moment else None


def _short(text: str | None, _reader: Reader) -> Cell:
    return text if text is None or len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 1]}…"


def _stage(number: Any, reader: Reader) -> Cell:
    return reader.stages.get(number)


WHO = (
    Detail(N_("Customer code"), Customer.code),
    Detail(N_("Customer name"), Customer.name),
    Detail(N_("Customer type"), Customer.stage, _one_of(STAGES)),
    Detail(N_("Customer tier"), Customer.tier, field="tier"),
)
"""The customer of a record."""


def _customers(ground: Ground, columns: tuple[Any, ...]) -> Select[*tuple[Any, ...]]:
    primary = and_(Contact.customer_id == Customer.id, Contact.is_primary)
    found = ground.customers(*columns).outerjoin(Contact, primary)
    return found.where(during(Customer.created_at, ground.period)).order_by(Customer.id)


def _with_customer(found: Select[*tuple[Any, ...]], model: Any) -> Select[*tuple[Any, ...]]:
    return found.join(Customer, Customer.id == model.customer_id)


def _follow_ups(ground: Ground, columns: tuple[Any, ...]) -> Select[*tuple[Any, ...]]:
    found = _with_customer(ground.rows_of(FollowUp, *columns), FollowUp).where(during(FollowUp.happened_at, ground.period))
    return found.order_by(FollowUp.happened_at, FollowUp.id)


def _opportunities(ground: Ground, columns: tuple[Any, ...]) -> Select[*tuple[Any, ...]]:
    found = _with_customer(ground.opportunities(*columns), Opportunity).where(on_days(Opportunity.opened_on, ground.period))
    return found.order_by(Opportunity.opened_on, Opportunity.id)


def _contracts(ground: Ground, columns: tuple[Any, ...]) -> Select[*tuple[Any, ...]]:
    found = _with_customer(ground.contracts(*columns), Contract).where(on_days(Contract.signed_on, ground.period))
    return found.order_by(Contract.signed_on, Contract.id)


def _tickets(ground: Ground, columns: tuple[Any, ...]) -> Select[*tuple[Any, ...]]:
    found = _with_customer(ground.rows_of(Ticket, *columns), Ticket).where(during(Ticket.created_at, ground.period))
    return found.order_by(Ticket.id)


SHEETS = {
    "customers": Sheet(
        N_("Customers entered"),
        Permission.CUSTOMER_READ,
        _customers,
        (
            *WHO,
            Detail(N_("Customer nature"), Customer.kind, _one_of(KINDS)),
            Detail(N_("Segment"), Customer.segment, _preset, field="segment"),
            Detail(N_("Customer status"), Customer.activity, _one_of(ACTIVITIES)),
            Detail(N_("Industry"), Customer.industry, _industry, field="industry"),
            Detail(N_("Province"), Customer.province, _region, field="province"),
            Detail(N_("City"), Customer.city, _region, field="city"),
            Detail(N_("Street address"), Customer.address, sensitive="address", field="address"),
            Detail(N_("Customer source"), Customer.source, _preset, field="source"),
            Detail(N_("Owner"), Customer.owner_id, _person),
            Detail(N_("Created"), Customer.created_at, _day),
            Detail(N_("Total cooperation amount"), Customer.cooperation_amount, field="cooperation_amount"),
            Detail(N_("Contact"), Contact.name),
            Detail(N_("Phone"), Contact.phone, sensitive="phone"),
            Detail(N_("Email"), Contact.email, sensitive="email"),
        ),
    ),
    "follow_ups": Sheet(
        N_("Follow-ups made"),
        Permission.CUSTOMER_READ,
        _follow_ups,
        (
            Detail(N_("Time of the follow-up"), FollowUp.happened_at, _time),
            *WHO,
            Detail(N_("Method"), FollowUp.method, _one_of(METHODS)),
            Detail(N_("Author"), FollowUp.author_id, _person),
            Detail(N_("Contact"), FollowUp.contact_name),
            Detail(N_("Subject"), FollowUp.subject),
            Detail(N_("Content"), FollowUp.content, _short),
            Detail(N_("Customer feedback"), FollowUp.feedback, _short),
        ),
    ),
    "opportunities": Sheet(
        N_("Opportunities opened"),
        Permission.OPPORTUNITY_READ,
        _opportunities,
        (
            Detail(N_("Reference"), Opportunity.code),
            Detail(N_("Opportunity name"), Opportunity.name),
            *WHO,
            Detail(N_("Stage"), Opportunity.stage_id, _stage),
            Detail(N_("Outcome"), OpportunityStage.outcome, _one_of(OUTCOMES)),
            Detail(N_("Expected amount"), Opportunity.amount),
            Detail(N_("Opened on"), Opportunity.opened_on),
            Detail(N_("Expected on"), Opportunity.expected_on),
            Detail(N_("Closed"), Opportunity.closed_at, _day),
            Detail(N_("Owner"), Opportunity.owner_id, _person),
            Detail(N_("Why it was lost"), Opportunity.loss_reason, _preset),
        ),
    ),
    "contracts": Sheet(
        N_("Contracts signed"),
        Permission.CONTRACT_READ,
        _contracts,
        (
            Detail(N_("Contract number"), Contract.number),
            *WHO,
            Detail(N_("Product or service"), Contract.product),
            Detail(N_("Contract amount"), Contract.amount),
            Detail(N_("Signed on"), Contract.signed_on),
            Detail(N_("Starts on"), Contract.starts_on),
            Detail(N_("Contract ends on"), Contract.ends_on),
            Detail(N_("Contract owner"), Contract.owner_id, _person),
            Detail(N_("Customer source"), Customer.source, _preset, field="source"),
            Detail(N_("Province"), Customer.province, _region, field="province"),
        ),
    ),
    "tickets": Sheet(
        N_("Tickets entered"),
        Permission.TICKET_READ,
        _tickets,
        (
            Detail(N_("Reference"), Ticket.code),
            Detail(N_("Created"), Ticket.created_at, _time),
            *WHO,
            Detail(N_("Ticket type"), Ticket.type, _one_of(TICKET_TYPES)),
            Detail(N_("Ticket category"), Ticket.category, _preset),
            Detail(N_("Priority"), Ticket.priority, _one_of(TICKET_PRIORITIES)),
            Detail(N_("State"), Ticket.state, _one_of(TICKET_STATES)),
            Detail(N_("Title"), Ticket.name),
            Detail(N_("Handler"), Ticket.handler_id, _person),
            Detail(N_("Resolved on"), Ticket.resolved_at, _day),
            Detail(N_("Satisfaction"), Ticket.satisfaction),
        ),
    ),
}
"""Every detail sheet by its name; a new one is a row here."""


def columns_for(ground: Ground, sheet: Sheet) -> tuple[Detail, ...]:
    """The columns of a sheet that the receiver gets: none of hidden fields, none of values that are hidden from the role."""

    def is_shown(column: Detail) -> bool:
        is_hidden = column.sensitive and ground.actor.access_to(column.sensitive) is Access.HIDDEN
        return not is_hidden and (not column.field or column.field in ground.library.fields)

    return tuple(column for column in sheet.columns if is_shown(column))


def rows_for(ground: Ground, sheet: Sheet) -> Iterator[list[Cell]]:
    """The rows of a sheet, at most one more than `MOST_ROWS`; sensitive values as the receiver sees them."""
    columns = columns_for(ground, sheet)
    found = sheet.select(ground, tuple(column.column for column in columns)).limit(MOST_ROWS + 1)
    shows = [_masked(column) if column.sensitive else column.show for column in columns]
    reader = Reader(ground)
    # `Ground` has limited the rows already.
    for row in ground.session.execute(found, execution_options={**unscoped, "yield_per": AT_ONCE}):
        yield [show(value, reader) if value is not None else None for show, value in zip(shows, row, strict=True)]


def _masked(column: Detail) -> Show:
    return lambda value, reader: see(reader.ground.actor, column.sensitive, value)
