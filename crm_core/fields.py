"""What a field is: one declaration on the model drives form, validation, list, filter, import, labels and masking.

name: Mapped[str] = declared(String(200), label=N_("Customer name"), group="base", required=always, check=...)
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any, ClassVar

from sqlalchemy import inspect
from sqlalchemy.orm import MappedColumn, mapped_column

from crm_core.i18n import LANGUAGES, N_, _, catalogue, localized

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
    NUMBER = "number"
    LINK = "link"


CHOOSING = frozenset({Widget.CHOICE, Widget.CHOICES, Widget.PRESET, Widget.PRESETS, Widget.INDUSTRY, Widget.REGION})
"""Where a value is chosen, not written."""
SEVERAL = frozenset({Widget.CHOICES, Widget.PRESETS})
"""Where several are chosen, which are kept as a list."""

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
    "ticket": N_("Ticket"),
    "campaign": N_("Campaign"),
    "product": N_("Product"),
    "opportunity": N_("Opportunity"),
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
    may_lie_ahead: bool = False
    """Whether a day may lie in the future."""
    own_help: str = ""
    """Words of an administrator in the place of `help`."""
    offered: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By customer type, the only choices offered; a type that is not named has all."""
    retired: frozenset[str] = frozenset()
    """Choices that are no longer offered and stay on the records that have them."""
    is_listed: bool = False
    """Whether an administrator put it into the customer list."""
    custom: ClassVar[bool] = False
    """Whether an administrator added it, and its values lie in `extra`."""

    @property
    def title(self) -> str:
        """The label in the language in force."""
        return _(self.label)

    @property
    def help_text(self) -> str:
        """The help in the language in force; an administrator's own words are shown as they are."""
        return self.own_help or (_(self.help) if self.help else "")

    @property
    def is_range(self) -> bool:
        """Whether a list is filtered by its least and greatest value."""
        return self.widget in (Widget.DATE, Widget.MONEY, Widget.NUMBER)

    def labels(self) -> dict[str, str]:
        """The fixed choices, those no longer offered included, with their labels in the language in force."""
        return {str(code): _(label) for code, label in (self.choices or {}).items()}

    def names(self) -> list[str]:
        """The label in every language."""
        return [self.label, *(catalogue(language).get(self.label, self.label) for language in LANGUAGES)]

    def names_of_choice(self, code: str) -> list[str]:
        """The label of a fixed choice in every language."""
        label = (self.choices or {})[code]
        return [label, *(catalogue(language).get(label, label) for language in LANGUAGES)]

    def is_required(self, values: Values) -> bool:
        """Whether a record with these values must carry the field."""
        return self.shown(values) and self.required(values)


@dataclass(frozen=True)
class Custom(Field):
    """A field that an administrator added: its words are theirs, in Chinese and perhaps in English, and are not translated."""

    label_en: str = ""
    choices_en: Mapping[str, str] = field(default_factory=dict)
    custom: ClassVar[bool] = True

    @property
    def title(self) -> str:
        """The label in the language in force."""
        return localized(self.label, self.label_en)

    def labels(self) -> dict[str, str]:
        """The choices with their labels in the language in force."""
        return {code: localized(label, self.choices_en.get(code)) for code, label in (self.choices or {}).items()}

    def names(self) -> list[str]:
        """The label in every language."""
        return [name for name in (self.label, self.label_en) if name]

    def names_of_choice(self, code: str) -> list[str]:
        """The label of a choice in every language."""
        return [name for name in ((self.choices or {})[code], self.choices_en.get(code)) if name]


def read_value(record: Any, field: Field) -> Any:
    """The value of a field of a record, or of a view of one: from its column, or from `extra` for a custom field."""
    return from_json(field, record.extra.get(field.name)) if field.custom else getattr(record, field.name)


def write_value(record: Any, field: Field, value: Any) -> None:
    """Give a field of a record a clean value."""
    if field.custom:
        record.extra = {**record.extra, field.name: to_json(value)}
    else:
        setattr(record, field.name, value)


def read_values(record: Any, fields: Mapping[str, Field]) -> dict[str, Any]:
    """The values of these fields of a record or view."""
    return {name: read_value(record, field) for name, field in fields.items()}


def as_columns(fields: Mapping[str, Field], values: Values) -> dict[str, Any]:
    """Clean values of a new record by column, those of custom fields in `extra`."""
    own = {name: value for name, value in values.items() if name in fields and fields[name].custom}
    extra = {name: to_json(value) for name, value in own.items() if value not in (None, [])}
    return {**{name: value for name, value in values.items() if name not in own}, "extra": extra}


def to_json(value: Any) -> Any:
    """A clean value as JSON keeps it: days and numbers as text, so that no digit is lost."""
    if isinstance(value, date):
        return value.isoformat()
    return format(value.normalize(), "f") if isinstance(value, Decimal) else value


def from_json(field: Field, stored: Any) -> Any:
    """The value that JSON keeps, in the type of its field."""
    if stored is None:
        return [] if field.widget in SEVERAL else None
    if field.widget is Widget.DATE:
        return date.fromisoformat(stored)
    return Decimal(stored) if field.widget in (Widget.MONEY, Widget.NUMBER) else stored


def declared(
    column_type: Any,
    *,
    nullable: bool = True,
    index: bool = False,
    unique: bool = False,
    default: Any = None,
    foreign_key: Any = None,
    **what: Any,
) -> MappedColumn[Any]:
    """A mapped column together with its field declaration."""
    arguments = [column_type] if foreign_key is None else [column_type, foreign_key]
    field = Field(max_length=getattr(column_type, "length", None), **what)
    return mapped_column(*arguments, nullable=nullable, index=index, unique=unique or None, default=default, info={"field": field})


@cache
def fields_of(model: type) -> dict[str, Field]:
    """All declared fields of a model by name, in the order of their declaration."""
    columns: Mapping[str, Any] = inspect(model).columns
    declarations = {name: getattr(column, "info", {}).get("field") for name, column in columns.items()}  # computed columns have no info
    return {name: replace(field, name=name) for name, field in declarations.items() if field}
