"""Where a customer stands: 客户类型, 客户等级, 客户状态, and the place in the system that its record has."""

from enum import StrEnum

from crm_core.i18n import N_


class LifecycleStage(StrEnum):
    """客户类型."""

    PROSPECT = "prospect"
    QUALIFIED = "qualified"
    CUSTOMER = "customer"
    PARTNER = "partner"
    CHURNED = "churned"


class Place(StrEnum):
    """Where a record lies: only what is in the library is listed, searched and counted."""

    LIBRARY = "library"
    REVIEW = "review"
    DRAFT = "draft"
    """Withdrawn from review: with its author, who submits it again or discards it."""
    ARCHIVE = "archive"
    BIN = "bin"
    MERGED = "merged"


class ActivityStatus(StrEnum):
    """客户状态, derived from the days since the last contact and contract."""

    ACTIVE = "active"
    DORMANT = "dormant"
    CHURNED = "churned"


STAGES = {
    LifecycleStage.PROSPECT: N_("Prospect"),
    LifecycleStage.QUALIFIED: N_("Qualified"),
    LifecycleStage.CUSTOMER: N_("Customer (won)"),
    LifecycleStage.PARTNER: N_("Partner"),
    LifecycleStage.CHURNED: N_("Churned"),
}


class Demand(StrEnum):
    """What a change of type needs besides the fields that the new type requires and the customer lacks."""

    REASON = "reason"
    CONTRACT = "contract"
    LOSS = "loss"


MOVES: dict[LifecycleStage, dict[LifecycleStage, frozenset[Demand]]] = {
    LifecycleStage.PROSPECT: {
        LifecycleStage.QUALIFIED: frozenset(),
        LifecycleStage.CUSTOMER: frozenset({Demand.CONTRACT}),
        LifecycleStage.PARTNER: frozenset(),
    },
    LifecycleStage.QUALIFIED: {
        LifecycleStage.CUSTOMER: frozenset({Demand.CONTRACT}),
        LifecycleStage.PARTNER: frozenset(),
        LifecycleStage.CHURNED: frozenset({Demand.LOSS}),
        LifecycleStage.PROSPECT: frozenset({Demand.REASON}),
    },
    LifecycleStage.CUSTOMER: {
        LifecycleStage.PARTNER: frozenset({Demand.REASON}),
        LifecycleStage.CHURNED: frozenset({Demand.LOSS}),
    },
    LifecycleStage.PARTNER: {
        LifecycleStage.QUALIFIED: frozenset({Demand.REASON}),
        LifecycleStage.CUSTOMER: frozenset({Demand.CONTRACT}),
        LifecycleStage.CHURNED: frozenset({Demand.LOSS}),
    },
    LifecycleStage.CHURNED: {
        LifecycleStage.QUALIFIED: frozenset({Demand.REASON}),
        LifecycleStage.CUSTOMER: frozenset({Demand.REASON, Demand.CONTRACT}),
        LifecycleStage.PARTNER: frozenset({Demand.REASON}),
    },
}
"""Which types follow which, the likeliest first, and what each move demands [001].

A sale can come without a phase of interest, so a prospect may become a customer at once. Whoever bought once does not become a
lead again: they are a customer, a partner, or lost. Lost is who had business with us and ended it [000]; a lead that leads to
nothing goes back to prospect.
"""

TIERS = {"A": N_("Tier A, key account"), "B": N_("Tier B, medium account"), "C": N_("Tier C, small account")}
ACTIVITIES = {
    ActivityStatus.ACTIVE: N_("Active"),
    ActivityStatus.DORMANT: N_("Dormant"),
    ActivityStatus.CHURNED: N_("Lost"),
}
PLACES = {
    Place.LIBRARY: N_("Customer list"),
    Place.REVIEW: N_("Under review"),
    Place.DRAFT: N_("Draft of its author"),
    Place.ARCHIVE: N_("Archived customers"),
    Place.BIN: N_("Recycle bin"),
    Place.MERGED: N_("Merged"),
}
