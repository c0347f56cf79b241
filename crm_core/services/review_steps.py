"""Writing the steps of a review: the step with the entry as it is, its line in the change log, and the notices."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select

from crm_core import audit
from crm_core.db import CrmSession, insert_unless_there
from crm_core.models import Customer, Move, Review, ReviewAsked, ReviewStep
from crm_core.permissions import Actor
from crm_core.services.notices import notify
from crm_core.services.review_entries import snapshot

KEEPING = frozenset({Move.SUBMIT, Move.RESUBMIT})
"""The moves that bring a new version of the entry; their steps keep it."""


def begin_review(session: CrmSession, actor: Actor, customer: Customer, reviewers: Iterable[int]) -> Review:
    """Put an entry before its reviewers. Who tells them is the caller's choice: an import does it once for all its rows."""
    review = Review(customer_id=customer.id, author_id=actor.id)
    session.add(review)
    session.flush()
    ask(session, review, reviewers)
    add_step(session, actor, review, customer, Move.SUBMIT)
    return review


def ask(session: CrmSession, review: Review, reviewers: Iterable[int]) -> None:
    """Ask people to review, beside those who were asked before."""
    for user_id in reviewers:
        insert_unless_there(session, ReviewAsked, review_id=review.id, user_id=user_id)


def asked(session: CrmSession, review_id: int) -> list[int]:
    """Who was asked."""
    statement = select(ReviewAsked.user_id).where(ReviewAsked.review_id == review_id).order_by(ReviewAsked.user_id)
    return list(session.execute(statement).scalars())


def add_step(session: CrmSession, actor: Actor, review: Review, customer: Customer, move: Move, *, reason: str = "") -> None:
    """Note a step, and write it into the change log of the customer."""
    session.flush()
    entry = snapshot(session, customer) if move in KEEPING else {}
    session.add(ReviewStep(review_id=review.id, actor_id=actor.id, action=move, reason=reason[:500] or None, entry=entry))
    line = audit.line_for(
        session,
        move,
        entity=Review.__tablename__,
        entity_id=review.id,
        customer_id=customer.id,
        subject=customer.name,
        reason=reason[:300],
        actor=actor,
    )
    audit.add_lines(session, [line])


def tell(session: CrmSession, user_ids: Iterable[int | None], kind: str, customer: Customer, **data: Any) -> None:
    """Send a notice about an entry; it leads to its review, or to the customer once it is in the library."""
    page = "customer" if customer.is_listed else "review"
    known = [user_id for user_id in user_ids if user_id is not None]
    notify(session, known, kind, {"customer": customer.name, **data}, path=f"/{page}?code={customer.code}")
