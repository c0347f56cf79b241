"""What a tag rule can ask about a customer: one registry of measures, and the conditions made from them."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, not_, or_, select

from crm_core import clock
from crm_core.config import settings
from crm_core.fields import Widget, fields_of
from crm_core.i18n import N_, _, format_money, join_words, plural
from crm_core.models import ACTIVITIES, Contract, Customer, FollowUp
from crm_core.models.base import UtcTime
from crm_core.reference import regions
from crm_core.services.library import Library
from crm_core.services.tiers import yearly_amount

Columns = tuple[Any, ...]
"""Columns and other expressions of SQL."""


class Kind(StrEnum):
    """What kind of value a measure has, which decides how it is compared."""

    CHOICE = "choice"
    NUMBER = "number"
    MONEY = "money"
    AGE = "age"
    """Days since the latest of some days or moments."""
    YES = "yes"
    WORDS = "words"


OPERATORS: dict[Kind, dict[str, str]] = {
    Kind.CHOICE: {"any_of": N_("is one of"), "none_of": N_("is none of")},
    Kind.NUMBER: {"at_least": N_("is at least"), "at_most": N_("is at most")},
    Kind.MONEY: {"at_least": N_("is at least"), "at_most": N_("is at most")},
    Kind.AGE: {"at_least": N_("is at least"), "at_most": N_("is at most")},
    Kind.YES: {"is": N_("yes"), "is_not": N_("no")},
    Kind.WORDS: {"contains": N_("contains one of"), "lacks": N_("contains none of")},
}


@dataclass(frozen=True)
class Measure:
    """One measure. `columns` gets the number of days of a period, where it has one, and gives what is compared.

    Of several columns of an age the latest counts; words may stand in any of them.
    """

    label: str
    kind: Kind
    columns: Callable[[int], Columns]
    field: str = ""
    """The field of the customer whose choices it has."""
    has_period: bool = False


def _field(name: str) -> Measure:
    return Measure(fields_of(Customer)[name].label, Kind.CHOICE, lambda _days: (getattr(Customer, name),), field=name)


def _contracts(what: ColumnElement[Any]) -> Callable[[int], Columns]:
    def columns(days: int) -> Columns:
        today = clock.today()
        period = (Contract.signed_on > today - timedelta(days=days), Contract.signed_on <= today)
        return (select(what).where(Contract.customer_id == Customer.id, Contract.is_in_force, *period).scalar_subquery(),)

    return columns


def _contact(_days: int) -> Columns:
    # What was never contacted counts from its entry, as it does for the status.
    nothing = and_(Customer.last_contact_at.is_(None), Customer.first_contact_on.is_(None))
    return Customer.last_contact_at, Customer.first_contact_on, case((nothing, Customer.created_at))


def _contract(_days: int) -> Columns:
    signed = select(func.max(Contract.signed_on)).where(Contract.customer_id == Customer.id, Contract.is_in_force)
    return Customer.last_cooperated_on, signed.scalar_subquery()


def _follow_ups(days: int) -> Columns:
    since = clock.start_of_day(clock.today() - timedelta(days=days - 1))
    counted = select(func.count()).where(FollowUp.customer_id == Customer.id, FollowUp.happened_at >= since)
    return (counted.scalar_subquery(),)


def _follow_up_words(_days: int) -> Columns:
    texts = (FollowUp.subject, FollowUp.content, FollowUp.feedback)
    own = (select(func.aggregate_strings(func.coalesce(text, ""), " ")).where(FollowUp.customer_id == Customer.id) for text in texts)
    return tuple(one.scalar_subquery() for one in own)


MEASURES: dict[str, Measure] = {
    **{name: _field(name) for name in ("stage", "tier", "segment", "industry", "province", "city", "source", "kind", "sales_stage")},
    "activity": Measure(N_("Customer status"), Kind.CHOICE, lambda _days: (Customer.activity,)),
    "amount": Measure(N_("Total cooperation amount"), Kind.MONEY, lambda _days: (Customer.cooperation_amount,)),
    "yearly_amount": Measure(N_("Cooperation amount of a year"), Kind.MONEY, lambda _days: (yearly_amount(clock.today()),)),
    "contracts": Measure(N_("Number of contracts"), Kind.NUMBER, _contracts(func.count()), has_period=True),
    "contract_amount": Measure(N_("Contract amount"), Kind.MONEY, _contracts(func.coalesce(func.sum(Contract.amount), 0)), has_period=True),
    "follow_ups": Measure(N_("Number of follow-ups"), Kind.NUMBER, _follow_ups, has_period=True),
    "follow_up_words": Measure(N_("Words in follow-ups"), Kind.WORDS, _follow_up_words),
    "last_contact": Measure(N_("Days since the last contact"), Kind.AGE, _contact),
    "last_contract": Measure(N_("Days since the last contract"), Kind.AGE, _contract),
    "entered": Measure(N_("Days since the entry"), Kind.AGE, lambda _days: (Customer.created_at,)),
    "incomplete": Measure(N_("Incomplete"), Kind.YES, lambda _days: (Customer.is_incomplete,)),
    "words": Measure(
        N_("Words in needs and remarks"),
        Kind.WORDS,
        lambda _days: (Customer.core_need, Customer.wanted_products, Customer.remark),
    ),
}
"""All measures by the name that a condition keeps. A new one is a row here."""


@dataclass(frozen=True)
class Condition:
    """One condition of a rule: a measure, how it is compared, and with what."""

    field: str
    operator: str
    value: Any = None
    """Codes or words (a list), a whole number, yuan as text; nothing where the operator says it all."""
    days: int = 0
    """The length of the period, for measures that have one."""

    @property
    def measure(self) -> Measure:
        """What it asks about."""
        return MEASURES[self.field]

    def stored(self) -> dict[str, Any]:
        """As it is kept in JSON."""
        return asdict(self)

    @property
    def columns(self) -> Columns:
        """What it compares."""
        return self.measure.columns(self.days)


def choices(measure: Measure, library: Library) -> dict[str, str]:
    """The codes and labels among which a measure chooses; sections of industries among them."""
    if not measure.field:
        return {code: _(label) for code, label in ACTIVITIES.items()}
    declared = fields_of(Customer)[measure.field]
    if declared.choices is not None:
        return {code: _(label) for code, label in declared.choices.items()}
    if declared.widget is Widget.REGION:
        return {code: region.label for code, region in regions().items() if region.level == measure.field}
    if declared.widget is Widget.INDUSTRY:
        return {code: library.industry_label(code) for code in library.industries}
    return {entry.code: entry.label for entry in library.active(declared.preset)}


def where(condition: Condition, library: Library) -> ColumnElement[bool]:
    """The condition in SQL."""
    return COMPARE[condition.measure.kind](condition, library)


def _compare_choice(condition: Condition, library: Library) -> ColumnElement[bool]:
    (column,) = condition.columns
    codes = library.with_divisions(condition.value) if condition.field == "industry" else condition.value
    is_one: ColumnElement[bool] = column.in_(codes)
    return is_one if condition.operator == "any_of" else or_(column.is_(None), not_(is_one))


def _compare_amount(condition: Condition, _library: Library) -> ColumnElement[bool]:
    (column,) = condition.columns
    value = Decimal(condition.value) if condition.measure.kind is Kind.MONEY else condition.value
    compared: ColumnElement[bool] = column >= value if condition.operator == "at_least" else column <= value
    return compared


def _compare_age(condition: Condition, _library: Library) -> ColumnElement[bool]:
    if condition.operator == "at_most":
        return or_(*_since(condition.columns, clock.today() - timedelta(days=condition.value)))
    later = _since(condition.columns, clock.today() - timedelta(days=condition.value - 1))
    is_known = or_(*(column.is_not(None) for column in condition.columns))
    return and_(is_known, *(func.coalesce(not_(one), True) for one in later))


def _since(columns: Columns, day: date) -> list[ColumnElement[bool]]:
    return [column >= (clock.start_of_day(day) if isinstance(column.type, UtcTime) else day) for column in columns]


def _compare_yes(condition: Condition, _library: Library) -> ColumnElement[bool]:
    (column,) = condition.columns
    holds: ColumnElement[bool] = column.is_(condition.operator == "is")
    return holds


def _compare_words(condition: Condition, _library: Library) -> ColumnElement[bool]:
    found = or_(*(func.coalesce(column, "").icontains(word, autoescape=True) for column in condition.columns for word in condition.value))
    return found if condition.operator == "contains" else not_(found)


COMPARE: dict[Kind, Callable[[Condition, Library], ColumnElement[bool]]] = {
    Kind.CHOICE: _compare_choice,
    Kind.NUMBER: _compare_amount,
    Kind.MONEY: _compare_amount,
    Kind.AGE: _compare_age,
    Kind.YES: _compare_yes,
    Kind.WORDS: _compare_words,
}


def describe(condition: Condition, library: Library, *, present: Sequence[Any] | None = None) -> str:
    """A condition in words, with the present values of a customer (those of its columns) where they are given."""
    measure = condition.measure
    label = _(measure.label)
    if measure.has_period:
        phrase = plural(condition.days, N_("{measure} in the last {count} day"), N_("{measure} in the last {count} days"))
        label = phrase.format(measure=label, count=condition.days)
    if measure.kind is Kind.YES:
        answer = _(OPERATORS[Kind.YES][condition.operator])
        return f"{label}: {answer}"
    words = [label, _(OPERATORS[measure.kind][condition.operator]), _value(condition, library)]
    sentence = " ".join(word for word in words if word)
    if present is None or not (shown := _present(condition, library, present)):
        return sentence
    return _("{condition} (now {value})").format(condition=sentence, value=shown)


def _value(condition: Condition, library: Library) -> str:
    if condition.measure.kind is Kind.MONEY:
        return format_money(Decimal(condition.value))
    if condition.measure.kind is Kind.CHOICE:
        return join_words(_label(condition, library, code) for code in condition.value)
    if condition.measure.kind is Kind.WORDS:
        return join_words(condition.value)
    return "" if condition.value is None else str(condition.value)


def _label(condition: Condition, library: Library, code: str) -> str:
    return choices(condition.measure, library).get(code) or library.label(code)


def _present(condition: Condition, library: Library, values: Sequence[Any]) -> str:
    kind, known = condition.measure.kind, [value for value in values if value is not None]
    if not known or kind in (Kind.YES, Kind.WORDS):
        return ""
    if kind is Kind.AGE:
        return str((clock.today() - max(_day(value) for value in known)).days)
    if kind is Kind.CHOICE:
        return _label(condition, library, known[0])
    return format_money(known[0]) if kind is Kind.MONEY else str(known[0])


def _day(value: date | datetime) -> date:
    return value.astimezone(settings().timezone).date() if isinstance(value, datetime) else value
