"""A sheet about a customer to give outside: chosen fields under its alias, with nothing that tells who it is [002].

Whatever the role may read, it holds no identity number, no street address and no credit code; people are an initial and a
position, phones are masked, and of mailboxes not even the domain is left, which would name the company.
"""

import re
from collections.abc import Collection, Sequence

from crm_core import audit, clock
from crm_core.db import CrmSession
from crm_core.errors import ValidationFailed
from crm_core.fields import GROUPS, Field, Widget, read_value
from crm_core.i18n import N_, _, format_time
from crm_core.masking import mask
from crm_core.permissions import Actor, Permission, require
from crm_core.services import display
from crm_core.services.aliases import alias_of
from crm_core.services.contacts import list_contacts
from crm_core.services.customers import load_customer
from crm_core.services.library import Library, get_library
from crm_core.services.sheet_pdf import Sheet, draw_sheet
from crm_core.validation import clean_text
from crm_core.visibility import View

WITHHELD = frozenset({"name", "credit_code", "key_people", "remark", "source_detail"})
"""Fields that tell who the customer is, or are notes among colleagues."""
CONTACTS = "contacts"
PHONES = "phones"
MAILBOXES = "mailboxes"
PEOPLE = {CONTACTS: N_("Contacts: initial and position"), PHONES: N_("Contacts: masked phone"), MAILBOXES: N_("Contacts: masked mailbox")}
USUAL = ("kind", "stage", "segment", "industry", "province", "city", "employees", "revenue", "wanted_products", "budget", CONTACTS)
WRITTEN = frozenset({Widget.TEXT, Widget.LONG_TEXT})
LONGEST = 300
"""So many characters of one value; the sheet is one page."""

_NUMBER = re.compile(r"(?!\d{4}-\d{2}-\d{2}(?!\d))(?<!\d)\+?\d(?:[\s.·-]?[\dXx]){6,}")
_SITE = re.compile(r"(?:https?://|www\.)[^\s，。；、）)]+", re.IGNORECASE)
_MAILBOX = re.compile(r"[^\s@<>()]+@[^\s@<>()]+")


def shareable_fields(library: Library) -> dict[str, Field]:
    """The fields that a sheet may hold."""
    return {
        name: field
        for name, field in library.fields.items()
        if not field.sensitive and name not in WITHHELD and field.widget is not Widget.LINK
    }


def make_sheet(session: CrmSession, actor: Actor, code: str, chosen: Collection[str], *, reason: str) -> bytes:
    """The sheet as a PDF file, with who made it and when across the page; the export and its reason are logged.

    Raises `NotAllowed`, `NotFound`; `ValidationFailed` without a reason and without any field.
    """
    require(actor, Permission.CUSTOMER_EXPORT)
    record = load_customer(session, actor, code)
    library, reason = get_library(session), clean_text(reason)[:300]
    fields = {name: field for name, field in shareable_fields(library).items() if name in chosen}
    people = [name for name in PEOPLE if name in chosen]
    errors = {} if reason else {"reason": [_("Say whom the sheet is for, and why.")]}
    if not (fields or people):
        errors["fields"] = [_("Choose at least one field.")]
    if errors:
        raise ValidationFailed(errors)
    customer, contacts = View(actor, record), list_contacts(session, actor, record.id)
    sheet = Sheet(
        title=alias_of(library, customer),
        groups=_groups(library, customer, contacts, fields),
        people=[_person(contact, people) for contact in contacts] if people else [],
        mark=f"{actor.name} {format_time(clock.now())}",
        foot=_("Made by {name} at {time} for: {reason}").format(name=actor.name, time=format_time(clock.now()), reason=reason),
    )
    audit.record(session, "exported", record, new=", ".join([*fields, *people]), reason=reason)
    return draw_sheet(sheet)


def _groups(library: Library, customer: View, contacts: Sequence[View], fields: dict[str, Field]) -> dict[str, list[tuple[str, str]]]:
    secrets = {customer.name: alias_of(library, customer)} | {one.name: _initial(one.name) for one in contacts}
    groups: dict[str, list[tuple[str, str]]] = {}
    for name, field in fields.items():
        value = customer.industry_text if name == "industry" and not customer.industry else read_value(customer, field)
        text = display.show(field, value, library)
        if text:
            is_written = field.widget in WRITTEN or field.is_open
            groups.setdefault(_(GROUPS[field.group]), []).append((field.title, scrub(text, secrets) if is_written else text))
    return groups


def scrub(text: str, secrets: dict[str, str]) -> str:
    """A text that somebody wrote, without the names in `secrets`, mailboxes, addresses of web sites and numbers of seven digits or more."""
    for name, instead in sorted(secrets.items(), key=lambda pair: -len(pair[0])):
        text = instead.join(re.split(re.escape(name), text, flags=re.IGNORECASE))
    text = _NUMBER.sub("***", _SITE.sub("***", _MAILBOX.sub("***", text)))
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _person(contact: View, chosen: Collection[str]) -> tuple[str, ...]:
    phone = mask("phone", contact.phone or "") if PHONES in chosen else ""
    mailbox = (contact.email or "") if MAILBOXES in chosen else ""
    hidden = mask("email", mailbox).partition("@")[0] + "@****" if "@" in mailbox else ""
    return _initial(contact.name), contact.position or "", phone, hidden


def _initial(name: str) -> str:
    return f"{name[:1]}**"
