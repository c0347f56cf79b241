"""Bringing what a row says into a customer that exists: filled cells overwrite, empty ones leave what is there."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import select

from crm_core.db import CrmSession
from crm_core.fields import fields_of
from crm_core.models import Contact, Customer
from crm_core.normal import phone_key
from crm_core.permissions import Actor
from crm_core.services.customers import refresh
from crm_core.services.entry import CONTACT_FIELDS, check_contact, check_customer
from crm_core.services.imports.mapping import CONTACT
from crm_core.services.imports.rows import Entry
from crm_core.services.library import Library, suggest_industry

Errors = dict[str, list[str]]


class Update(NamedTuple):
    """What came of a row: its errors by target, and whether it says anything that the customer does not say already."""

    errors: Errors
    has_news: bool


def load_customers(session: CrmSession, ids: Iterable[int], *, lock: bool) -> dict[int, Customer]:
    """The customers to update by id, locked where they will be written."""
    statement = select(Customer).where(Customer.id.in_(list(ids)), Customer.deleted_at.is_(None))
    found = session.execute(statement.with_for_update() if lock else statement).scalars()
    return {customer.id: customer for customer in found}


def update_from(session: CrmSession, actor: Actor, library: Library, customer: Customer, entry: Entry, *, write: bool) -> Update:
    """Check what the row gives together with what the customer has, and save it where `write` says so.

    Nature and type stay as they are. A contact of the same name or phone is changed, another one is added. The change log
    takes the reason from the session. With any error nothing is changed.
    """
    changes, errors = _customer_changes(library, customer, entry)
    contact = _contact_of(session, customer, entry)
    contact_changes, contact_errors = _contact_changes(contact, customer, entry)
    update = Update(errors | contact_errors, has_news=bool(changes or contact_changes))
    if update.errors or not update.has_news or not write:
        return update
    for name, value in changes.items():
        setattr(customer, name, value)
    if changes.get("industry_text"):
        suggest_industry(session, actor, changes["industry_text"])
    if contact_changes:
        _save_contact(session, customer, contact, contact_changes)
    refresh(session, customer)
    return update


def _customer_changes(library: Library, customer: Customer, entry: Entry) -> tuple[dict[str, Any], Errors]:
    declared = fields_of(Customer)
    given = {name: value for name, value in entry.given.items() if name in declared and not declared[name].fixed}
    before = {name: getattr(customer, name) for name in declared}
    before["industry"] = before["industry"] or customer.industry_text
    clean, errors = check_customer(library, {**before, **given}, require=False)
    changes = {name: clean[name] for name in given if name in clean}
    if "industry" in changes:
        changes["industry_text"] = clean.get("industry_text")
    changes = {name: value for name, value in changes.items() if value != getattr(customer, name)}
    return changes, {name: sentences for name, sentences in errors.items() if name in given}


def _contact_of(session: CrmSession, customer: Customer, entry: Entry) -> Contact | None:
    given = entry.given_contact
    if not given:
        return None
    contacts = (
        session.execute(select(Contact).where(Contact.customer_id == customer.id).order_by(Contact.is_primary.desc(), Contact.id))
        .scalars()
        .all()
    )
    checked = entry.checked.contacts[0] if entry.checked.contacts else given
    same_name = [one for one in contacts if given.get("name") and one.name == checked.get("name")]
    key = phone_key(checked.get("phone"))
    same_phone = [one for one in contacts if key and one.phone_key == key and not given.get("name")]
    primary = [one for one in contacts if not given.get("name") and not key]
    return next(iter([*same_name, *same_phone, *primary]), None)


def _contact_changes(contact: Contact | None, customer: Customer, entry: Entry) -> tuple[dict[str, Any], Errors]:
    given = dict(entry.given_contact)
    if not given:
        return {}, {}
    if contact is None and not given.get("name"):
        given["name"] = entry.checked.contacts[0]["name"] if entry.checked.contacts else customer.name
    before = {name: getattr(contact, name) for name in CONTACT_FIELDS} if contact else {}
    clean, errors = check_contact({**before, **given}, require=False)
    changes = {name: clean[name] for name in given if contact is None or clean[name] != getattr(contact, name)}
    return changes, {CONTACT + name: sentences for name, sentences in errors.items() if name in given}


def _save_contact(session: CrmSession, customer: Customer, contact: Contact | None, changes: dict[str, Any]) -> None:
    if contact is None:
        is_first = session.execute(select(Contact.id).where(Contact.customer_id == customer.id)).first() is None
        session.add(Contact(**changes, customer_id=customer.id, is_primary=is_first))
        return
    for name, value in changes.items():
        setattr(contact, name, value)
