"""Writing many new customers at once: customers, contacts, search rows and change log lines by bulk statements.

Bulk statements bypass the models' own derivations, so the keys for comparison are set here.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from operator import itemgetter
from typing import Any, cast

from sqlalchemy import Table, insert, select

from crm_core import audit, crypto
from crm_core.db import CrmSession
from crm_core.fields import SEVERAL, Field, as_columns, fields_of
from crm_core.models import Base, Contact, Customer
from crm_core.normal import email_key, name_key, phone_key
from crm_core.numbering import bump, customer_codes
from crm_core.permissions import Actor
from crm_core.scope import unscoped
from crm_core.search import Searchable, index_customers, searchable
from crm_core.services.cooperation import as_entered
from crm_core.services.derived import derive
from crm_core.services.imports.rows import Entry
from crm_core.services.industries import suggest_industry
from crm_core.services.library import get_library
from crm_core.services.movements import first_owned_by, note_entries


def write_entries(
    session: CrmSession, actor: Actor, entries: Sequence[Entry], *, reason: str, duplicates: frozenset[int] = frozenset()
) -> list[int]:
    """Insert checked entries and return the customers' ids in order.

    `reason` goes to the change log, and to the entries (by row number) in `duplicates` as their reason for being entered again.
    """
    if not entries:
        return []
    codes = customer_codes(session, len(entries))
    owned = first_owned_by(actor)
    fields = get_library(session).fields
    rows = [
        _customer(actor, fields, owned, entry, code, reason if entry.number in duplicates else None)
        for entry, code in zip(entries, codes, strict=True)
    ]
    ids = _insert_customers(session, rows, codes)
    stages = [(customer_id, entry.checked.values["stage"]) for customer_id, entry in zip(ids, entries, strict=True)]
    note_entries(session, actor, stages, cause="import")
    contacts = [
        _contact(customer_id, place, contact)
        for customer_id, entry in zip(ids, entries, strict=True)
        for place, contact in enumerate(entry.checked.contacts)
    ]
    contact_ids = _insert_contacts(session, contacts)
    _index(session, ids, codes, entries)
    _log(session, list(zip(ids, rows, strict=True)), list(zip(contact_ids, contacts, strict=True)), reason)
    for text in dict.fromkeys(entry.checked.industry_text for entry in entries if entry.checked.industry_text):
        suggest_industry(session, actor, text)
    derive(session, ids)
    bump(session, "customers")
    return ids


def _customer(
    actor: Actor, fields: Mapping[str, Field], owned: Mapping[str, Any], entry: Entry, code: str, duplicate_reason: str | None
) -> dict[str, Any]:
    values = entry.checked.values
    number = values.get("identity_number")
    return {
        **_empty(),
        **as_columns(fields, values),
        **as_entered(values),
        "code": code,
        "name_key": name_key(values["name"]),
        "industry_text": entry.checked.industry_text,
        "identity_hash": crypto.keyed_hash(number) if number else None,
        "tier_by_hand": values.get("tier") is not None,
        "is_incomplete": entry.is_incomplete,
        "duplicate_reason": duplicate_reason,
        **owned,
        "created_by_id": actor.id,
    }


@cache
def _empty() -> dict[str, Any]:
    return {name: [] if declared.widget in SEVERAL else None for name, declared in fields_of(Customer).items()}


def _contact(customer_id: int, place: int, values: dict[str, Any]) -> dict[str, Any]:
    return {
        **values,
        "customer_id": customer_id,
        "is_primary": place == 0,
        "phone_key": phone_key(values["phone"]),
        "email_key": email_key(values["email"]),
    }


def _insert_customers(session: CrmSession, rows: list[dict[str, Any]], codes: Sequence[str]) -> list[int]:
    # Asking for ordered ids with the insert would make SQLite insert row by row.
    session.execute(insert(_table(Customer)), rows)
    found = session.execute(select(Customer.code, Customer.id).where(Customer.code.in_(codes)), execution_options=unscoped)
    by_code = {row.code: row.id for row in found}
    return [by_code[code] for code in codes]


def _insert_contacts(session: CrmSession, contacts: list[dict[str, Any]]) -> list[int]:
    if not contacts:
        return []
    contacts.sort(key=itemgetter("customer_id"))
    session.execute(insert(_table(Contact)), contacts)
    owners = {contact["customer_id"] for contact in contacts}
    statement = select(Contact.id).where(Contact.customer_id.in_(owners)).order_by(Contact.customer_id, Contact.id)
    return list(session.execute(statement, execution_options=unscoped).scalars())


def _table(model: type[Base]) -> Table:
    # Rows for a model are grouped by which of their values are missing, a statement for each group; for its table there is one.
    return cast(Table, model.__table__)


def _index(session: CrmSession, ids: Sequence[int], codes: Sequence[str], entries: Sequence[Entry]) -> None:
    rows: list[tuple[int, Searchable]] = []
    for customer_id, code, entry in zip(ids, codes, entries, strict=True):
        values = entry.checked.values
        contacts = [(contact["name"], contact["phone"], contact["wechat"]) for contact in entry.checked.contacts]
        rows.append((customer_id, searchable(values["name"], code, values.get("credit_code"), contacts)))
    index_customers(session, rows)


def _log(
    session: CrmSession, customers: Sequence[tuple[int, dict[str, Any]]], contacts: Sequence[tuple[int, dict[str, Any]]], reason: str
) -> None:
    lines = [
        audit.line_for(
            session, "created", entity=Customer.__tablename__, entity_id=row_id, customer_id=row_id, subject=row["name"], reason=reason
        )
        for row_id, row in customers
    ]
    lines += [
        audit.line_for(
            session,
            "created",
            entity=Contact.__tablename__,
            entity_id=row_id,
            customer_id=row["customer_id"],
            subject=row["name"],
            reason=reason,
        )
        for row_id, row in contacts
    ]
    audit.add_lines(session, lines)
