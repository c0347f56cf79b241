"""Contacts of a customer: add, change, remove, make primary [004]."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from crm_core.db import CrmSession
from crm_core.errors import Conflict, IllegalTransition, NotFound, ValidationFailed
from crm_core.i18n import _
from crm_core.models import Contact, Customer
from crm_core.permissions import Actor, Permission, require
from crm_core.services.customer_changes import allowed_changes, refresh
from crm_core.services.customers import lock_customer
from crm_core.services.entry import CONTACT_FIELDS, check_contact
from crm_core.visibility import View, see_all, sensitive_fields


def list_contacts(session: CrmSession, actor: Actor, customer_id: int) -> list[View]:
    """A customer's contacts as the actor sees them, the primary one first."""
    require(actor, Permission.CUSTOMER_READ)
    statement = select(Contact).where(Contact.customer_id == customer_id).order_by(Contact.is_primary.desc(), Contact.id)
    return [View(actor, contact) for contact in session.execute(statement).scalars()]


def add_contact(session: CrmSession, actor: Actor, customer_id: int, values: Mapping[str, Any]) -> Contact:
    """Add a contact; a customer's first one becomes the primary one. Raises `ValidationFailed`, `NotFound`."""
    customer = _customer(session, actor, customer_id)
    clean, errors = check_contact(values)
    if errors:
        raise ValidationFailed(errors)
    is_first = session.execute(select(Contact.id).where(Contact.customer_id == customer_id)).first() is None
    contact = Contact(**clean, customer_id=customer.id, is_primary=is_first)
    session.add(contact)
    refresh(session, customer)
    return contact


def update_contact(session: CrmSession, actor: Actor, contact_id: int, values: Mapping[str, Any], *, version: int) -> Contact:
    """Change a contact; sensitive values may be left out, others not.

    Raises `Conflict` if somebody saved after `version`, `ValidationFailed`, `NotFound`, `NotAllowed`.
    """
    contact, customer = _contact(session, actor, contact_id)
    before = {name: getattr(contact, name) for name in CONTACT_FIELDS}
    if contact.version != version:
        raise Conflict(version=contact.version, theirs=see_all(actor, Contact, before))
    kept = {name: before[name] for name in sensitive_fields(Contact)}
    clean, errors = check_contact(kept | allowed_changes(actor, Contact, before, values))
    if errors:
        raise ValidationFailed(errors)
    for name, value in clean.items():
        if getattr(contact, name) != value:
            setattr(contact, name, value)
    refresh(session, customer)
    return contact


def make_primary(session: CrmSession, actor: Actor, contact_id: int) -> None:
    """Make a contact the one to talk to first."""
    contact, customer = _contact(session, actor, contact_id)
    others = (Contact.customer_id == customer.id, Contact.is_primary, Contact.id != contact.id)
    for other in session.execute(select(Contact).where(*others)).scalars():
        other.is_primary = False
    session.flush()
    contact.is_primary = True
    refresh(session, customer)


def delete_contact(session: CrmSession, actor: Actor, contact_id: int) -> None:
    """Remove a contact; the next one becomes primary. Raises `IllegalTransition` for the last contact of a customer."""
    contact, customer = _contact(session, actor, contact_id)
    others = (
        session.execute(select(Contact).where(Contact.customer_id == customer.id, Contact.id != contact.id).order_by(Contact.id))
        .scalars()
        .all()
    )
    if not others:
        raise IllegalTransition(_("A customer keeps at least one contact. Add another one first."))
    if contact.is_primary:
        others[0].is_primary = True
    session.delete(contact)
    refresh(session, customer)


def _customer(session: CrmSession, actor: Actor, customer_id: int) -> Customer:
    return lock_customer(session, actor, customer_id, Permission.CUSTOMER_EDIT)


def _contact(session: CrmSession, actor: Actor, contact_id: int) -> tuple[Contact, Customer]:
    # The customer is locked first, so that the contact is read as the last change left it.
    customer_id = session.execute(select(Contact.customer_id).where(Contact.id == contact_id)).scalar()
    customer = _customer(session, actor, customer_id) if customer_id else None
    contact = session.execute(select(Contact).where(Contact.id == contact_id)).scalar_one_or_none()
    if contact is None or customer is None:
        raise NotFound(_("This contact was removed meanwhile. Reload the page to see the present ones."))
    return contact, customer
