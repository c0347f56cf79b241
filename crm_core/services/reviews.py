"""审核: deciding about entries, correcting and withdrawing them [000]. Each verb is a move of `TRANSITIONS` in the model."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import delete, select

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.errors import Conflict, NotAllowed, NotFound, ValidationFailed
from crm_core.fields import write_value
from crm_core.i18n import N_, _, format_time, join_words
from crm_core.models import ACTIONS, Contact, Customer, Draft, Move, Place, Review, ReviewAsked, ReviewStep
from crm_core.models.review import REVIEWERS_MOVES
from crm_core.numbering import bump
from crm_core.permissions import SYSTEM, Actor, Permission, require
from crm_core.scope import unscoped
from crm_core.search import reindex
from crm_core.services.cooperation import COOPERATION, enter
from crm_core.services.customers import NewCustomer, check_submission, create_customer, put, take_over_draft
from crm_core.services.derived import derive
from crm_core.services.entry import Checked
from crm_core.services.industries import suggest_industry
from crm_core.services.library import get_library
from crm_core.services.movements import first_follow_up
from crm_core.services.review_access import may_decide, takes_part
from crm_core.services.review_entries import contacts_of, snapshot
from crm_core.services.review_routing import reviewers_for
from crm_core.services.review_steps import add_step, ask, asked, tell
from crm_core.services.reviewers import holders
from crm_core.services.users import user_names
from crm_core.validation import clean_text

CORRECTION = timedelta(hours=24)
"""How long the author has to correct a returned entry [000]."""
REASONS = (
    N_("The customer's name is not the full registered name."),
    N_("The phone number is wrong or incomplete."),
    N_("The source is not concrete enough."),
    N_("An attachment is missing or cannot be read."),
    N_("This customer exists already."),
)
"""Why an entry is usually returned; words of one's own are possible."""


def approve(session: CrmSession, actor: Actor, review_id: int, *, version: int) -> Customer:
    """Take an entry into the library; the first follow-up is due in three working days from now.

    Raises `NotAllowed` for the author and for people who were not asked, `Conflict` if somebody was faster, `IllegalTransition`,
    `NotFound`.
    """
    review, customer = _take(session, actor, review_id, Move.APPROVE, version=version)
    due = _admit(session, actor, review, customer)
    tell(session, [review.author_id], "review_approved", customer, name=actor.name, day=due.isoformat())
    return customer


def return_entry(session: CrmSession, actor: Actor, review_id: int, *, reason: str, version: int) -> None:
    """Give an entry back to its author, who has 24 hours to correct it. Raises the same, and `ValidationFailed` without a reason."""
    review, customer = _take(session, actor, review_id, Move.RETURN, version=version)
    reason = clean_text(reason)
    if not reason:
        raise ValidationFailed({"reason": [_("Say what has to be corrected.")]})
    review.due_at, review.escalated_at = clock.now() + CORRECTION, None
    _decide(session, actor, review, customer, Move.RETURN, reason=reason)
    tell(session, [review.author_id], "review_returned", customer, name=actor.name, reason=reason, time=review.due_at.isoformat())


def withdraw(session: CrmSession, actor: Actor, review_id: int, *, version: int) -> str:
    """Take one's own entry back, and return the draft in which it goes on; discarding that one removes the entry for good.

    Raises `NotAllowed` for others, `Conflict` if somebody decided meanwhile, `IllegalTransition`, `NotFound`.
    """
    review, customer = _take(session, actor, review_id, Move.WITHDRAW, version=version)
    put(customer, Place.DRAFT)
    review.due_at = None
    add_step(session, actor, review, customer, Move.WITHDRAW)
    tell(session, asked(session, review.id), "review_withdrawn", customer, name=actor.name)
    return _draft_of(session, review, customer)


def begin_correction(session: CrmSession, actor: Actor, review_id: int) -> str:
    """The draft in which the author corrects an entry, begun once. Raises `NotAllowed`, `IllegalTransition`, `NotFound`."""
    review, customer = _load(session, actor, review_id, Move.RESUBMIT)
    if Move.RESUBMIT not in review.moves:
        review.move(Move.RESUBMIT)
    return _draft_of(session, review, customer)


def submit(
    session: CrmSession, actor: Actor, draft_id: str, values: Mapping[str, Any], contacts: Sequence[Mapping[str, Any]], *, reason: str = ""
) -> NewCustomer:
    """Submit a draft: a new entry, or the correction of one; `reason` is that of an exact duplicate. Raises as `create_customer` does."""
    own = select(Draft.review_id).where(Draft.id == draft_id, Draft.user_id == actor.id).with_for_update()
    review_id = session.execute(own).scalar_one_or_none()
    if review_id is None:
        return create_customer(session, actor, values, contacts, duplicate_reason=reason, draft_id=draft_id)
    return _resubmit(session, actor, review_id, draft_id, values, contacts, reason=reason)


def _resubmit(
    session: CrmSession,
    actor: Actor,
    review_id: int,
    draft_id: str,
    values: Mapping[str, Any],
    contacts: Sequence[Mapping[str, Any]],
    *,
    reason: str,
) -> NewCustomer:
    review, customer = _load(session, actor, review_id, Move.RESUBMIT)
    was_withdrawn = customer.place == Place.DRAFT
    review.move(Move.RESUBMIT)
    fixed = {"kind": customer.kind, "stage": customer.stage}
    checked = check_submission(session, actor, {**values, **fixed}, contacts, reason, besides=customer.id)
    _write(session, actor, customer, checked)
    customer.duplicate_reason = clean_text(reason)[:300] or None
    customer.intake_key = draft_id  # a second submission of the same draft finds it
    take_over_draft(session, draft_id, customer)
    put(customer, Place.REVIEW)
    review.due_at = review.escalated_at = None
    add_step(session, actor, review, customer, Move.RESUBMIT)
    reviewers = _ask_again(session, review, customer, by_rule=was_withdrawn)
    if reviewers:
        tell(session, reviewers, "review_again", customer, name=actor.name)
    else:
        review.move(Move.APPROVE)
        _admit(session, SYSTEM, review, customer, reason=_("By the present rules nobody reviews it."))
    reindex(session, customer.id)
    return NewCustomer(customer, warnings=checked.warnings, reviewers=reviewers)


def _ask_again(session: CrmSession, review: Review, customer: Customer, *, by_rule: bool) -> list[int]:
    """Who looks at the entry once more: whoever was asked and still can; for one that was withdrawn those whom the rules name now."""
    if by_rule:
        session.execute(delete(ReviewAsked).where(ReviewAsked.review_id == review.id))
    able = holders(session)
    present = [user_id for user_id in asked(session, review.id) if user_id in able and user_id != review.author_id]
    reviewers = present or reviewers_for(session, review.author_id, customer.stage, customer.tier)
    ask(session, review, reviewers)
    return reviewers


def _write(session: CrmSession, actor: Actor, customer: Customer, checked: Checked) -> None:
    fields = get_library(session).fields
    for name, value in checked.values.items():
        write_value(customer, fields[name], value)
    enter(customer, None, COOPERATION)  # an entry has no contracts
    customer.industry_text = checked.industry_text
    if checked.industry_text:
        suggest_industry(session, actor, checked.industry_text)
    customer.is_incomplete = False
    _write_contacts(session, customer, checked.contacts)


def _write_contacts(session: CrmSession, customer: Customer, wanted: Sequence[Mapping[str, Any]]) -> None:
    # Who keeps the name stays the same record, so that the change log tells what was corrected; the others follow in their order.
    left = contacts_of(session, customer.id)
    kept: dict[int, Contact] = {}
    for place, contact in enumerate(wanted):
        if same := next((one for one in left if one.name == contact["name"]), None):
            kept[place] = same
            left.remove(same)
    for place, contact in enumerate(wanted):
        record = kept.get(place) or (left.pop(0) if left else Contact(customer_id=customer.id))
        for name, value in {**contact, "is_primary": place == 0}.items():
            setattr(record, name, value)
        session.add(record)
    for gone in left:
        session.delete(gone)
    session.flush()


def _load(session: CrmSession, actor: Actor, review_id: int, move: Move) -> tuple[Review, Customer]:
    """A review with its entry, locked, for somebody who may make this move at all. Raises `NotFound`, `NotAllowed`."""
    readable = select(Review).join(Customer, Customer.id == Review.customer_id).where(Review.id == review_id, takes_part(actor))
    review = session.execute(readable.with_for_update(of=Review), execution_options=unscoped).scalar_one_or_none()
    if review is None:
        raise NotFound(_("This entry was discarded or is not visible to you. Go back to the list of reviews."))
    _refuse_others(session, actor, review, move)
    customer = session.execute(select(Customer).where(Customer.id == review.customer_id), execution_options=unscoped).scalar_one()
    return review, customer


def _refuse_others(session: CrmSession, actor: Actor, review: Review, move: Move) -> None:
    names = user_names(session)
    if move not in REVIEWERS_MOVES:
        if review.author_id != actor.id:
            author = names.get(review.author_id, "")
            raise NotAllowed(Permission.CUSTOMER_CREATE, _("Only the author, {name}, can do this with the entry.").format(name=author))
        require(actor, Permission.CUSTOMER_CREATE)
        return
    require(actor, Permission.CUSTOMER_REVIEW)
    if review.author_id == actor.id:
        raise NotAllowed(Permission.CUSTOMER_REVIEW, _("You entered this customer yourself; somebody else reviews it."))
    if not session.execute(select(Review.id).where(Review.id == review.id, may_decide(actor)), execution_options=unscoped).first():
        others = join_words(names.get(user_id, "") for user_id in asked(session, review.id))
        raise NotAllowed(Permission.CUSTOMER_REVIEW, _("This entry is reviewed by {names}.").format(names=others))


def _take(session: CrmSession, actor: Actor, review_id: int, move: Move, *, version: int) -> tuple[Review, Customer]:
    review, customer = _load(session, actor, review_id, move)
    if review.version != version:
        raise Conflict(version=review.version, theirs={"state": review.state}, message=_what_happened(session, review))
    review.move(move)
    return review, customer


def _what_happened(session: CrmSession, review: Review) -> str:
    """Who did what meanwhile."""
    last = select(ReviewStep).where(ReviewStep.review_id == review.id).order_by(ReviewStep.id.desc()).limit(1)
    step = session.execute(last).scalar_one()
    sentence = _("Meanwhile, at {time}: {name} – {step}. {reason} Look at the entry as it is now.")
    who = user_names(session).get(step.actor_id or 0, _("the system"))
    text = sentence.format(time=format_time(step.at), name=who, step=_(ACTIONS[step.action]), reason=step.reason or "")
    return clean_text(text)


def _decide(session: CrmSession, actor: Actor, review: Review, customer: Customer, move: Move, *, reason: str = "") -> None:
    review.decided_by_id, review.decided_at = actor.id, clock.now()
    add_step(session, actor, review, customer, move, reason=reason)


def _admit(session: CrmSession, actor: Actor, review: Review, customer: Customer, *, reason: str = "") -> date:
    put(customer, Place.LIBRARY)
    review.due_at = None
    customer.first_follow_up_on = due = first_follow_up()
    _decide(session, actor, review, customer, Move.APPROVE, reason=reason)
    session.flush()
    derive(session, [customer.id])
    bump(session, "customers")
    return due


def _draft_of(session: CrmSession, review: Review, customer: Customer) -> str:
    begun = session.execute(select(Draft.id).where(Draft.review_id == review.id)).scalar_one_or_none()
    if begun:
        return begun
    entry = snapshot(session, customer)
    values = {name: value for name, value in entry["values"].items() if value}
    if customer.duplicate_reason:
        values["duplicate_reason"] = customer.duplicate_reason
    draft = Draft(id=str(uuid.uuid4()), user_id=review.author_id, review_id=review.id, values={**values, "contacts": entry["contacts"]})
    session.add(draft)
    session.flush()
    return draft.id
