"""What a field is: one declaration on the model drives form, validation, list, filter, import, labels and masking.

name: Mapped[str] = declared(String(200), label=N_("Customer name"), group="base", required=always, check=...)
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.orm import MappedColumn, mapped_column

from crm_core.i18n import N_, _

Values = Mapping[str, Any]
"""A record's values by field."""
Condition = Callable[[Values], bool]


class Widget(StrEnum):
    """How a value is entered and shown."""

    TEXT = "text"
    LONG_TEXT = "long_text"
    CHOICE = "choice"
    CHOICES = "choices"
    PRESET = "preset"
    PRESETS = "presets"
    INDUSTRY = "industry"
    REGION = "region"
    DATE = "date"
    MONEY = "money"


CHOOSING = frozenset({Widget.CHOICE, Widget.CHOICES, Widget.PRESET, Widget.PRESETS, Widget.INDUSTRY, Widget.REGION})
"""Where a value is chosen, not written."""

GROUPS = {
    "base": N_("Basic data"),
    "contacts": N_("Contacts"),
    "scale": N_("Company size"),
    "needs": N_("Needs"),
    "decision": N_("Decision chain"),
    "cooperation": N_("Cooperation history"),
    "churn": N_("Loss"),
    "preferences": N_("Service preferences and marketing"),
    "contract": N_("Contract"),
}


def always(_values: Values) -> bool:
    """The condition that always holds."""
    return True


def never(_values: Values) -> bool:
    """The condition that never holds."""
    return False


def for_kind(*kinds: str) -> Condition:
    """Holds for customers of one of these kinds."""
    return lambda values: values.get("kind") in kinds


def for_stage(*stages: str) -> Condition:
    """Holds for customers of one of these lifecycle stages."""
    return lambda values: values.get("stage") in stages


@dataclass(frozen=True)
class Field:
    """The declaration of one field.

    `shown` and `required` look at the record's other values (its kind and stage). `check` receives the entered value and
    the record's values and returns the clean value, or raises `ValueError` with a sentence for the user.
    `choices` maps codes to labels for fixed enumerations; `preset` names the category of the library for editable ones.
    `aliases` are further headings under which imported files carry the field.
    """

    label: str
    group: str = "base"
    widget: Widget = Widget.TEXT
    name: str = ""
    help: str = ""
    required: Condition = never
    shown: Condition = always
    check: Callable[[Any, Values], Any] | None = None
    choices: Mapping[str, str] | None = None
    preset: str = ""
    aliases: tuple[str, ...] = ()
    max_length: int | None = None
    sensitive: str = ""
    """The kind of sensitive value it holds (`permissions.SENSITIVE`), if any."""
    fixed: bool = False
    """Chosen at creation; afterwards only its own action changes it (kind, stage)."""
    filterable: bool = False
    is_open: bool = False
    """Whether words of one's own are possible beside the choices."""

    @property
    def title(self) -> str:
        """The label in the language in force."""
        return _(self.label)

    def is_required(self, values: Values) -> bool:
        """Whether a record with these values must carry the field."""
        return self.shown(values) and self.required(values)


def declared(
    column_type: Any, *, nullable: bool = True, index: bool = False, default: Any = None, foreign_key: Any = None, **field: Any
) -> MappedColumn[Any]:
    """A mapped column together with its field declaration."""
    max_length = getattr(column_type, "length", None)
    arguments = [column_type] if foreign_key is None else [column_type, foreign_key]
    return mapped_column(*arguments, nullable=nullable, index=index, default=default, info={"field": Field(max_length=max_length, **field)})


@cache
def fields_of(model: type) -> dict[str, Field]:
    """All declared fields of a model by name, in the order of their declaration."""
    columns: Mapping[str, Any] = inspect(model).columns
    return {name: replace(column.info["field"], name=name) for name, column in columns.items() if "field" in column.info}
