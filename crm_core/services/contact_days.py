"""What follow-ups say of their customer: the first and the latest contact, and what follows from these days."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update

from crm_core.db import CrmSession
from crm_core.models import Customer, FollowUp
from crm_core.numbering import bump
from crm_core.scope import unscoped
from crm_core.services.derived import derive


def note_contact(session: CrmSession, customer: Customer, happened_at: datetime) -> None:
    """A follow-up was written."""
    values = {
        "last_contact_at": max(customer.last_contact_at or happened_at, happened_at),
        "followed_up_at": min(customer.followed_up_at or happened_at, happened_at),
    }
    _keep(session, customer, values)
    refresh(session, customer)


def recount_contacts(session: CrmSession, customer: Customer, was: datetime) -> None:
    """The days of contact anew, as far as they came from a follow-up that was at another time, or is gone."""
    times = select(func.max(FollowUp.happened_at), func.min(FollowUp.happened_at)).where(FollowUp.customer_id == customer.id)
    latest, first = session.execute(times).one()
    values = {"last_contact_at": customer.last_contact_at, "followed_up_at": customer.followed_up_at}
    if customer.last_contact_at == was or (latest and (customer.last_contact_at is None or latest > customer.last_contact_at)):
        values["last_contact_at"] = latest
    if customer.followed_up_at == was or (first and (customer.followed_up_at is None or first < customer.followed_up_at)):
        values["followed_up_at"] = first
    _keep(session, customer, values)


def _keep(session: CrmSession, customer: Customer, values: dict[str, Any]) -> None:
    # Without a new version: no form of the customer that is open elsewhere is disturbed.
    kept = update(Customer).where(Customer.id == customer.id).values(**values, updated_at=Customer.updated_at)
    session.execute(kept, execution_options={**unscoped, "synchronize_session": False})
    session.expire(customer, list(values))


def refresh(session: CrmSession, customer: Customer) -> None:
    """Bring up to date what follows from the days of contact."""
    derive(session, [customer.id])
    bump(session, "customers")
