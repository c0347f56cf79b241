"""Who reads a review, and who decides it.

The row scope of customers does not count for an entry: whoever is asked to review it sees it, wherever it belongs. Once it is a
customer it is seen like any other, by its author too.
"""

from sqlalchemy import ColumnElement, and_, exists, false, or_, select, true

from crm_core.db import CrmSession
from crm_core.models import Customer, Place, Review, ReviewAsked
from crm_core.permissions import Actor, Permission, Scope
from crm_core.scope import unscoped, visible_customers

ENTRY = (Place.REVIEW, Place.DRAFT)
"""Where a record lies that is an entry still."""


def is_asked(actor: Actor) -> ColumnElement[bool]:
    """The condition that the actor was asked to review."""
    return exists().where(ReviewAsked.review_id == Review.id, ReviewAsked.user_id == actor.id)


def may_decide(actor: Actor) -> ColumnElement[bool]:
    """The condition that the actor decides: asked, or a reviewer who sees all customers (so that nothing is stuck); never the author."""
    if not actor.can(Permission.CUSTOMER_REVIEW):
        return false()
    reach = true() if actor.scope is Scope.ALL else is_asked(actor)
    return and_(reach, Review.author_id.is_distinct_from(actor.id))


def takes_part(actor: Actor) -> ColumnElement[bool]:
    """The condition, beside the customer, that the actor has to do with a review: the author, who was asked, reviewers with the scope."""
    own = Review.author_id == actor.id
    if not actor.can(Permission.CUSTOMER_REVIEW):
        return own
    return or_(own, is_asked(actor), visible_customers(actor))


def may_read(actor: Actor) -> ColumnElement[bool]:
    """The condition, beside the customer, that the actor reads a review: who takes part in it, as long as they see what it is of."""
    return and_(takes_part(actor), or_(Customer.place.in_(ENTRY), and_(Customer.is_open, visible_customers(actor))))


def reads_entry(session: CrmSession, actor: Actor, customer_id: int) -> bool:
    """Whether the actor reads this entry while it is outside of the library; later the row scope alone counts."""
    entry = (Customer.id == customer_id, Customer.place.in_(ENTRY))
    found = select(Review.id).join(Customer, Customer.id == Review.customer_id).where(*entry, may_read(actor))
    return session.execute(found, execution_options=unscoped).first() is not None
