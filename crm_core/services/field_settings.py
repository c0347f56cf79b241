"""An administrator's settings of the customers' fields: which are shown and required, for whom, in what order, with which choices.

They are kept as the rules of the area `fields` and laid over the declarations once per revision of the library.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import product
from typing import Any

from crm_core.db import CrmSession
from crm_core.fields import GROUPS, Condition, Custom, Field, Values, always, fields_of, never
from crm_core.i18n import N_
from crm_core.models import KINDS, STAGES, Customer
from crm_core.services.custom_fields import meets
from crm_core.services.policies import get_policy

AREA = "fields"
BUILT_IN, YES, NO = "built_in", "yes", "no"
REQUIRED = {BUILT_IN: N_("As built in"), YES: N_("Required"), NO: N_("Not required")}

NEEDED = {
    "kind": N_("The form depends on the nature, so every customer has one."),
    "stage": N_("The form and the rules depend on the type, so every customer has one."),
    "name": N_("Lists, searches and the search for duplicates need the name."),
    "first_cooperated_on": N_("A change of the customer type asks for it."),
    "last_cooperated_on": N_("A change of the customer type asks for it."),
    "cooperation_amount": N_("A change of the customer type asks for it, and the tier follows from it."),
    "churn_reason": N_("A change of the customer type asks for it."),
    "churn_note": N_("A change of the customer type asks for it."),
}
"""Fields that the system itself needs, and why: they can be neither hidden nor optional."""
KEPT = {
    "industry": N_("Talking points and the overview go by the industry."),
    "remark": N_("Answers and notes that fit no other field are kept there."),
    "address": N_("An import keeps there what it does not recognise as a region."),
}
"""Fields that are not hidden, and why; they may be optional."""
BENEATH = {"province": ("city", "district"), "city": ("district",)}
"""Fields that are chosen beneath another one, which is therefore not hidden before them."""


@dataclass(frozen=True)
class FieldSetting:
    """What an administrator set for one declared field; all of it only narrows what the declaration allows, save `required`."""

    is_shown: bool = True
    kinds: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    required: str = BUILT_IN
    required_kinds: tuple[str, ...] = ()
    required_stages: tuple[str, ...] = ()
    help: str = ""
    offered: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By customer type the only presets that are offered."""


@dataclass(frozen=True)
class FieldSettings:
    """All settings: by field, the order of the groups that were sorted, and the version they were read in."""

    by_field: Mapping[str, FieldSetting] = field(default_factory=dict)
    order: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    version: int = 0

    def of(self, name: str) -> FieldSetting:
        """The setting of a field; the default one where nobody set any."""
        return self.by_field.get(name, FieldSetting())

    def in_order(self, fields: Mapping[str, Field]) -> dict[str, Field]:
        """Fields by group, as the administrator sorted them; in a sorted group those come last that were not sorted."""
        groups = list(GROUPS)
        places = {name: place for names in self.order.values() for place, name in enumerate(names)}
        ordered = sorted(fields.values(), key=lambda one: (groups.index(one.group), places.get(one.name, len(places))))
        return {one.name: one for one in ordered}


def read_settings(session: CrmSession) -> FieldSettings:
    """The present settings."""
    stored, version = get_policy(session, AREA)
    return FieldSettings(
        by_field={name: _setting(values) for name, values in stored.get("fields", {}).items()},
        order={group: tuple(names) for group, names in stored.get("order", {}).items()},
        version=version,
    )


def _setting(stored: Mapping[str, Any]) -> FieldSetting:
    lists = {name: tuple(value) for name, value in stored.items() if isinstance(value, list)}
    offered = {stage: tuple(codes) for stage, codes in stored.get("offered", {}).items()}
    return FieldSetting(**{**stored, **lists, "offered": offered})


def stored_form(settings: FieldSettings) -> dict[str, Any]:
    """The settings as they are kept; what is as it comes is left out."""
    fields = {name: stored_setting(one) for name, one in settings.by_field.items()}
    return {"fields": {name: values for name, values in sorted(fields.items()) if values}, "order": dict(settings.order)}


def stored_setting(setting: FieldSetting) -> dict[str, Any]:
    """One field's setting as it is kept."""
    default = vars(FieldSetting())
    return {key: value for key, value in vars(setting).items() if value != default[key]}


def effective_fields(settings: FieldSettings, custom: Mapping[str, Custom]) -> dict[str, Field]:
    """The customers' fields that are in use, as set, in the order of the form; hidden ones are not among them."""
    declared = {name: _as_set(one, settings.of(name)) for name, one in fields_of(Customer).items() if settings.of(name).is_shown}
    return settings.in_order({**declared, **custom})


def _as_set(declared: Field, setting: FieldSetting) -> Field:
    if setting == FieldSetting():
        return declared
    return replace(
        declared,
        shown=_both(declared.shown, meets(list(setting.kinds), list(setting.stages))),
        required=_required(declared, setting),
        own_help=setting.help,
        offered={stage: frozenset(codes) for stage, codes in setting.offered.items()},
    )


def _required(declared: Field, setting: FieldSetting) -> Condition:
    if setting.required == NO:
        return never
    if setting.required == YES:
        return meets(list(setting.required_kinds), list(setting.required_stages))
    return declared.required


def _both(first: Condition, second: Condition) -> Condition:
    if first is always or second is always:
        return second if first is always else first
    return lambda values: first(values) and second(values)


@cache
def combinations() -> tuple[Values, ...]:
    """Every nature with every type: all that conditions look at."""
    return tuple({"kind": kind, "stage": stage} for kind, stage in product(KINDS, STAGES))
