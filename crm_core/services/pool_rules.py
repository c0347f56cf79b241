"""The rules of the customer pool (公海) and of transfers, as an administrator sets them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import date
from typing import Any

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.errors import ValidationFailed
from crm_core.i18n import _
from crm_core.models import STAGES, TIERS
from crm_core.numbering import bump
from crm_core.permissions import Actor
from crm_core.services.policies import get_policy, set_policy

AREA = "pool"
NO_TIER = ""
"""Stands for the customers without a tier."""
LONGEST = 3650

_BY_TIER = {"A": 90, "B": 60, "C": 45, NO_TIER: 45}
CONTACT_DAYS: Mapping[str, Mapping[str, int]] = {
    "prospect": {"A": 60, "B": 45, "C": 30, NO_TIER: 30},
    "qualified": _BY_TIER,
    "customer": {"B": 365, "C": 365, NO_TIER: 365},
    "partner": {},
    "churned": {"A": 180, "B": 180, "C": 180, NO_TIER: 180},
}


@dataclass(frozen=True)
class PoolRules:
    """What holds in the pool. Days and limits that are missing mean: never, and none."""

    is_on: bool = True
    """Customers can be released into the pool."""
    recycles: bool = False
    """What is left alone goes back to the pool by itself."""
    counts_from: date | None = None
    """The day on which recycling was switched on: no time before it counts against anybody."""
    contact_days: Mapping[str, Mapping[str, int]] = field(default_factory=lambda: CONTACT_DAYS)
    """Days without contact, by type and tier."""
    contract_days: Mapping[str, int] = field(default_factory=dict)
    """Days without cooperation, by type, however often there was contact."""
    excluded_stages: tuple[str, ...] = ("partner",)
    excluded_tiers: tuple[str, ...] = ()
    notice_days: int = 7
    """So many days before, the owner is told; nothing is recycled earlier than that after the notice."""
    daily_claims: int | None = 10
    holding: int | None = 200
    """So many customers somebody may hold and still claim."""
    cooling_days: int = 30
    """So long the owner before may not claim."""
    undo_days: int = 7
    """So long a transfer can be taken back."""

    def terms(self) -> list[tuple[str, str, int | None, int | None]]:
        """Type, tier, days without contact and days without cooperation, for each pair that is not excluded and has any."""
        pairs = [(stage, tier) for stage in STAGES for tier in (*TIERS, NO_TIER)]
        wanted = [pair for pair in pairs if pair[0] not in self.excluded_stages and pair[1] not in self.excluded_tiers]
        found = [(stage, tier, *self.days_of(stage, tier)) for stage, tier in wanted]
        return [term for term in found if term[2] or term[3]]

    def days_of(self, stage: str, tier: str) -> tuple[int | None, int | None]:
        """Days without contact and without cooperation after which such a customer is recycled."""
        return self.contact_days.get(stage, {}).get(tier), self.contract_days.get(stage)


def get_rules(session: CrmSession) -> tuple[PoolRules, int]:
    """The rules in force and their version."""
    values, version = get_policy(session, AREA)
    known: dict[str, Any] = {name: value for name, value in values.items() if name in {one.name for one in fields(PoolRules)}}
    for name in ("excluded_stages", "excluded_tiers"):
        if name in known:
            known[name] = tuple(known[name])
    if known.get("counts_from"):
        known["counts_from"] = date.fromisoformat(known["counts_from"])
    return PoolRules(**known), version


def set_rules(session: CrmSession, actor: Actor, rules: PoolRules, *, version: int) -> None:
    """Keep the rules. Raises `NotAllowed`, `ValidationFailed`, and `Conflict` if somebody saved after `version`."""
    errors = _check(rules)
    if errors:
        raise ValidationFailed(errors)
    before, _version = get_rules(session)
    if rules.recycles and not before.recycles:
        rules = replace(rules, counts_from=clock.today())
    elif rules.recycles:
        rules = replace(rules, counts_from=before.counts_from)
    values: dict[str, Any] = asdict(rules)
    values["counts_from"] = rules.counts_from.isoformat() if rules.counts_from else None
    set_policy(session, actor, AREA, values, version=version)
    bump(session, "customers")  # lists that are filtered by what is recycled soon


def _check(rules: PoolRules) -> dict[str, list[str]]:
    days: list[int | None] = [day for by_tier in rules.contact_days.values() for day in by_tier.values()]
    bounds: dict[str, tuple[list[int | None], int, int]] = {
        "contact_days": (days, 1, LONGEST),
        "contract_days": (list(rules.contract_days.values()), 1, LONGEST),
        "notice_days": ([rules.notice_days], 0, 60),
        "daily_claims": ([rules.daily_claims], 1, 1000),
        "holding": ([rules.holding], 1, 100_000),
        "cooling_days": ([rules.cooling_days], 0, LONGEST),
        "undo_days": ([rules.undo_days], 0, 90),
    }
    sentence = _("Enter a whole number from {least} to {most}.")
    return {
        name: [sentence.format(least=least, most=f"{most:,}")]
        for name, (given, least, most) in bounds.items()
        if any(number is not None and not least <= number <= most for number in given)
    }
