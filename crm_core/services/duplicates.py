"""Possible duplicates of an entry: by normalised name, credit code, identity number, phone and mailbox [002]."""

import re
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
from crm_core.normal import email_key, name_key, phone_key
from crm_core.permissions import Actor
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
FIELD_OF = {SAME_NAME: "name", SAME_CODE: "credit_code", SAME_IDENTITY: "identity_number"}
EXACT = frozenset(FIELD_OF)

COMPARED = (Place.LIBRARY, Place.REVIEW)
"""Where a customer lies that is the same: an entry under review counts too."""
SIMILARITY = 88
_FORM = re.compile(r"(集团|股份)?(有限)?(责任)?公司$")


@dataclass
class Duplicate:
    """A customer that may be the same. `name` is masked and `code` empty where the actor may not see the customer."""

    customer_id: int
    code: str
    name: str
    owner: str
    reasons: list[str] = field(default_factory=list)
    is_under_review: bool = False

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
    core = _FORM.sub("", key)
    if len(core) < 4:
        return []
    # The middle of a name carries what is its own; the place before it and the trade after it are common to many.
    middle = core[2:6] if len(core) >= 6 else core
    candidates = only_matching(session, select(Customer.id, Customer.name_key).where(Customer.place.in_(COMPARED)), middle)
    rows = session.execute(candidates.limit(50), execution_options=unscoped)
    return [row.id for row in rows if fuzz.ratio(key, row.name_key) >= SIMILARITY]


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
            reasons[row.id],
            row.place == Place.REVIEW,
        )
        for row in rows
    ]
    return sorted(found, key=lambda one: (not one.is_exact, -len(one.reasons), one.customer_id))[:10]
