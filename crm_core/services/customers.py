"""Customers: entering, reading, deleting and restoring them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.errors import NotFound, ValidationFailed
from crm_core.fields import as_columns
from crm_core.i18n import _
from crm_core.models import Attachment, Contact, Customer, Draft, Place
from crm_core.numbering import bump, customer_codes
from crm_core.permissions import Actor, Permission, require
from crm_core.scope import unscoped
from crm_core.search import reindex
from crm_core.services.attachments import attach
from crm_core.services.cooperation import as_entered
from crm_core.services.derived import derive
from crm_core.services.duplicates import find_duplicates_of, lacks_reason
from crm_core.services.entry import Checked, check_entry, refuse_stage
from crm_core.services.industries import suggest_industry
from crm_core.services.library import get_library
from crm_core.services.locking import lock_listed
from crm_core.services.merge_links import kept_id_of
from crm_core.services.movements import first_owned_by, note_entries
from crm_core.services.notices import notify
from crm_core.services.review_routing import reviewers_for
from crm_core.services.review_steps import begin_review, tell
from crm_core.services.verification_plan import next_due
from crm_core.validation import clean_text
from crm_core.visibility import View


@dataclass
class NewCustomer:
    """What came of a submission."""

    customer: Customer
    is_repeated: bool = False
    warnings: dict[str, str] = field(default_factory=dict)
    reviewers: list[int] = field(default_factory=list)
    """Whose review it waits for; nobody's for what went straight into the library."""


def get_customer(session: CrmSession, actor: Actor, code: str) -> View:
    """A customer by code as the actor sees it. Raises `NotFound` if it is deleted or outside the actor's scope."""
    return View(actor, load_customer(session, actor, code))


def load_customer(session: CrmSession, actor: Actor, code: str) -> Customer:
    """The record itself, with every value whole: for services only. The code of a merged customer leads to the one that was kept."""
    require(actor, Permission.CUSTOMER_READ)
    code = clean_text(code)
    customer = session.execute(select(Customer).where(Customer.code == code, Customer.is_open)).scalar_one_or_none()
    if customer is None and (kept := kept_id_of(session, code)):
        customer = session.execute(select(Customer).where(Customer.id == kept, Customer.is_open)).scalar_one_or_none()
    if customer is None:
        raise NotFound(_("This customer was deleted or is not visible to you. Go back to the customer list."))
    return customer


def lock_customer(session: CrmSession, actor: Actor, customer_id: int, permission: Permission) -> Customer:
    """A customer by id, locked for a change. Raises `NotAllowed`, `NotFound`, and `IllegalTransition` for one in the archive."""
    require(actor, permission)
    return lock_listed(session, customer_id)


def create_customer(
    session: CrmSession,
    actor: Actor,
    values: Mapping[str, Any],
    contacts: Sequence[Mapping[str, Any]],
    *,
    duplicate_reason: str = "",
    draft_id: str | None = None,
) -> NewCustomer:
    """Enter a customer with its contacts; the first contact is the primary one. Where a rule says so, it waits for review [000].

    `NotAllowed` also names the customer types to which the role is limited.
    A second submission of the same draft (double click, two tabs) returns the customer that the first one made.
    Raises `ValidationFailed`: for fields that break a rule, and for an exact duplicate without a reason (`duplicate_reason`).
    """
    require(actor, Permission.CUSTOMER_CREATE)
    if draft_id and (made := _submitted(session, actor, draft_id)):
        return NewCustomer(made, is_repeated=True)
    refuse_stage(actor, values.get("stage"))
    checked = check_submission(session, actor, values, contacts, duplicate_reason)
    reviewers = reviewers_for(session, actor.id, checked.values["stage"], checked.values.get("tier"))
    customer = _insert(session, actor, checked, duplicate_reason=duplicate_reason, draft_id=draft_id, is_reviewed=bool(reviewers))
    if checked.industry_text:
        suggest_industry(session, actor, checked.industry_text)
    if draft_id:
        take_over_draft(session, draft_id, customer)
    if reviewers:
        begin_review(session, actor, customer, reviewers)
        tell(session, reviewers, "review_asked", customer, name=actor.name)
    reindex(session, customer.id)
    session.flush()
    derive(session, [customer.id])
    bump(session, "customers")
    return NewCustomer(customer, warnings=checked.warnings, reviewers=reviewers)


def _submitted(session: CrmSession, actor: Actor, draft_id: str) -> Customer | None:
    # The draft is locked first: of two submissions at once the second waits here and then finds the customer.
    author = session.execute(select(Draft.user_id).where(Draft.id == draft_id).with_for_update()).scalar()
    made = session.execute(select(Customer).where(Customer.intake_key == draft_id), execution_options=unscoped).scalar_one_or_none()
    if {author, made.created_by_id if made else None} - {None, actor.id}:
        raise NotFound(_("This draft was submitted or discarded. Begin a new entry."))
    return made


def check_submission(
    session: CrmSession,
    actor: Actor,
    values: Mapping[str, Any],
    contacts: Sequence[Mapping[str, Any]],
    duplicate_reason: str,
    *,
    besides: int | None = None,
) -> Checked:
    """A whole entry, checked as it is submitted; `besides` is the entry itself, where it is submitted again. Raises `ValidationFailed`."""
    checked = check_entry(get_library(session), values, contacts)
    found = [] if checked.errors else find_duplicates_of(session, actor, checked, besides=besides)
    if sentences := lacks_reason(found, duplicate_reason):
        checked.errors["duplicate_reason"] = sentences
    if checked.errors:
        raise ValidationFailed(checked.errors)
    return checked


def _insert(
    session: CrmSession, actor: Actor, checked: Checked, *, duplicate_reason: str, draft_id: str | None, is_reviewed: bool
) -> Customer:
    customer = Customer(
        **as_columns(get_library(session).fields, checked.values),
        **as_entered(checked.values),
        code=customer_codes(session)[0],
        industry_text=checked.industry_text,
        intake_key=draft_id,
        **first_owned_by(actor),
        verify_on=next_due(session, checked.values.get("tier")),
        created_by_id=actor.id,
        duplicate_reason=clean_text(duplicate_reason)[:300] or None,
    )
    if is_reviewed:
        _keep_out(customer)
    session.add(customer)
    session.flush()
    note_entries(session, actor, [(customer.id, customer.stage)], cause="entry")
    for place, contact in enumerate(checked.contacts):
        session.add(Contact(**contact, customer_id=customer.id, is_primary=place == 0))
    return customer


def take_over_draft(session: CrmSession, draft_id: str, customer: Customer) -> None:
    """Give the files of a draft to the customer that it became, and remove the draft."""
    for attachment in session.execute(select(Attachment).where(Attachment.draft_id == draft_id)).scalars().all():
        attach(session, attachment, customer)
    draft = session.get(Draft, draft_id)
    if draft is not None:
        session.delete(draft)


def hand_in(session: CrmSession, actor: Actor, customer: Customer) -> list[int]:
    """Lay an imported customer before those who review it, and return them; without a rule for it, it stays in the library."""
    reviewers = reviewers_for(session, actor.id, customer.stage, customer.tier)
    if reviewers:
        _keep_out(customer)
        begin_review(session, actor, customer, reviewers)
    return reviewers


def _keep_out(customer: Customer) -> None:
    # The first follow-up is due from the approval on.
    put(customer, Place.REVIEW)
    customer.first_follow_up_on = None


def put(customer: Customer, place: Place) -> None:
    """Lay a record somewhere else."""
    customer.place, customer.placed_at = place, clock.now()


def tell_owner(session: CrmSession, actor: Actor, customer: Customer, kind: str, *, path: str, **data: str) -> None:
    """Tell the owner what somebody else did with their customer, with the reason given."""
    if customer.owner_id and customer.owner_id != actor.id:
        told = {"name": customer.name, "person": actor.name, "reason": session.info.get("reason") or "", **data}
        notify(session, [customer.owner_id], kind, told, path=path, customer_id=customer.id)


def delete_customer(session: CrmSession, actor: Actor, customer_id: int, *, reason: str = "") -> Customer:
    """Move a customer to the recycle bin, from where it can be restored [004]."""
    customer = lock_customer(session, actor, customer_id, Permission.CUSTOMER_DELETE)
    session.info["reason"] = clean_text(reason)[:300] or None
    put(customer, Place.BIN)
    tell_owner(session, actor, customer, "customer_deleted", path="/customers")
    bump(session, "customers")
    return customer


def restore_customer(session: CrmSession, actor: Actor, customer_id: int) -> Customer:
    """Take a customer back out of the recycle bin. Raises `NotFound` if it is not there."""
    require(actor, Permission.CUSTOMER_RESTORE)
    customer = session.execute(
        select(Customer).where(Customer.id == customer_id, Customer.place == Place.BIN).with_for_update()
    ).scalar_one_or_none()
    if customer is None:
        raise NotFound(_("This customer is not in the recycle bin any more. Reload the page."))
    put(customer, Place.LIBRARY)
    session.flush()
    derive(session, [customer.id])
    bump(session, "customers")
    return customer
