"""What each list gives out: its columns in the language in force, and its rows as the one who asks may see them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.fields import fields_of
from crm_core.i18n import N_, _
from crm_core.models import CONTRACT_STATES, STEPS, TICKET_STATES, ContractLine, Opportunity, OpportunityLine, Product, Ticket
from crm_core.permissions import Actor, Permission
from crm_core.services import campaign_list, contract_views, display, opportunity_views, products, ticket_list
from crm_core.services.contract_lines import Line, lines_of_all
from crm_core.services.exports.customers import customer_columns, is_longer, list_customer_rows
from crm_core.services.library import Library, get_library

Cells = list[Any]
Rows = Iterator[Cells]


@dataclass(frozen=True)
class Exported:
    """One kind of list. `entity` is the table that the change log names; `rows` gives at most so many."""

    label: str
    entity: str
    permission: Permission
    columns: Callable[[CrmSession, Actor], list[str]]
    rows: Callable[[CrmSession, Actor, Any, int], Rows]
    is_longer: Callable[[CrmSession, Any, int], bool] = lambda _session, _query, _limit: False
    """Whether a query finds more than so many, where that can well be; else it turns out when the file is written."""


Shown = Mapping[str, tuple[str, Callable[[Any, Library], Any]]]
"""Columns by name: the heading, and the value of a row."""


def _title(model: type, name: str) -> str:
    return fields_of(model)[name].label


def _of_field(model: type, name: str) -> tuple[str, Callable[[Any, Library], Any]]:
    field = fields_of(model)[name]

    def show(row: Any, library: Library) -> Any:
        value = getattr(row, name)
        return value if isinstance(value, Decimal) else display.show(field, value, library)

    return field.label, show


def _moment(name: str) -> Callable[[Any, Library], Any]:
    return lambda row, _library: getattr(row, name)


def _day(moment: Any) -> Any:
    return clock.day_of(moment) if moment else None


@dataclass(frozen=True)
class _Part:
    """A row of a record: the first one, or a further one for another of its products. What is not of the product is the record's."""

    record: Any
    line: Line | None
    is_first: bool

    def __getattr__(self, name: str) -> Any:
        return getattr(self.record, name)


def _product_of(part: _Part, _library: Library) -> Any:
    return part.line.name if part.line else getattr(part.record, "product", "")


def _of_line(name: str) -> Callable[[_Part, Library], Any]:
    return lambda part, _library: getattr(part.line, name) if part.line else None


def _amount(part: _Part, _library: Library) -> Any:
    return part.line.amount if part.line else part.record.amount


def _once(name: str) -> Callable[[_Part, Library], Any]:
    """An amount of the whole record, which stands in the file once so that the column can be summed up."""
    return lambda part, _library: getattr(part.record, name) if part.is_first else None


_SOLD: Shown = {"quantity": (N_("Quantity"), _of_line("quantity")), "price": (N_("Price"), _of_line("price"))}
_CUSTOMER: Shown = {
    "customer_code": (N_("Customer code"), lambda row, _library: row.customer_code),
    "customer": (N_("Customer"), lambda row, _library: row.customer),
}
OPPORTUNITY: Shown = {
    "code": (N_("Opportunity code"), lambda row, _library: row.code),
    "name": _of_field(Opportunity, "name"),
    **_CUSTOMER,
    "stage": (N_("Stage"), lambda row, _library: row.stage),
    "product": (N_("Product"), _product_of),
    **_SOLD,
    "amount": (_title(Opportunity, "amount"), _amount),
    "probability": (N_("Probability"), lambda row, _library: row.probability),
    "owner": (N_("Owner"), lambda row, _library: row.owner),
    "opened_on": (N_("Opened on"), lambda row, _library: row.opened_on),
    "expected_on": (_title(Opportunity, "expected_on"), lambda row, _library: row.expected_on),
    "closed_on": (N_("Closed on"), lambda row, _library: _day(row.closed_at)),
    **{name: _of_field(Opportunity, name) for name in ("loss_reason", "loss_note", "competitors", "remark")},
}
CONTRACT: Shown = {
    "number": (N_("Contract number"), lambda row, _library: row.number),
    "customer_code": (N_("Customer code"), lambda row, _library: row.code),
    "customer": _CUSTOMER["customer"],
    "product": (N_("Product or service"), _product_of),
    **_SOLD,
    "amount": (N_("Contract amount"), _amount),
    "received": (N_("Received payments"), _once("received")),
    "overdue": (N_("Overdue"), _once("overdue")),
    "signed_on": (N_("Signed on"), lambda row, _library: row.signed_on),
    "starts_on": (N_("Starts on"), lambda row, _library: row.starts_on),
    "ends_on": (N_("Contract ends on"), lambda row, _library: row.ends_on),
    "state": (N_("State"), lambda row, _library: _(CONTRACT_STATES[row.state])),
    "owner": (N_("Owner"), lambda row, _library: row.owner or ""),
}
TICKET: Shown = {
    "code": (N_("Code"), lambda row, _library: row.code),
    **_CUSTOMER,
    **{name: _of_field(Ticket, name) for name in ("type", "category", "priority", "name")},
    "state": (N_("State"), lambda row, _library: _(TICKET_STATES[row.state])),
    "contact": (N_("Contact"), lambda row, _library: row.contact),
    "handler": (N_("Handler"), lambda row, _library: row.handler),
    "created_at": (N_("Created"), lambda row, _library: row.created_at),
    "due_at": (N_("Due"), lambda row, _library: row.due_at),
    "resolved_at": (N_("Resolved"), lambda row, _library: row.resolved_at),
    "satisfaction": (N_("Satisfaction"), lambda row, _library: row.satisfaction),
    "description": _of_field(Ticket, "description"),
}
PRODUCT: Shown = {
    **{name: _of_field(Product, name) for name in ("code", "name", "category")},
    "price": (N_("List price"), lambda row, _library: row.price),
    **{name: _of_field(Product, name) for name in ("unit", "description")},
    "is_active": (N_("In use"), lambda row, _library: _("yes") if row.is_active else _("no")),
}

PARTICIPANT: Shown = {
    **_CUSTOMER,
    "contact": (N_("Contact"), lambda row, _library: row.contact),
    "phone": (N_("Phone"), lambda row, _library: row.phone),
    "step": (N_("Last step"), lambda row, _library: _(STEPS[row.step])),
    **{f"{step}_at": (title, _moment(f"{step}_at")) for step, title in STEPS.items()},
    "score": (N_("Score"), lambda row, _library: row.score),
    "feedback": (N_("Feedback"), lambda row, _library: row.feedback),
}


def _shown(label: str, entity: str, permission: Permission, shown: Shown, read: Callable[..., Any]) -> Exported:
    def rows(session: CrmSession, actor: Actor, query: Any, limit: int) -> Rows:
        library = get_library(session)
        for row in read(session, actor, query, limit):
            yield [value(row, library) for _label, value in shown.values()]

    return Exported(label, entity, permission, lambda _session, _actor: [_(title) for title, _value in shown.values()], rows)


def _by_product(read: Callable[..., Any], owner: Any) -> Callable[..., Iterator[_Part]]:
    """The rows of a list, one for each product of a record, as an import puts them together again."""

    def parts(session: CrmSession, actor: Actor, query: Any, limit: int) -> Iterator[_Part]:
        records = read(session, actor, query, limit)
        lines = lines_of_all(session, owner, [record.id for record in records])
        for record in records:
            for place, line in enumerate(lines.get(record.id) or [None]):
                yield _Part(record, line, not place)

    return parts


_OPPORTUNITIES = _by_product(opportunity_views.list_all, OpportunityLine.opportunity_id)
_CONTRACTS = _by_product(contract_views.list_all, ContractLine.contract_id)

LISTS: dict[str, Exported] = {
    "customers": Exported(N_("Customers"), "customer", Permission.CUSTOMER_READ, customer_columns, list_customer_rows, is_longer),
    "opportunities": _shown(N_("Opportunities"), "opportunity", Permission.OPPORTUNITY_READ, OPPORTUNITY, _OPPORTUNITIES),
    "contracts": _shown(N_("Contracts"), "contract", Permission.CONTRACT_READ, CONTRACT, _CONTRACTS),
    "tickets": _shown(N_("Tickets"), "ticket", Permission.TICKET_READ, TICKET, ticket_list.list_all),
    "products": _shown(N_("Products"), "product", Permission.OPPORTUNITY_READ, PRODUCT, products.list_all),
    "participants": _shown(N_("Participants"), "participation", Permission.CAMPAIGN_READ, PARTICIPANT, campaign_list.list_all_participants),
}
"""Every list that can be exported; a new one is a row here."""
