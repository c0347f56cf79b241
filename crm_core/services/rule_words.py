"""What changed between two versions of an area's rules, in words for the change log: only the settings that differ."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from crm_core.i18n import N_, _, join_words, labelled
from crm_core.models import STAGES, TIERS
from crm_core.services import (
    activity,
    field_settings,
    follow_up_rules,
    pool_rules,
    recycle_bin,
    review_rules,
    service_hours,
    tiers,
    verification_plan,
)
from crm_core.services.churn import policy as churn
from crm_core.services.review_rules import BY

AREAS: Mapping[str, tuple[str, Callable[[], Any]]] = {
    review_rules.AREA: (N_("Review rules"), dict),
    pool_rules.AREA: (N_("Pool and transfer rules"), pool_rules.PoolRules),
    tiers.AREA: (N_("Tier by amount of a year"), tiers.TierPolicy),
    activity.AREA: (N_("Customer status"), activity.ActivityPolicy),
    verification_plan.AREA: (N_("Periodic verification"), verification_plan.VerificationPolicy),
    field_settings.AREA: (N_("Fields"), dict),
    follow_up_rules.AREA: (N_("Follow-ups and reminders"), follow_up_rules.FollowUpPolicy),
    service_hours.AREA: (N_("Service rules"), service_hours.ServicePolicy),
    churn.AREA: (N_("Churn warning rules"), churn.ChurnPolicy),
    recycle_bin.AREA: (N_("Recycle bin rules"), recycle_bin.BinRules),
}
"""What an area is called, and the settings in force before anybody set any; those of the fields have words of their own."""

SETTINGS: Mapping[str, str] = {
    "rules": N_("Rule"),
    "roles": N_("Entries by these roles"),
    "stages": N_("Customer types"),
    "tiers": N_("Customer tiers"),
    "by": N_("Who reviews"),
    "people": N_("People"),
    "role": N_("Role"),
    "is_on": N_("Customers can be released into the pool"),
    "recycles": N_("What is left alone goes back to the pool by itself"),
    "counts_from": N_("No day before it counts"),
    "contact_days": N_("Days without contact"),
    "contract_days": N_("Days without cooperation"),
    "excluded_stages": N_("Types that are never recycled"),
    "excluded_tiers": N_("Tiers that are never recycled"),
    "notice_days": N_("Notice, days before"),
    "daily_claims": N_("Claims a day"),
    "holding": N_("Customers a person may hold"),
    "cooling_days": N_("Cooling-off, days"),
    "undo_days": N_("Undo of a transfer, days"),
    "a_from": N_("Tier A from (yuan)"),
    "b_from": N_("Tier B from (yuan)"),
    "dormant_after": N_("Dormant after (days)"),
    "lost_after": N_("Lost after (days)"),
    "high_tiers": N_("Tiers of high value"),
    "high_months": N_("High value: every (months)"),
    "other_months": N_("Others: every (months)"),
    "days": N_("Days in the recycle bin"),
    "late_hours": N_("Late when recorded after (hours)"),
    "quiet_days": N_("Long without contact after (days)"),
    "from_hour": N_("Service from (hour)"),
    "to_hour": N_("Service until (hour)"),
    "every_day": N_("Service on every day"),
    "urgent": N_("Urgent tickets within (service hours)"),
    "high": N_("High priority within (service hours)"),
    "normal": N_("Normal priority within (service hours)"),
    "low": N_("Low priority within (service hours)"),
    "remind_hours": N_("Reminder of tickets before they are due (hours)"),
    "amount_from": N_("Or contracts of a year from (yuan)"),
    "medium_from": N_("Medium risk from a score of"),
    "high_from": N_("High risk from a score of"),
    "horizon_days": N_("A purchase is expected within (days)"),
    "lost_within": N_("Proof: lost within (days)"),
    "templates": N_("Template"),
    "steps": N_("Task"),
    "workdays": N_("Due in working days"),
    "name": N_("Name"),
    "close_days": N_("Resolved tickets are closed after (days)"),
    "remind_lead": N_("Reminder before it is due (minutes)"),
}

_CODES: Mapping[str, str] = {
    **{str(code): label for code, label in STAGES.items()},
    **TIERS,
    **{str(by): label for by, label in BY.items()},
    pool_rules.NO_TIER: N_("No tier"),
}

Names = Mapping[str, Mapping[str, str]]
"""For `roles`, `role` and `people` the names by code or id."""


def differing_rules(area: str, names: Names, before: str | None, after: str | None) -> tuple[str, str]:
    """The settings that differ, before and after, as the log keeps both."""
    old, new = (dict(_leaves(_laid_over(area, stored), (), names)) for stored in (before, after))
    labels = [label for label in {**old, **new} if (old.get(label) or "") != (new.get(label) or "")]
    texts = [[labelled(label, str(one.get(label) or "—")) for label in labels] for one in (old, new)]
    return "\n".join(texts[0]), "\n".join(texts[1])


def _laid_over(area: str, stored: str | None) -> Mapping[str, Any]:
    defaults = AREAS[area][1]()
    return {**(defaults if isinstance(defaults, dict) else asdict(defaults)), **(json.loads(stored) if stored else {})}


def _leaves(value: Any, path: tuple[str, ...], names: Names, setting: str = "") -> Iterator[tuple[str, str]]:
    """Each single setting: its label, made of what it stands under, and its value in words."""
    if isinstance(value, Mapping):
        for key, below in value.items():
            label = SETTINGS[key] if key in SETTINGS else _CODES.get(key, key)
            yield from _leaves(below, (*path, _(label)), names, key)
    elif isinstance(value, list) and any(isinstance(one, Mapping) for one in value):
        for number, below in enumerate(value, 1):
            yield from _leaves(below, (*path[:-1], f"{path[-1]} {number}"), names, setting)
    else:
        yield " · ".join(path), _words(value, names.get(setting, {}))


def _words(value: Any, names: Mapping[str, str]) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list | tuple):
        return join_words(_words(one, names) for one in value)
    code = "" if value is None else str(value)
    return names[code] if code in names else _(_CODES[code]) if code in _CODES and code else code
