"""Labels and values of boards as reports show them, in the language in force."""

from collections.abc import Collection, Iterable
from decimal import ROUND_HALF_UP, Decimal

from crm_core.db import CrmSession
from crm_core.i18n import N_, _, format_date, format_money, join_words
from crm_core.models import STAGES, TIERS
from crm_core.services.insight.board import Chart, Figure, Point, Unit, Value
from crm_core.services.insight.question import Compared, Question
from crm_core.services.insight.words import NOTHING, point_label
from crm_core.services.library import get_library
from crm_core.services.teams import list_teams
from crm_core.services.users import user_names

COMPARED = {
    Compared.NOTHING: N_("no comparison"),
    Compared.BEFORE: N_("the period before"),
    Compared.LAST_YEAR: N_("the same days of last year"),
}
UNITS = {
    Unit.COUNT: N_("Count"),
    Unit.MONEY: N_("Yuan"),
    Unit.RATE: N_("Percent"),
    Unit.DAYS: N_("Days"),
    Unit.SCORE: N_("Score"),
}


def path_label(chart: Chart, point: Point) -> str:
    """The same with what it belongs to before it: 浙江省 · 杭州市."""
    above = next((one for one in chart.points if one.label == point.parent and not one.parent), None) if point.parent else None
    return " · ".join(point_label(one) for one in (above, point) if one)


def upper_level_first(chart: Chart) -> tuple[Point, ...]:
    """The points in the order in which a table has them: what has nothing above it comes first."""
    return tuple(sorted(chart.points, key=lambda point: bool(point.parent)))


def show_value(value: Value, unit: Unit) -> str:
    """A value with its unit; a dash for none."""
    if value is None:
        return NOTHING
    number = Decimal(value)
    if unit is Unit.MONEY:
        return format_money(_rounded(number, 2))
    if unit is Unit.RATE:
        return f"{_rounded(number * 100, 2)}%"
    if unit is Unit.COUNT:
        return f"{_rounded(number, 0):,}"
    return f"{_rounded(number, 1 if unit is Unit.DAYS else 2):,}"


def _rounded(number: Decimal, places: int) -> Decimal:
    return number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def show_change(figure: Figure) -> str:
    """环比 with its sign; a dash where there is no value before, or it was 0."""
    if figure.change is None:
        return NOTHING
    return f"{_rounded(figure.change * 100, 1):+}%"


def parts_of(figure: Figure) -> str:
    """Numerator and denominator; where a mean has no numerator, over how many it is. Nothing where a figure was not divided."""
    if figure.denominator is None:
        return ""
    below = show_part(figure.denominator)
    return f"÷ {below}" if figure.numerator is None else f"{show_part(figure.numerator)} ÷ {below}"


def show_part(value: Value) -> str:
    """A numerator or denominator: amounts are decimals, all others count something."""
    return show_value(value, Unit.MONEY if isinstance(value, Decimal) else Unit.COUNT)


def conditions_in_words(session: CrmSession, question: Question) -> list[tuple[str, str]]:
    """What was asked: the days, what they are held against, and every filter that is set."""
    period, compared = question.period, question.compared_period
    told = [(_("Period"), f"{format_date(period.first)} – {format_date(period.last)}")]
    if compared:
        days, words = f"{format_date(compared.first)} – {format_date(compared.last)}", _(COMPARED[question.compared])
        told.append((_("Compared with"), f"{words} ({days})"))
    chosen = {name: getattr(question, name) for name in ("teams", "owners", "stages", "sources")}
    return told + filters_in_words(session, **chosen)


def filters_in_words(
    session: CrmSession,
    *,
    teams: Iterable[int],
    owners: Iterable[int],
    stages: Collection[str],
    sources: Iterable[str],
    tiers: Collection[str] = (),
) -> list[tuple[str, str]]:
    """The filters that are set, by their names."""
    library, people, names = get_library(session), user_names(session), list_teams(session)
    chosen = {
        _("Team"): [names.get(number, NOTHING) for number in teams],
        _("Owner"): [people.get(number, NOTHING) for number in owners],
        _("Customer type"): [_(STAGES[code]) for code in STAGES if code in stages],
        _("Customer tier"): [_(TIERS[code]) for code in TIERS if code in tiers],
        _("Customer source"): [library.label(code) for code in sources],
    }
    return [(label, join_words(values)) for label, values in chosen.items() if values]
