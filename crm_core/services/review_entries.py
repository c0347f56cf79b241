"""An entry as a step of its review keeps it, and what changed between two steps."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from sqlalchemy import select

from crm_core.db import CrmSession
from crm_core.fields import Field, fields_of, from_json, read_values, to_json
from crm_core.i18n import _
from crm_core.models import Attachment, Contact, Customer
from crm_core.permissions import Access, Actor
from crm_core.scope import unscoped
from crm_core.services import display
from crm_core.services.entry import CONTACT_FIELDS
from crm_core.services.library import Library, get_library
from crm_core.visibility import see

Snapshot = Mapping[str, Any]


@dataclass(frozen=True)
class Line:
    """One value of two versions of an entry, as the reader sees it."""

    group: str
    label: str
    old: str
    new: str
    is_changed: bool


def contacts_of(session: CrmSession, customer_id: int) -> list[Contact]:
    """The contacts of an entry, whoever reads it: for services only."""
    statement = select(Contact).where(Contact.customer_id == customer_id).order_by(Contact.is_primary.desc(), Contact.id)
    return list(session.execute(statement, execution_options=unscoped).scalars())


def files_of(session: CrmSession, customer_id: int) -> list[Attachment]:
    """The files of an entry, latest first, whoever reads it: for services only."""
    statement = select(Attachment).where(Attachment.customer_id == customer_id).order_by(Attachment.id.desc())
    return list(session.execute(statement, execution_options=unscoped).scalars())


def snapshot(session: CrmSession, customer: Customer) -> dict[str, Any]:
    """Values, contacts and names of files, as JSON keeps them; in the form in which the intake form holds an entry."""
    values = {name: to_json(value) for name, value in read_values(customer, get_library(session).fields).items()}
    values["industry"] = values["industry"] or customer.industry_text
    contacts = [{name: getattr(contact, name) for name in CONTACT_FIELDS} for contact in contacts_of(session, customer.id)]
    return {"values": values, "contacts": contacts, "files": [file.filename for file in files_of(session, customer.id)]}


def compare(actor: Actor, library: Library, old: Snapshot, new: Snapshot) -> list[Line]:
    """All values of two versions side by side, without those that both lack; sensitive ones as the actor sees them."""
    return [
        *_values(actor, library, old["values"], new["values"], library.known_fields),
        *_contacts(actor, library, old["contacts"], new["contacts"]),
        *_files(old["files"], new["files"]),
    ]


def _values(
    actor: Actor, library: Library, old: Mapping[str, Any], new: Mapping[str, Any], fields: Mapping[str, Field], prefix: str = ""
) -> Iterator[Line]:
    for name, field in fields.items():
        before, after = old.get(name), new.get(name)
        if before or after:
            old_text, new_text = (_shown(actor, library, field, value) for value in (before, after))
            yield Line(field.group, prefix + field.title, old_text, new_text, (before or None) != (after or None))


def _shown(actor: Actor, library: Library, field: Field, value: Any) -> str:
    if value and field.sensitive:
        if actor.access_to(field.sensitive) is Access.HIDDEN:
            return _("hidden from your role")
        value = see(actor, field.sensitive, value)
    return display.show(field, from_json(field, value), library)


def _contacts(actor: Actor, library: Library, old: list[dict[str, Any]], new: list[dict[str, Any]]) -> Iterator[Line]:
    fields = {name: fields_of(Contact)[name] for name in CONTACT_FIELDS}
    pairs: Iterable[tuple[dict[str, Any], dict[str, Any]]] = zip_longest(old, new, fillvalue={})
    for number, (before, after) in enumerate(pairs, start=1):
        prefix = _("Contact {number}").format(number=number) + " · "
        yield from _values(actor, library, before, after, fields, prefix)


def _files(old: list[str], new: list[str]) -> Iterator[Line]:
    for name in dict.fromkeys([*old, *new]):
        before, after = (name if name in names else "" for names in (old, new))
        yield Line("files", _("Attachment"), before, after, is_changed=before != after)
