"""Customers: entering, listing, reading, changing, deleting and restoring them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, exists, func, select

from crm_core import audit, clock
from crm_core.cache import cached
from crm_core.config import settings
from crm_core.db import CrmSession
from crm_core.errors import Conflict, NotFound, ValidationFailed
from crm_core.fields import fields_of
from crm_core.i18n import _
from crm_core.models import Attachment, Contact, Customer, CustomerTag, Draft
from crm_core.numbering import bump, customer_codes
from crm_core.permissions import Actor, Permission, require
from crm_core.scope import key_of, unscoped
from crm_core.search import customer_search, only_matching, reindex, words_of
from crm_core.services.attachments import attach
from crm_core.services.duplicates import FIELD_OF, find_duplicates_of, lacks_reason, twins_by_field
from crm_core.services.entry import Checked, check_customer, check_entry, missing_fields
from crm_core.services.library import get_library, suggest_industry
from crm_core.validation import clean_text

PAGE_SIZE = 50
COUNT_LIMIT = 1000
"""A search stops counting here, so that a common word costs no more than a rare one."""

SORTS: dict[str, tuple[ColumnElement[Any], ...]] = {
    "newest": (Customer.id.desc(),),
    "oldest": (Customer.id.asc(),),
    "updated": (Customer.updated_at.desc(), Customer.id.desc()),
    "name": (Customer.name_key.asc(), Customer.id.asc()),
    "amount": (Customer.cooperation_amount.desc().nulls_last(), Customer.id.desc()),
}


@dataclass(frozen=True)
class CustomerQuery:
    """What a list shows: search phrase, filters (several values of one filter mean any of them), order and page."""

    phrase: str = ""
    filters: tuple[tuple[str, tuple[str, ...]], ...] = ()
    owners: tuple[int, ...] = ()
    tags: tuple[int, ...] = ()
    created_from: date | None = None
    created_to: date | None = None
    incomplete: bool = False
    sort: str = "newest"
    page: int = 1


@dataclass(frozen=True)
class CustomerPage:
    """One page of a list. `total` is exact unless `is_capped`: then there are more."""

    rows: list[Row[*tuple[Any, ...]]]
    contacts: dict[int, Row[*tuple[Any, ...]]]
    total: int
    is_capped: bool
    page: int

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-self.total // PAGE_SIZE))


@dataclass
class NewCustomer:
    """What came of a submission."""

    customer: Customer
    is_repeated: bool = False
    warnings: dict[str, str] = field(default_factory=dict)


def list_customers(session: CrmSession, actor: Actor, query: CustomerQuery) -> CustomerPage:
    """One page of the customers within the actor's scope. Two queries for the rows, one more for a new search or count."""
    require(actor, Permission.CUSTOMER_READ)
    found = _find(session, query) if query.phrase else None
    total = _count(session, query) if found is None else min(len(found), COUNT_LIMIT)
    page = min(max(query.page, 1), max(1, -(-total // PAGE_SIZE)))
    rows = _read_rows(session, query, page, found)
    contacts = session.execute(
        select(Contact.customer_id, Contact.name, Contact.phone).where(
            Contact.customer_id.in_([row.id for row in rows]), Contact.is_primary
        )
    )
    is_capped = found is not None and len(found) > COUNT_LIMIT
    return CustomerPage(rows, {row.customer_id: row for row in contacts}, total, is_capped, page)


def _read_rows(session: CrmSession, query: CustomerQuery, page: int, found: Sequence[int] | None) -> list[Row[*tuple[Any, ...]]]:
    columns = select(
        Customer.id,
        Customer.code,
        Customer.name,
        Customer.kind,
        Customer.stage,
        Customer.tier,
        Customer.industry,
        Customer.industry_text,
        Customer.province,
        Customer.city,
        Customer.source,
        Customer.owner_id,
        Customer.is_incomplete,
        Customer.cooperation_amount,
        Customer.created_at,
        Customer.updated_at,
    )
    first = (page - 1) * PAGE_SIZE
    if found is None:
        return list(session.execute(_filtered(session, columns, query).order_by(*_order(query)).limit(PAGE_SIZE).offset(first)))
    ids = found[first : first + PAGE_SIZE]
    read = {row.id: row for row in session.execute(columns.where(Customer.id.in_(ids), Customer.deleted_at.is_(None)))}
    return [read[one] for one in ids if one in read]


def _find(session: CrmSession, query: CustomerQuery) -> tuple[int, ...]:
    """What a search finds, in order, up to one more than is counted: matched once, for the count and for all its pages."""

    def find() -> tuple[int, ...]:
        statement = _filtered(session, select(Customer.id), query).order_by(*_order(query)).limit(COUNT_LIMIT + 1)
        return tuple(session.execute(statement).scalars())

    return cached(session, "customers", ("found", key_of(session), replace(query, page=1)), find)


def _order(query: CustomerQuery) -> tuple[ColumnElement[Any], ...]:
    by_age = {"newest": customer_search.c.rowid.desc(), "oldest": customer_search.c.rowid.asc()}
    if words_of(query.phrase) and query.sort in by_age:
        # FTS5 finds rows in this order and stops after a page; ordered by the customer's own id it would collect and sort all.
        return (by_age[query.sort],)
    return SORTS.get(query.sort, SORTS["newest"])


def _count(session: CrmSession, query: CustomerQuery) -> int:
    def count() -> int:
        total: int = session.execute(_filtered(session, select(func.count()).select_from(Customer), query)).scalar_one()
        return total

    return cached(session, "customers", ("count", key_of(session), replace(query, sort="", page=1)), count)


def _filtered(session: CrmSession, statement: Select[*tuple[Any, ...]], query: CustomerQuery) -> Select[*tuple[Any, ...]]:
    statement = statement.where(Customer.deleted_at.is_(None), *_conditions(session, query))
    return only_matching(session, statement, query.phrase) if query.phrase else statement


def _conditions(session: CrmSession, query: CustomerQuery) -> list[ColumnElement[bool]]:
    declared = fields_of(Customer)
    conditions: list[ColumnElement[bool]] = [
        getattr(Customer, name).in_(get_library(session).with_divisions(values) if name == "industry" else values)
        for name, values in query.filters
        if name in declared and declared[name].filterable and values
    ]
    if query.owners:
        conditions.append(Customer.owner_id.in_(query.owners))
    if query.tags:
        conditions.append(exists().where(CustomerTag.customer_id == Customer.id, CustomerTag.tag_id.in_(query.tags)))
    if query.created_from:
        conditions.append(Customer.created_at >= start_of_day(query.created_from))
    if query.created_to:
        conditions.append(Customer.created_at < start_of_day(query.created_to + timedelta(days=1)))
    if query.incomplete:
        conditions.append(Customer.is_incomplete.is_(True))
    return conditions


def start_of_day(day: date) -> datetime:
    """The moment a day begins where the team works."""
    return datetime.combine(day, time(), settings().timezone)


def get_customer(session: CrmSession, actor: Actor, code: str) -> Customer:
    """A customer by code. Raises `NotFound` if it is deleted or outside the actor's scope."""
    require(actor, Permission.CUSTOMER_READ)
    customer = session.execute(
        select(Customer).where(Customer.code == clean_text(code), Customer.deleted_at.is_(None))
    ).scalar_one_or_none()
    if customer is None:
        raise NotFound(_("This customer was deleted or is not visible to you. Go back to the customer list."))
    return customer


def _get_for_change(session: CrmSession, actor: Actor, customer_id: int, permission: Permission) -> Customer:
    require(actor, permission)
    statement = select(Customer).where(Customer.id == customer_id, Customer.deleted_at.is_(None)).with_for_update()
    customer = session.execute(statement).scalar_one_or_none()
    if customer is None:
        raise NotFound(_("This customer was deleted or is not visible to you. Go back to the customer list."))
    return customer


def create_customer(
    session: CrmSession,
    actor: Actor,
    values: Mapping[str, Any],
    contacts: Sequence[Mapping[str, Any]],
    *,
    duplicate_reason: str = "",
    draft_id: str | None = None,
) -> NewCustomer:
    """Enter a customer with its contacts; the first contact is the primary one.

    A second submission of the same draft (double click, two tabs) returns the customer that the first one made.
    Raises `ValidationFailed`: for fields that break a rule, and for an exact duplicate without a reason (`duplicate_reason`).
    """
    require(actor, Permission.CUSTOMER_CREATE)
    if draft_id and (made := _submitted(session, actor, draft_id)):
        return NewCustomer(made, is_repeated=True)
    library = get_library(session)
    checked = check_entry(library, values, contacts)
    if not checked.errors and (sentences := lacks_reason(find_duplicates_of(session, actor, checked), duplicate_reason)):
        checked.errors["duplicate_reason"] = sentences
    if checked.errors:
        raise ValidationFailed(checked.errors)
    customer = Customer(
        **checked.values,
        code=customer_codes(session)[0],
        industry_text=checked.industry_text,
        intake_key=draft_id,
        owner_id=actor.id,
        created_by_id=actor.id,
        duplicate_reason=clean_text(duplicate_reason)[:300] or None,
    )
    session.add(customer)
    session.flush()
    for place, contact in enumerate(checked.contacts):
        session.add(Contact(**contact, customer_id=customer.id, is_primary=place == 0))
    if checked.industry_text:
        suggest_industry(session, actor, checked.industry_text)
    if draft_id:
        _take_over_draft(session, draft_id, customer)
    reindex(session, customer.id)
    bump(session, "customers")
    return NewCustomer(customer, warnings=checked.warnings)


def _submitted(session: CrmSession, actor: Actor, draft_id: str) -> Customer | None:
    # The draft is locked first: of two submissions at once the second waits here and then finds the customer.
    author = session.execute(select(Draft.user_id).where(Draft.id == draft_id).with_for_update()).scalar()
    made = session.execute(select(Customer).where(Customer.intake_key == draft_id), execution_options=unscoped).scalar_one_or_none()
    if {author, made.created_by_id if made else None} - {None, actor.id}:
        raise NotFound(_("This draft was submitted or discarded. Begin a new entry."))
    return made


def _take_over_draft(session: CrmSession, draft_id: str, customer: Customer) -> None:
    for attachment in session.execute(select(Attachment).where(Attachment.draft_id == draft_id)).scalars().all():
        attach(session, attachment, customer)
    draft = session.get(Draft, draft_id)
    if draft is not None:
        session.delete(draft)


def update_customer(
    session: CrmSession, actor: Actor, customer_id: int, changes: Mapping[str, Any], *, version: int, reason: str = ""
) -> Customer:
    """Change fields of a customer; the change log keeps the reason, which is demanded where a value is corrected [002]
    and where a name or number becomes that of another customer.

    Raises `Conflict` with the present values if somebody saved after `version`, `ValidationFailed`, `NotFound`, `NotAllowed`.
    """
    customer = _get_for_change(session, actor, customer_id, Permission.CUSTOMER_EDIT)
    declared = fields_of(Customer)
    changes = {name: value for name, value in changes.items() if name in declared and not declared[name].fixed}
    if customer.version != version:
        raise Conflict(version=customer.version, theirs={name: getattr(customer, name) for name in declared if name != "identity_number"})
    before = {name: getattr(customer, name) for name in declared}
    if before["industry"] is None:
        before["industry"] = customer.industry_text
    library = get_library(session)
    clean, errors = check_customer(library, {**before, **changes}, require=False)
    known = check_customer(library, before, require=False)[1] if errors else {}
    errors = {name: sentences for name, sentences in errors.items() if name in changes or name not in known}
    _demand_required(before, changes, clean, errors)
    entered = clean | {"industry": clean.get("industry") or clean.get("industry_text")}
    changed = {name for name in changes if entered.get(name) != before[name]}
    corrected = {name for name in changed if before[name] not in (None, [], "")}
    if corrected and not clean_text(reason):
        errors["reason"] = [_("Say why an existing value is corrected.")]
    if not errors.keys() - {"reason"} and not clean_text(reason):
        errors = _twins(session, actor, customer, {name: clean.get(name) for name in changed}) | errors
    if errors:
        raise ValidationFailed(errors)
    session.info["reason"] = clean_text(reason)[:300] or None
    for name in changed:
        setattr(customer, name, clean.get(name))
    if "industry" in changed:
        customer.industry_text = clean.get("industry_text")
        if customer.industry_text:
            suggest_industry(session, actor, customer.industry_text)
    refresh(session, customer)
    return customer


def _twins(session: CrmSession, actor: Actor, customer: Customer, changed: Mapping[str, Any]) -> dict[str, list[str]]:
    identifying = {name: changed[name] for name in FIELD_OF.values() if changed.get(name)}
    if not identifying:
        return {}
    found = find_duplicates_of(session, actor, Checked({"kind": customer.kind, **identifying}, []), besides=customer.id)
    sentences = lacks_reason(found, "")
    return {"reason": sentences, **twins_by_field(found)} if sentences else {}


def _demand_required(before: Mapping[str, Any], changes: Mapping[str, Any], clean: Mapping[str, Any], errors: dict[str, list[str]]) -> None:
    # An incomplete record may be completed in steps; what is there may not be emptied.
    for name, declared in fields_of(Customer).items():
        emptied = name in changes and clean.get(name) is None and not clean.get(f"{name}_text")
        if emptied and declared.is_required(before) and before[name] not in (None, [], "") and name not in errors:
            errors[name] = [_("{label} is required.").format(label=declared.title)]


def refresh(session: CrmSession, customer: Customer) -> None:
    """After a change to a customer or its contacts: completeness, search row and revision."""
    session.flush()
    contacts = (
        session.execute(select(Contact.name, Contact.phone, Contact.email).where(Contact.customer_id == customer.id)).mappings().all()
    )
    values = {name: getattr(customer, name) for name in fields_of(Customer)}
    customer.is_incomplete = bool(missing_fields(values, [dict(one) for one in contacts], industry_text=customer.industry_text))
    reindex(session, customer.id)
    bump(session, "customers")


def what_is_missing(session: CrmSession, customer: Customer) -> list[str]:
    """The labels of the required fields that an incomplete customer lacks."""
    contacts = (
        session.execute(select(Contact.name, Contact.phone, Contact.email).where(Contact.customer_id == customer.id)).mappings().all()
    )
    declared = fields_of(Customer)
    values = {name: getattr(customer, name) for name in declared}
    names = missing_fields(values, [dict(one) for one in contacts], industry_text=customer.industry_text)
    return [declared[name].title if name in declared else _("Contacts") for name in names]


def reveal_identity_number(session: CrmSession, actor: Actor, customer_id: int, *, reason: str) -> str:
    """The whole identity number, for those who may; the look and its reason are logged [002]."""
    require(actor, Permission.IDENTITY_READ)
    if not clean_text(reason):
        raise ValidationFailed({"reason": [_("Say why you need to see the number.")]})
    customer = _get_for_change(session, actor, customer_id, Permission.CUSTOMER_READ)
    audit.record(session, "viewed", customer, new="identity_number", reason=clean_text(reason)[:300])
    return customer.identity_number or ""


def delete_customer(session: CrmSession, actor: Actor, customer_id: int, *, reason: str = "") -> Customer:
    """Move a customer to the recycle bin, from where it can be restored [004]."""
    customer = _get_for_change(session, actor, customer_id, Permission.CUSTOMER_DELETE)
    session.info["reason"] = clean_text(reason)[:300] or None
    customer.deleted_at = clock.now()
    bump(session, "customers")
    return customer


def restore_customer(session: CrmSession, actor: Actor, customer_id: int) -> Customer:
    """Take a customer back out of the recycle bin. Raises `NotFound` if it is not there."""
    require(actor, Permission.CUSTOMER_DELETE)
    customer = session.execute(
        select(Customer).where(Customer.id == customer_id, Customer.deleted_at.is_not(None)).with_for_update()
    ).scalar_one_or_none()
    if customer is None:
        raise NotFound
    customer.deleted_at = None
    bump(session, "customers")
    return customer
