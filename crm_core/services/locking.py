"""Locking a customer for a change: only what lies in the library is changed."""

from sqlalchemy import select

from crm_core.db import CrmSession
from crm_core.errors import IllegalTransition, NotFound
from crm_core.i18n import _
from crm_core.models import Customer


def lock_listed(session: CrmSession, customer_id: int | None) -> Customer:
    """A customer within the actor's scope, locked. Raises `NotFound`, and `IllegalTransition` for one in the archive."""
    statement = select(Customer).where(Customer.id == customer_id, Customer.is_open).with_for_update()
    # PostgreSQL leaves out a row whose owner changed while it waited for the lock, within the scope or not; a second look sees it.
    customer = session.execute(statement).scalar_one_or_none() or session.execute(statement).scalar_one_or_none()
    if customer is None:
        raise NotFound(_("This customer was deleted or is not visible to you. Go back to the customer list."))
    if not customer.is_listed:
        raise IllegalTransition(_("This customer is archived and cannot be changed. Restore it from the archive first."))
    return customer
