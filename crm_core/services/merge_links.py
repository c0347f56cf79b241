"""Which customer a merged one became, and which ones became one customer."""

from sqlalchemy import select

from crm_core.db import CrmSession
from crm_core.models import Customer, Merge, Place
from crm_core.scope import unscoped


def kept_id_of(session: CrmSession, code: str) -> int | None:
    """The id of the customer into which the one with this code was merged, over several merges; it may be outside the actor's scope."""
    merged = select(Customer.id).where(Customer.code == code, Customer.place == Place.MERGED)
    found: int | None = session.execute(merged, execution_options=unscoped).scalar()
    while found is not None:
        step = select(Merge.customer_id).where(Merge.merged_id == found, Merge.undone_at.is_(None))
        following: int | None = session.execute(step, execution_options=unscoped).scalar()
        if following is None:
            return found
        found = following
    return None


def merged_into(session: CrmSession, *customer_ids: int) -> list[int]:
    """The ids of all customers that became these, over several merges, whoever owns them."""
    found: list[int] = []
    level = list(customer_ids)
    while level:
        below = select(Merge.merged_id).where(Merge.customer_id.in_(level), Merge.undone_at.is_(None))
        level = [one for one in session.execute(below, execution_options=unscoped).scalars() if one not in found]
        found += level
    return found
