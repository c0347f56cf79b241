"""How the figures of boards read: numbers, money, shares and days in the user's language; a dash for what does not exist."""

from decimal import Decimal

from crm_core.i18n import N_, _, format_date, format_money, plural
from crm_core.services.insight.board import Figure, Unit, Value
from crm_core.services.insight.definitions import DEFINITIONS
from crm_core.services.insight.question import Period
from crm_core.services.insight.words import NOTHING


def worded(value: Value, unit: Unit) -> str:
    """One value."""
    if value is None:
        return NOTHING
    match unit:
        case Unit.RATE:
            return f"{Decimal(value) * 100:,.2f}%"
        case Unit.MONEY:
            return format_money(Decimal(value))
        case Unit.DAYS:
            return plural(int(value) if value == 1 else 0, N_("{number} day"), N_("{number} days")).format(number=f"{value:,}")
        case _other:
            return f"{value:,}"


def parts(figure: Figure) -> str:
    """What a figure was divided from; why there is none, where there was nothing to divide by."""
    if figure.denominator is None:
        return ""
    if not figure.denominator:
        return _("No value: there is nothing to divide by.")
    if figure.numerator is None:
        return _("From {count}").format(count=f"{figure.denominator:,}")
    unit = Unit.MONEY if figure.unit is Unit.MONEY else Unit.COUNT
    return f"{worded(figure.numerator, unit)} ÷ {figure.denominator:,}"


def change(figure: Figure, compared: Period | None) -> str:
    """环比 in words; a share is compared in points."""
    if compared is None:
        return ""
    if figure.unit is Unit.RATE and figure.value is not None and figure.before is not None:
        return _("{points} points").format(points=f"{(Decimal(figure.value) - Decimal(figure.before)) * 100:+,.2f}")
    return "" if figure.change is None else f"{figure.change * 100:+,.1f}%"


def before(figure: Figure, compared: Period | None) -> str:
    """The compared value."""
    if compared is None:
        return ""
    return _("Before: {value}").format(value=worded(figure.before, figure.unit))


def definition_lines(key: str) -> list[str]:
    """What it is called, what is divided by what, by which date, and from what."""
    found = DEFINITIONS[key]
    return [
        _(found.title),
        _(found.rule),
        _("Date: {basis}").format(basis=_(found.basis)),
        _("Counted from: {source}").format(source=_(found.source)),
    ]


def days(period: Period) -> str:
    """A period."""
    return f"{format_date(period.first)} – {format_date(period.last)}"
