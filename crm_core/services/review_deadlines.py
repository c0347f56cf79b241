"""Entries that nobody works at: reminders, returned ones past their 24 hours, and waiting ones whose reviewers can review no more."""

from collections import Counter
from typing import Any

from sqlalchemy import Result, Select, select, update

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.models import Customer, Move, Review, ReviewAsked, ReviewState
from crm_core.permissions import SYSTEM
from crm_core.services.notices import notify
from crm_core.services.review_steps import add_step, ask, tell
from crm_core.services.reviewers import holders, nearest
from crm_core.services.users import user_names
from crm_core.workdays import is_workday

AT_ONCE = 500
"""How many entries one run of the job takes; the next run goes on."""


def follow_up(session: CrmSession) -> None:
    """The job: remind, tell heads of what is overdue, once for each return, and find other reviewers where those who were asked left."""
    escalate_overdue(session)
    hand_on(session)
    remind_authors(session)
    remind_reviewers(session)


def remind_authors(session: CrmSession) -> None:
    """Remind authors of returned entries whose time runs out, once for each return."""
    found = select(Review, Customer).join(Customer, Customer.id == Review.customer_id)
    for review, customer in _to_remind(session, found, ReviewState.RETURNED).all():
        if review.due_at and review.due_at > clock.now():
            tell(session, [review.author_id], "review_due_soon", customer, time=review.due_at.isoformat())
        _note_reminded(session, [review.id])


def remind_reviewers(session: CrmSession) -> None:
    """Remind on working days those who were asked of entries that wait for more than a day, each entry once for each submission."""
    if not is_workday(clock.today()):
        return
    late = list(_to_remind(session, select(Review.id), ReviewState.WAITING).scalars())
    asked = select(ReviewAsked.user_id).where(ReviewAsked.review_id.in_(late), ReviewAsked.user_id.in_(holders(session)))
    for user_id, count in Counter(session.execute(asked).scalars()).items():
        notify(session, [user_id], "reviews_waiting", {"count": count}, path="/reviews", key=f"waiting:{late[-1]}:{clock.now():%Y%m%d%H%M}")
    _note_reminded(session, late)


def _to_remind(session: CrmSession, statement: Select[*tuple[Any, ...]], state: ReviewState) -> Result[*tuple[Any, ...]]:
    due = statement.where(Review.state == state, Review.remind_at <= clock.now()).order_by(Review.remind_at, Review.id)
    return session.execute(due.limit(AT_ONCE).with_for_update(of=Review, skip_locked=True))


def _note_reminded(session: CrmSession, ids: list[int]) -> None:
    # The version stays: nobody who decides just now is disturbed.
    session.execute(update(Review).where(Review.id.in_(ids)).values(remind_at=None), execution_options={"synchronize_session": False})


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
