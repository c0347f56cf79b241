"""法律保留: a customer on legal hold is neither removed for good nor merged into another one."""

from sqlalchemy import select

from crm_core.db import CrmSession
from crm_core.errors import NotFound, ValidationFailed
from crm_core.i18n import _
from crm_core.models import Customer, Place
from crm_core.numbering import bump
from crm_core.permissions import Actor, Permission, require
from crm_core.validation import clean_text

HOLDABLE = (Place.LIBRARY, Place.ARCHIVE, Place.BIN)


def set_hold(session: CrmSession, actor: Actor, customer_id: int, *, is_on_hold: bool, reason: str) -> Customer:
    """Put a customer on legal hold or end the hold; it stays where it lies. The change log keeps the reason.

    Raises `ValidationFailed` without a reason, `NotFound`, `NotAllowed`.
    """
    require(actor, Permission.RULE_EDIT)
    wanted = select(Customer).where(Customer.id == customer_id, Customer.place.in_(HOLDABLE)).with_for_update()
    customer = session.execute(wanted).scalar_one_or_none()
    if customer is None:
        raise NotFound
    session.info["reason"] = clean_text(reason)[:300]
    if not session.info["reason"]:
        raise ValidationFailed({"reason": [_("Say on what ground.")]})
    customer.is_on_hold = is_on_hold
    bump(session, "customers")
    return customer
