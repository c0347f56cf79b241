"""Possible duplicates of an entry: by normalised name, credit code, identity number, phone and mailbox [002]."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from rapidfuzz import fuzz
from sqlalchemy import ColumnElement, Select, select

from crm_core import crypto
from crm_core.db import CrmSession
from crm_core.i18n import N_
from crm_core.masking import mask
from crm_core.models import Contact, Customer
from crm_core.normal import email_key, name_key, phone_key
from crm_core.permissions import Actor
from crm_core.scope import unscoped, visible_customers
from crm_core.search import only_matching
from crm_core.services.users import user_names
from crm_core.validation import check_phone

SAME_NAME = N_("same name")
SAME_CODE = N_("same credit code")
SAME_IDENTITY = N_("same identity number")
SAME_PHONE = N_("same phone")
SAME_EMAIL = N_("same mailbox")
SIMILAR_NAME = N_("similar name")
EXACT = frozenset({SAME_NAME, SAME_CODE, SAME_IDENTITY})

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


def _live(condition: ColumnElement[bool]) -> Select[int]:
    return select(Customer.id).where(condition, Customer.deleted_at.is_(None)).limit(10)


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
    candidates = only_matching(session, select(Customer.id, Customer.name_key).where(Customer.deleted_at.is_(None)), middle)
    rows = session.execute(candidates.limit(50), execution_options=unscoped)
    return [row.id for row in rows if fuzz.ratio(key, row.name_key) >= SIMILARITY]


def _describe(session: CrmSession, actor: Actor, reasons: dict[int, list[str]]) -> list[Duplicate]:
    if not reasons:
        return []
    rows = session.execute(
        select(Customer.id, Customer.code, Customer.name, Customer.owner_id, visible_customers(actor).label("visible")).where(
            Customer.id.in_(reasons)
        ),
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
        )
        for row in rows
    ]
    return sorted(found, key=lambda one: (not one.is_exact, -len(one.reasons), one.customer_id))[:10]


def clean_phone(text: str | None) -> str | None:
    """A phone as it is stored, where what was typed so far is one; otherwise None."""
    try:
        return check_phone(text, {}) if text else None
    except ValueError:
        return None  # still being typed: the form's own check explains it
