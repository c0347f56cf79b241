"""What each list gives out: its columns in the language in force, and its rows as the one who asks may see them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.fields import fields_of
from crm_core.i18n import N_, _
from crm_core.models import CONTRACT_STATES, STEPS, TICKET_STATES, Opportunity, Product, Ticket
from crm_core.permissions import Actor, Permission
from crm_core.services import campaign_list, contract_views, display, opportunity_views, products, ticket_list
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


_CUSTOMER: Shown = {
    "customer_code": (N_("Customer code"), lambda row, _library: row.customer_code),
    "customer": (N_("Customer"), lambda row, _library: row.customer),
}
OPPORTUNITY: Shown = {
    "code": (N_("Opportunity code"), lambda row, _library: row.code),
    "name": _of_field(Opportunity, "name"),
    **_CUSTOMER,
    "stage": (N_("Stage"), lambda row, _library: row.stage),
    "amount": _of_field(Opportunity, "amount"),
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
    "product": (N_("Product or service"), lambda row, _library: row.product),
    "amount": (N_("Contract amount"), lambda row, _library: row.amount),
    "received": (N_("Received payments"), lambda row, _library: row.received),
    "overdue": (N_("Overdue"), lambda row, _library: row.overdue),
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


LISTS: dict[str, Exported] = {
    "customers": Exported(N_("Customers"), "customer", Permission.CUSTOMER_READ, customer_columns, list_customer_rows, is_longer),
    "opportunities": _shown(N_("Opportunities"), "opportunity", Permission.OPPORTUNITY_READ, OPPORTUNITY, opportunity_views.list_all),
    "contracts": _shown(N_("Contracts"), "contract", Permission.CONTRACT_READ, CONTRACT, contract_views.list_all),
    "tickets": _shown(N_("Tickets"), "ticket", Permission.TICKET_READ, TICKET, ticket_list.list_all),
    "products": _shown(N_("Products"), "product", Permission.OPPORTUNITY_READ, PRODUCT, products.list_all),
    "participants": _shown(N_("Participants"), "participation", Permission.CAMPAIGN_READ, PARTICIPANT, campaign_list.list_all_participants),
}
"""Every list that can be exported; a new one is a row here."""
