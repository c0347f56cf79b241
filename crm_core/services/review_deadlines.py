"""Entries that nobody works at: returned ones past their 24 hours, and waiting ones whose reviewers can review no more."""

from sqlalchemy import select

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.models import Customer, Move, Review, ReviewAsked, ReviewState
from crm_core.permissions import SYSTEM
from crm_core.services.review_steps import add_step, ask, tell
from crm_core.services.reviewers import holders, nearest
from crm_core.services.users import user_names

AT_ONCE = 500
"""How many entries one run of the job takes; the next run goes on."""


def follow_up(session: CrmSession) -> None:
    """The job: tell heads of what is overdue, once for each return, and find other reviewers where those who were asked left."""
    escalate_overdue(session)
    hand_on(session)


def escalate_overdue(session: CrmSession) -> None:
    """Mark returned entries past their time, tell author and head, and let the head decide."""
    overdue = (Review.state == ReviewState.RETURNED, Review.due_at < clock.now(), Review.escalated_at.is_(None))
    names = user_names(session)
    statement = select(Review, Customer).join(Customer, Customer.id == Review.customer_id).where(*overdue).order_by(Review.due_at)
    for review, customer in session.execute(statement.limit(AT_ONCE).with_for_update(of=Review)).all():
        review.move(Move.ESCALATE)
        review.escalated_at = clock.now()
        heads = nearest(session, review.author_id)
        ask(session, review, heads)
        add_step(session, SYSTEM, review, customer, Move.ESCALATE)
        author = names.get(review.author_id, "")
        time = review.due_at.isoformat() if review.due_at else ""
        tell(session, [*heads, review.author_id], "review_overdue", customer, name=author, time=time)


def hand_on(session: CrmSession) -> None:
    """Ask somebody else where none of those who were asked can review any more: disabled, or in another role now."""
    able = list(holders(session))
    asked = select(ReviewAsked.user_id).where(ReviewAsked.review_id == Review.id, ReviewAsked.user_id.in_(able)).exists()
    statement = (
        select(Review, Customer).join(Customer, Customer.id == Review.customer_id).where(Review.state == ReviewState.WAITING, ~asked)
    )
    names = user_names(session)
    for review, customer in session.execute(statement.limit(AT_ONCE).with_for_update(of=Review)).all():
        others = nearest(session, review.author_id)
        ask(session, review, others)
        tell(session, others, "review_asked", customer, name=names.get(review.author_id, ""))
