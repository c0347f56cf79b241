"""What follows for a customer from its data and the rules: tier, status, tags by rule, the day of its next verification."""

from collections.abc import Collection

from crm_core.db import CrmSession
from crm_core.numbering import bump
from crm_core.services.activity import derive_activity
from crm_core.services.tagging import apply_rules
from crm_core.services.tiers import derive_tiers
from crm_core.services.verification_plan import spread


def derive(session: CrmSession, ids: Collection[int] | None = None) -> bool:
    """Bring these customers, or all listed ones, up to date, and say whether anything changed.

    Whoever changes customers counts up their revision after it.
    """
    # In this order: rules may ask for the tier and the status.
    return any([derive_tiers(session, ids), derive_activity(session, ids), apply_rules(session, ids)])


def derive_all(session: CrmSession) -> None:
    """The same as a job: with time alone customers become dormant and fall under other rules. Safe to repeat."""
    changed = derive(session)
    spread(session)
    if changed:
        bump(session, "customers")
