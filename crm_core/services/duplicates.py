"""Possible duplicates of an entry: by normalised name, credit code, identity number, phone and mailbox [002]."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from rapidfuzz import fuzz
from sqlalchemy import ColumnElement, Select, select

from crm_core import crypto
from crm_core.db import CrmSession
from crm_core.i18n import N_, _
from crm_core.masking import mask
from crm_core.models import Contact, Customer, Place
from crm_core.normal import email_key, is_same_place, name_key, name_parts, phone_key
from crm_core.permissions import Actor
from crm_core.pinyin import pinyin_of
from crm_core.scope import unscoped, visible_customers
from crm_core.search import only_matching
from crm_core.services.entry import Checked
from crm_core.services.users import user_names
from crm_core.validation import clean_text

SAME_NAME = N_("same name")
SAME_CODE = N_("same credit code")
SAME_IDENTITY = N_("same identity number")
SAME_PHONE = N_("same phone")
SAME_EMAIL = N_("same mailbox")
SIMILAR_NAME = N_("similar name")
REASONS = {
    "credit_code": SAME_CODE,
    "identity": SAME_IDENTITY,
    "name": SAME_NAME,
    "phone": SAME_PHONE,
    "email": SAME_EMAIL,
    "similar": SIMILAR_NAME,
}
"""Why two customers may be one, by the code that a stored pair keeps."""
FIELD_OF = {SAME_NAME: "name", SAME_CODE: "credit_code", SAME_IDENTITY: "identity_number"}
EXACT = frozenset(FIELD_OF)

SIMILARITY = 82
SHORTEST = 4
"""Shorter names proper are only similar when they are the same."""
ALMOST = 95
"""The most that names come to whose marks only sound the same."""
COMPARED = (Place.LIBRARY, Place.ARCHIVE, Place.REVIEW)
"""Where a customer lies that an entry is compared with; what was deleted or merged is not."""


@dataclass
class Duplicate:
    """A customer that may be the same. `name` is masked and `code` empty where the actor may not see the customer."""

    customer_id: int
    code: str
    name: str
    owner: str
    place: str
    reasons: list[str] = field(default_factory=list)

    @property
    def is_exact(self) -> bool:
        """Whether going on needs a reason."""
        return any(reason in EXACT for reason in self.reasons)


def find_duplicates(
    session: CrmSession,
    actor: Actor,
    *,
    name: str = "",
    kind: str = "enterprise",
    credit_code: str | None = None,
    identity_number: str | None = None,
    phones: Sequence[str] = (),
    emails: Sequence[str] = (),
    besides: int | None = None,
) -> list[Duplicate]:
    """Customers that may be the one being entered, exact ones first, at most ten."""
    reasons: dict[int, list[str]] = defaultdict(list)
    key = name_key(name)
    by_customer: list[tuple[str, ColumnElement[bool]]] = []
    if key and kind == "enterprise":
        by_customer.append((SAME_NAME, Customer.name_key == key))
    if credit_code:
        by_customer.append((SAME_CODE, Customer.credit_code == credit_code))
    if identity_number:
        by_customer.append((SAME_IDENTITY, Customer.identity_hash == crypto.keyed_hash(identity_number)))
    for reason, condition in by_customer:
        for (found,) in session.execute(_live(condition), execution_options=unscoped):
            reasons[found].append(reason)
    for reason, condition in _contact_conditions(phones, emails):
        ids = select(Contact.customer_id).where(condition)
        for (found,) in session.execute(_live(Customer.id.in_(ids)), execution_options=unscoped):
            reasons[found].append(reason)
    if kind == "enterprise":
        for found in _similar(session, key):
            if SAME_NAME not in reasons[found]:
                reasons[found].append(SIMILAR_NAME)
    reasons.pop(besides or 0, None)
    return _describe(session, actor, reasons)


def find_duplicates_of(session: CrmSession, actor: Actor, checked: Checked, *, besides: int | None = None) -> list[Duplicate]:
    """The same for a checked entry, whole or half filled: values that failed their check are left out."""
    values = {name: value for name, value in checked.values.items() if name not in checked.errors}
    return find_duplicates(
        session,
        actor,
        name=values.get("name") or "",
        kind=values.get("kind") or "",
        credit_code=values.get("credit_code"),
        identity_number=values.get("identity_number"),
        phones=[contact["phone"] for contact in checked.contacts if contact.get("phone")],
        emails=[contact["email"] for contact in checked.contacts if contact.get("email")],
        besides=besides,
    )


def lacks_reason(found: Iterable[Duplicate], reason: str) -> list[str]:
    """The sentence that asks for a reason, where one of these is exact and nothing but blanks was given; else nothing."""
    if clean_text(reason) or not any(one.is_exact for one in found):
        return []
    return [_("This customer seems to exist already. Say why it is entered again.")]


def twins_by_field(found: Iterable[Duplicate]) -> dict[str, list[str]]:
    """Sentences that name the exact duplicates, by the field that is the same."""
    sentences: dict[str, list[str]] = defaultdict(list)
    for one in found:
        for reason in EXACT.intersection(one.reasons):
            sentence = _("“{name}” has the same here already. Check it, or give the reason why both are kept.").format(name=one.name)
            sentences[FIELD_OF[reason]].append(sentence)
    return dict(sentences)


def _live(condition: ColumnElement[bool]) -> Select[int]:
    return select(Customer.id).where(condition, Customer.place.in_(COMPARED)).limit(10)


def _contact_conditions(phones: Sequence[str], emails: Sequence[str]) -> list[tuple[str, ColumnElement[bool]]]:
    phone_keys = [key for phone in phones if (key := phone_key(phone))]
    email_keys = [key for email in emails if (key := email_key(email))]
    conditions: list[tuple[str, ColumnElement[bool]]] = []
    if phone_keys:
        conditions.append((SAME_PHONE, Contact.phone_key.in_(phone_keys)))
    if email_keys:
        conditions.append((SAME_EMAIL, Contact.email_key.in_(email_keys)))
    return conditions


def _similar(session: CrmSession, key: str) -> list[int]:
    # What is its own comes first; the trade after it is common to many.
    own = name_parts(key)[1][:4]
    if len(own) < 4:
        return []
    candidates = only_matching(session, select(Customer.id, Customer.name_key).where(Customer.place.in_(COMPARED)), own)
    rows = session.execute(candidates.limit(50), execution_options=unscoped)
    return [row.id for row in rows if likeness(name_parts(key), name_parts(row.name_key))]


def likeness(one: tuple[str, str], other: tuple[str, str]) -> float:
    """How alike two names are, 0 to 100, by their `name_parts`: what is their own, where the places do not speak against it.

    The first two characters of it have to sound the same (恒远, 恒源): with another mark it is another company.
    """
    (place, own), (other_place, other_own) = one, other
    if not is_same_place(place, other_place):
        return 0
    if own == other_own:
        return 100
    if min(len(own), len(other_own)) < SHORTEST:
        return 0
    found = min(fuzz.ratio(own, own[:2] + other_own[2:]), ALMOST)
    return found if found >= SIMILARITY and sound_of(own) == sound_of(other_own) else 0


def sound_of(own: str) -> str:
    """How the mark of a company sounds, by which similar names are looked for."""
    return pinyin_of(own[:2])


def _describe(session: CrmSession, actor: Actor, reasons: dict[int, list[str]]) -> list[Duplicate]:
    if not reasons:
        return []
    rows = session.execute(
        select(
            Customer.id, Customer.code, Customer.name, Customer.owner_id, Customer.place, visible_customers(actor).label("visible")
        ).where(Customer.id.in_(reasons)),
        execution_options=unscoped,
    )
    owners = user_names(session)
    found = [
        Duplicate(
            row.id,
            row.code if row.visible else "",
            row.name if row.visible else mask("name", row.name),
            owners.get(row.owner_id or 0, ""),
            row.place,
            reasons[row.id],
        )
        for row in rows
    ]
    return sorted(found, key=lambda one: (not one.is_exact, -len(one.reasons), one.customer_id))[:10]
