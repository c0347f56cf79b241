"""A tier that somebody sets by hand: with its reason, and until when it holds."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.errors import ValidationFailed
from crm_core.i18n import _
from crm_core.models import TIERS
from crm_core.numbering import bump
from crm_core.permissions import Actor, Permission
from crm_core.services.customers import lock_customer
from crm_core.services.derived import derive
from crm_core.services.stale import NOTHING, refuse_changed
from crm_core.validation import clean_text


def set_tier(
    session: CrmSession,
    actor: Actor,
    customer_id: int,
    tier: str | None,
    *,
    reason: str,
    until: date | None,
    seen: Mapping[str, Any] = NOTHING,
) -> None:
    """Hold a customer in a tier until a day (that day included), or without end; no tier lets it be derived from its amount again.

    Raises `ValidationFailed`, `NotAllowed`, `NotFound`, `Conflict` where the tier is no longer as it was `seen`.
    """
    customer = lock_customer(session, actor, customer_id, Permission.CUSTOMER_EDIT)
    refuse_changed(customer, seen)
    reason, errors = clean_text(reason)[:300], {}
    if tier is not None and tier not in TIERS:
        errors["tier"] = [_("Choose a tier.")]
    if not reason:
        errors["reason"] = [_("Say why the tier is set.")]
    if until and until < clock.today():
        errors["until"] = [_("Choose today or a later day.")]
    if errors:
        raise ValidationFailed(errors)
    session.info["reason"] = reason
    if tier is None:
        customer.tier_by_hand, customer.tier_reason, customer.tier_until = False, None, None
    else:
        customer.tier = tier
        customer.tier_reason, customer.tier_until = reason, until
    session.flush()
    derive(session, [customer.id])
    bump(session, "customers")
