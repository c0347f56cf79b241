"""What a merge makes of the values of two customers: what has to be chosen, and what the kept one gets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crm_core.db import CrmSession
from crm_core.errors import ValidationFailed
from crm_core.fields import SEVERAL, Field, read_value, read_values, write_value
from crm_core.models import Customer
from crm_core.services.cooperation import COOPERATION, ENTERED, agreed_with, united
from crm_core.services.entry import check_changes
from crm_core.services.library import Library, get_library
from crm_core.services.merge_rows import TIER
from crm_core.validation import is_blank

KEPT, MERGED = "kept", "merged"
TOGETHER: dict[str, tuple[str, ...]] = {
    "province": ("province", "city", "district"),
    "industry": ("industry", "industry_text"),
    "tier": TIER,
}
"""Fields that are one choice, under the name of the first."""
WITH_OTHERS = frozenset({"city", "district"})


@dataclass(frozen=True)
class Difference:
    """One choice: the fields that go together, and whose values stay unless somebody chooses otherwise."""

    name: str
    fields: tuple[str, ...]
    default: str


def differences(fields: Mapping[str, Field], kept: Customer, merged: Customer) -> list[Difference]:
    """What has to be chosen: the kept customer's value stays unless it is empty. Lists of choices are united, as tags are."""
    found = []
    for name, field in fields.items():
        if name in WITH_OTHERS or name == "kind" or field.widget in SEVERAL:
            continue
        together = TOGETHER.get(name, (name,))
        ours, theirs = ([_read(one, fields, part) for part in together] for one in (kept, merged))
        if ours != theirs and not _is_empty(theirs):
            found.append(Difference(name, together, MERGED if _is_empty(ours) else KEPT))
    return found


def _read(customer: Customer, fields: Mapping[str, Field], name: str) -> Any:
    return read_value(customer, fields[name]) if name in fields else getattr(customer, name)


def _is_empty(values: Sequence[Any]) -> bool:
    return all(is_blank(value) for value in values if value is not False)


def merged_values(session: CrmSession, kept: Customer, merged: Customer, choices: Mapping[str, str]) -> dict[str, Any]:
    """What the kept customer gets, by field. Fields that its nature and type do not show stay as they are; in hidden and removed ones,
    of which nobody can choose, an empty one is filled. Raises `ValidationFailed` where the values do not fit together.
    """
    library = get_library(session)
    fields = {**library.fields, **{name: field for name, field in library.known_fields.items() if name not in library.fields}}
    taken = [one for one in differences(fields, kept, merged) if choices.get(one.name, one.default) == MERGED]
    shown = {"kind": kept.kind, "stage": (merged if any(one.name == "stage" for one in taken) else kept).stage}
    values = {name: _read(merged, fields, name) for one in taken if fields[one.name].shown(shown) for name in one.fields}
    for name, field in fields.items():
        ours, theirs = ((_read(one, fields, name) or []) if field.widget in SEVERAL else [] for one in (kept, merged))
        if more := [code for code in theirs if code not in ours]:
            values[name] = [*ours, *more]
    values |= _with_contracts(session, kept, merged, values)
    _check(library, kept, values)
    return values


def _with_contracts(session: CrmSession, kept: Customer, merged: Customer, values: Mapping[str, Any]) -> dict[str, Any]:
    # What was entered is that of the customer whose figure was chosen; the contracts of both count.
    entered = {column: getattr(merged if name in values else kept, column) for name, column in ENTERED.items()}
    figures = united(entered.values(), *agreed_with(session, [kept.id, merged.id]).values())
    return entered | dict(zip(COOPERATION, figures, strict=True))


def _check(library: Library, kept: Customer, values: Mapping[str, Any]) -> None:
    before = read_values(kept, library.fields)
    changes = {name: value for name, value in values.items() if name in before}
    for some, text in ((before, kept.industry_text), (changes, values.get("industry_text"))):
        if "industry" in some:
            some["industry"] = some["industry"] or text
    _clean, errors = check_changes(library, before, changes)
    if errors:
        raise ValidationFailed(errors)


def give_values(session: CrmSession, kept: Customer, values: Mapping[str, Any]) -> None:
    """Write them into the kept customer."""
    known = get_library(session).known_fields
    for name, value in values.items():
        if name in known:
            write_value(kept, known[name], value)
        else:
            setattr(kept, name, value)
