"""The customer list as it is exported: all fields that the role sees, with the primary contact, sensitive values as the role reads them."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from sqlalchemy import and_

from crm_core.db import CrmSession
from crm_core.fields import Field, fields_of, read_value
from crm_core.i18n import _
from crm_core.models import ACTIVITIES, Contact, Customer
from crm_core.permissions import Actor, Permission, require
from crm_core.services import display
from crm_core.services.customer_list import select_found
from crm_core.services.library import get_library
from crm_core.services.users import user_names
from crm_core.visibility import see, shown_fields

PART = 1000


def customer_columns(session: CrmSession, actor: Actor) -> list[str]:
    """The headings: code, fields, primary contact, owner, status, day of entry."""
    own, contact = _fields(session, actor)
    contacts = [_("Contact") + " · " + field.title for field in contact.values()]
    return [_("Customer code"), *(field.title for field in own.values()), *contacts, _("Owner"), _("Status"), _("Created")]


def _fields(session: CrmSession, actor: Actor) -> tuple[dict[str, Field], dict[str, Field]]:
    return shown_fields(actor, get_library(session).fields), shown_fields(actor, fields_of(Contact))


def is_longer(session: CrmSession, query: Any, limit: int) -> bool:
    """Whether a query finds more customers than that."""
    return session.execute(select_found(session, query, Customer.id).order_by(Customer.id).offset(limit).limit(1)).first() is not None


def list_customer_rows(session: CrmSession, actor: Actor, query: Any, limit: int) -> Iterator[list[Any]]:
    """The rows of all pages of a query, at most so many, read part by part."""
    require(actor, Permission.CUSTOMER_READ)
    (own, contact), library, names = _fields(session, actor), get_library(session), user_names(session)

    def cell(record: Any, field: Field) -> Any:
        value = read_value(record, field) if record is not None else None
        value = see(actor, field.sensitive, value) if field.sensitive else value
        return value if isinstance(value, Decimal) else display.show(field, value, library)

    found = select_found(session, query, Customer, Contact)
    found = found.outerjoin(Contact, and_(Contact.customer_id == Customer.id, Contact.is_primary)).order_by(Customer.id).limit(limit)
    for part in session.execute(found, execution_options={"yield_per": PART}).partitions():
        for customer, person in part:
            yield [
                customer.code,
                *(cell(customer, field) for field in own.values()),
                *(cell(person, field) for field in contact.values()),
                _("Pool") if customer.pooled_at else names.get(customer.owner_id, ""),
                _(ACTIVITIES[customer.activity]) if customer.activity else "",
                customer.created_at,
            ]
