"""Reading the change log of a customer."""

from sqlalchemy import select

from crm_core.db import CrmSession
from crm_core.models import ChangeLog, Customer
from crm_core.permissions import Actor, Permission, require

PAGE_SIZE = 100


def list_changes(session: CrmSession, actor: Actor, customer_id: int) -> list[ChangeLog]:
    """The latest changes of a customer, newest first; none outside the actor's scope."""
    require(actor, Permission.CUSTOMER_READ)
    visible = select(Customer.id).where(Customer.id == customer_id)
    if session.execute(visible).first() is None:
        return []
    statement = select(ChangeLog).where(ChangeLog.customer_id == customer_id).order_by(ChangeLog.id.desc()).limit(PAGE_SIZE)
    return list(session.execute(statement).scalars())
