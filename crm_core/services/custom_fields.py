"""Custom fields as they are now: each row as a field that behaves like a declared one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from crm_core.checks.dates import check_any_date
from crm_core.checks.links import check_link
from crm_core.checks.money import check_money
from crm_core.checks.numbers import check_number
from crm_core.db import CrmSession
from crm_core.fields import Condition, Custom, Values, Widget, always, never
from crm_core.i18n import N_, catalogue
from crm_core.models import CustomField, FieldType

YES_NO = {"yes": N_("yes"), "no": N_("no")}


@dataclass(frozen=True)
class Form:
    """How a type of custom field is entered and checked."""

    widget: Widget
    check: Callable[[Any, Values], Any] | None = None
    max_length: int | None = None
    is_filterable: bool = False


FORMS: Mapping[str, Form] = {
    FieldType.TEXT: Form(Widget.TEXT, max_length=200),
    FieldType.LONG_TEXT: Form(Widget.LONG_TEXT, max_length=5_000),
    FieldType.NUMBER: Form(Widget.NUMBER, check_number, is_filterable=True),
    FieldType.MONEY: Form(Widget.MONEY, check_money, is_filterable=True),
    FieldType.DATE: Form(Widget.DATE, check_any_date, is_filterable=True),
    FieldType.CHOICE: Form(Widget.CHOICE, is_filterable=True),
    FieldType.CHOICES: Form(Widget.CHOICES, is_filterable=True),
    FieldType.YES_NO: Form(Widget.CHOICE, is_filterable=True),
    FieldType.LINK: Form(Widget.LINK, check_link, max_length=500),
}


def read_custom_fields(session: CrmSession) -> tuple[dict[str, Custom], frozenset[str]]:
    """All custom fields by their key, the oldest first, and the keys of those that were removed."""
    rows = session.execute(select(CustomField).order_by(CustomField.id)).scalars().all()
    return {row.key: as_field(row) for row in rows}, frozenset(row.key for row in rows if row.removed_at)


def as_field(row: CustomField) -> Custom:
    """The field that a row describes."""
    form = FORMS[row.type]
    return Custom(
        name=row.key,
        label=row.name,
        label_en=row.name_en or "",
        group=row.group,
        widget=form.widget,
        own_help=row.help or "",
        check=form.check,
        max_length=form.max_length,
        filterable=form.is_filterable,
        shown=meets(row.kinds, row.stages),
        required=always if row.is_required else never,
        may_lie_ahead=True,
        is_listed=row.is_listed,
        **_choices_of(row),
    )


def _choices_of(row: CustomField) -> dict[str, Any]:
    if row.type == FieldType.YES_NO:
        return {"choices": {code: catalogue("zh_CN").get(word, word) for code, word in YES_NO.items()}, "choices_en": YES_NO}
    if row.type not in (FieldType.CHOICE, FieldType.CHOICES):
        return {}
    return {
        "choices": {one["code"]: one["name"] for one in row.choices},
        "choices_en": {one["code"]: one["name_en"] for one in row.choices if one.get("name_en")},
        "retired": frozenset(one["code"] for one in row.choices if one.get("is_retired")),
    }


def meets(kinds: list[str], stages: list[str]) -> Condition:
    """Holds for customers of one of these natures and one of these types; an empty list stands for all."""
    if not kinds and not stages:
        return always
    return lambda values: (not kinds or values.get("kind") in kinds) and (not stages or values.get("stage") in stages)
