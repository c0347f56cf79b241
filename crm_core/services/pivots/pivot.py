"""One pivot: rows by columns of one measure, grouped by the database; the records themselves are never read."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from dateutil.relativedelta import relativedelta
from sqlalchemy import Date, Integer, case, func, select
from sqlalchemy import cast as sql_cast

from crm_core import clock
from crm_core.cache import cached
from crm_core.db import CrmSession
from crm_core.errors import ValidationFailed
from crm_core.i18n import N_, _
from crm_core.models import Customer, Opportunity, OpportunityStage, User
from crm_core.permissions import Actor, Permission, require
from crm_core.scope import key_of
from crm_core.services.insight.board import Chart, Column, Kind, Point, Value
from crm_core.services.insight.ground import teams_below
from crm_core.services.pivots.subjects import COUNT, MONTH, QUARTER, SUBJECTS, YEAR, Dimension, Measure, Subject, Words, read_code

MOST_ROWS = 50
MOST_COLUMNS = 12
MOST_GROUPS = 20_000
MOST_STEPS = 360
"""So many months, quarters or years are told apart, the latest ones: more than a table shows, so what came before stands under others."""
_AREAS = ("customers", "users")
_STEPS = {MONTH: relativedelta(months=1), QUARTER: relativedelta(months=3), YEAR: relativedelta(years=1)}
TOTAL = N_("Total")
OTHERS = N_("All others")
CUT = N_("The largest {rows} rows and {columns} columns are shown, the rest stands under “{others}”; all totals are whole.")


@dataclass(frozen=True)
class PivotQuery:
    """What is asked for. Without a column dimension there is one column; several values of one filter mean any of them."""

    subject: str = "customers"
    row: str = "stage"
    column: str = ""
    measure: str = COUNT
    since: date | None = None
    until: date | None = None
    teams: tuple[int, ...] = ()
    owners: tuple[int, ...] = ()
    stages: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pivot:
    """Its answer: a chart whose table has a row for each category. Divided by columns, the first one is all of them together."""

    chart: Chart
    totals: tuple[Value, ...]
    """Of all rows, for each column of the chart."""
    is_cut: bool
    count: int
    """How many records were counted."""

    @property
    def note(self) -> str:
        """What was left out, in the language in force; empty where nothing was."""
        return _(CUT).format(rows=MOST_ROWS, columns=MOST_COLUMNS, others=_(OTHERS)) if self.is_cut else ""


@dataclass
class Cell:
    """The rows of a group: how many, the sum of the measured column, and in how many of them it is filled."""

    count: int = 0
    total: Decimal = Decimal(0)
    filled: int = 0

    def add(self, other: "Cell") -> None:
        """Take another group in."""
        self.count += other.count
        self.total += other.total
        self.filled += other.filled

    def value(self, measure: Measure) -> Value:
        """What the measure says of it; None where there is nothing to average."""
        if measure.column is None:
            return self.count
        if not measure.is_average:
            return self.total
        return self.total / self.filled if self.filled else None


Cells = dict[tuple[Any, Any], Cell]
"""By the codes of row and column; None for records without one."""


def subjects_of(actor: Actor) -> dict[str, Subject]:
    """What the actor may analyse."""
    return {name: subject for name, subject in SUBJECTS.items() if actor.can(subject.permission)}


def title_of(query: PivotQuery) -> str:
    """What a pivot is called: contract amount, by owner and by month of signing."""
    subject = _subject(query)
    measure, row = _(subject.measures[query.measure].label), subject.dimensions[query.row].title
    if not query.column:
        return _("{subject}: {measure} by {row}").format(subject=_(subject.label), measure=measure, row=row)
    across = subject.dimensions[query.column].title
    return _("{subject}: {measure} by {row} and {column}").format(subject=_(subject.label), measure=measure, row=row, column=across)


def analyse(session: CrmSession, actor: Actor, query: PivotQuery) -> Pivot:
    """The pivot within the actor's scope. Raises `NotAllowed`; `ValidationFailed` for what there is not, or for too many groups."""
    require(actor, Permission.DASHBOARD_READ)
    subject = _subject(query)
    require(actor, subject.permission)
    words = Words(session)
    seen = (key_of(session), clock.today(), query)
    groups = cached(session, (*_AREAS, subject.area), ("pivot", *seen), lambda: _group(session, subject, query))
    return _lay_out(groups, subject, query, words)


def _subject(query: PivotQuery) -> Subject:
    subject = SUBJECTS.get(query.subject)
    asked = {query.row, query.column} - {""}
    if subject is None or not asked <= subject.dimensions.keys() or not query.row or query.measure not in subject.measures:
        raise ValidationFailed({"pivot": [_("There is no such subject, dimension or measure. Choose another one.")]})
    if query.since and query.until and query.until < query.since:
        raise ValidationFailed({"pivot": [_("The range ends before it begins. Choose a later end.")]})
    return subject


def _group(session: CrmSession, subject: Subject, query: PivotQuery) -> Cells:
    row, column = subject.dimensions[query.row], subject.dimensions.get(query.column)
    measured = subject.measures[query.measure].column
    keys = [_key(session, row, subject, query).label("pivot_row")]
    keys += [_key(session, column, subject, query).label("pivot_column")] if column else []
    sums = [func.count()] if measured is None else [func.count(), func.sum(measured), func.count(measured)]
    grouped = _joined(select(*keys, *sums), subject).where(*_conditions(session, subject, query))
    grouped = grouped.group_by(*(one.name for one in keys)).limit(MOST_GROUPS + 1)
    found = session.execute(grouped).all()
    if len(found) > MOST_GROUPS:
        raise ValidationFailed(
            {
                "pivot": [
                    _("These are more than {count} combinations. Choose another dimension, or a filter.").format(count=f"{MOST_GROUPS:,}")
                ]
            }
        )
    cells: Cells = {}
    for one in found:
        code, across = one[0] or None, (one[1] or None) if column else ""
        values = one[len(keys) :]
        summed = Cell(values[0], Decimal(values[1] or 0), values[2]) if measured is not None else Cell(values[0])
        cells.setdefault((code, across), Cell()).add(summed)
    return cells


def _joined(query: Any, subject: Subject) -> Any:
    if subject.model is not Customer:
        query = query.select_from(subject.model).join(Customer, Customer.id == subject.model.customer_id)
    return query.join(OpportunityStage, OpportunityStage.id == Opportunity.stage_id) if subject.is_of_stage else query


def _conditions(session: CrmSession, subject: Subject, query: PivotQuery) -> list[Any]:
    found = [Customer.is_listed, *subject.conditions]
    if query.since:
        found.append(subject.dated >= _bound(subject.dated, query.since))
    if query.until:
        found.append(subject.dated < _bound(subject.dated, query.until + timedelta(days=1)))
    for column, chosen in ((subject.owner, query.owners), (Customer.stage, query.stages), (Customer.tier, query.tiers)):
        if chosen:
            found.append(column.in_(chosen))
    if query.sources:
        found.append(Customer.source.in_(query.sources))
    if query.teams:
        members = select(User.id).where(User.team_id.in_(teams_below(session, query.teams)))
        found.append(subject.owner.in_(members.scalar_subquery()))
    return found


def _bound(column: Any, day: date) -> Any:
    return day if isinstance(column.type, Date) else clock.start_of_day(day)


def _key(session: CrmSession, dimension: Dimension, subject: Subject, query: PivotQuery) -> Any:
    """What the rows are grouped by. Days are divided where the team works: by the first days of the months, not by the text of a time."""
    if not dimension.span:
        return dimension.column
    firsts = _first_days(session, dimension, subject, query)
    if len(firsts) < 2:
        return sql_cast(None, Integer)
    cuts = [(dimension.column < _bound(dimension.column, following), _name(first, dimension.span)) for first, following in pairwise(firsts)]
    return case((dimension.column.is_(None), None), *cuts, else_=None)


def _first_days(session: CrmSession, dimension: Dimension, subject: Subject, query: PivotQuery) -> list[date]:
    """The first day of each month, quarter or year that has rows, and the first day after them."""
    ends = select(func.min(dimension.column), func.max(dimension.column))
    earliest, latest = session.execute(_joined(ends, subject).where(*_conditions(session, subject, query))).one()
    if earliest is None:
        return []
    first, last = (one if isinstance(dimension.column.type, Date) else clock.day_of(one) for one in (earliest, latest))
    first = max(_begin(first, dimension.span), _begin(last, dimension.span) - MOST_STEPS * _STEPS[dimension.span])
    days = [first]
    while days[-1] <= last:
        days.append(days[-1] + _STEPS[dimension.span])
    return days


def _begin(day: date, span: str) -> date:
    month = {MONTH: day.month, QUARTER: (day.month - 1) // 3 * 3 + 1}.get(span, 1)
    return date(day.year, month, 1)


def _name(first: date, span: str) -> str:
    if span == MONTH:
        return f"{first:%Y-%m}"
    return f"{first.year} Q{first.month // 3 + 1}" if span == QUARTER else f"{first.year}"


def _all_between(first: str, last: str, span: str) -> list[str]:
    """The names of all months, quarters or years from one to another: a gap in time is to be seen."""
    year, day = int(first[:4]), date(int(first[:4]), 1, 1)
    if span == MONTH:
        day = date(year, int(first[5:]), 1)
    elif span == QUARTER:
        day = date(year, int(first[6:]) * 3 - 2, 1)
    names = [first]
    while names[-1] != last:
        day += _STEPS[span]
        names.append(_name(day, span))
    return names


def _lay_out(cells: Cells, subject: Subject, query: PivotQuery, words: Words) -> Pivot:
    row, column, measure = subject.dimensions[query.row], subject.dimensions.get(query.column), subject.measures[query.measure]
    downs, rest_down = _choose(cells, 0, row, measure, MOST_ROWS)
    acrosses, rest_across = _choose(cells, 1, column, measure, MOST_COLUMNS) if column else ([], set())
    table: Cells = defaultdict(Cell)
    for (down, across), cell in cells.items():
        down_key, across_key = (_REST if down in rest_down else down), (_REST if across in rest_across else across)
        for key in ((down_key, across_key), (down_key, _SUM), (_SUM, across_key), (_SUM, _SUM)):
            table[key].add(cell)
    downs, acrosses = [*downs, *([_REST] if rest_down else [])], [*acrosses, *([_REST] if rest_across else [])]
    empty = Cell()

    def value(down: Any, across: Any) -> Value:
        return table.get((down, across), empty).value(measure)

    acrosses = [_SUM, *acrosses] if column else [_SUM]
    names = [_(OTHERS) if one is _REST else read_code(row, one, words) for one in downs]
    heads = [_head(one, column, measure, words) for one in acrosses]
    points = tuple(Point(name, tuple(value(one, across) for across in acrosses)) for name, one in zip(names, downs, strict=True))
    columns = tuple(Column(head, measure.unit, is_name=True) for head in heads)
    chart = Chart(query.subject, subject.label, _kind(row, column, measure), row.title, columns, points)
    totals = tuple(value(_SUM, across) for across in acrosses)
    return Pivot(chart, totals, bool(rest_down or rest_across), table.get((_SUM, _SUM), empty).count)


def _head(code: Any, column: Dimension | None, measure: Measure, words: Words) -> str:
    if column is None:
        return _(measure.label)
    return _(TOTAL) if code is _SUM else _(OTHERS) if code is _REST else read_code(column, code, words)


_REST, _SUM = object(), object()


def _choose(cells: Cells, place: int, dimension: Dimension, measure: Measure, most: int) -> tuple[list[Any], set[Any]]:
    """The codes that are shown, in their order (days as they come, others by size), and those that are taken together."""
    sums: dict[Any, Cell] = defaultdict(Cell)
    for key, cell in cells.items():
        sums[key[place]].add(cell)
    largest = sorted(sums, key=lambda code: (-(sums[code].value(measure) or 0), str(code)))
    if dimension.span:
        named = sorted(code for code in sums if code is not None)
        every: list[Any] = _all_between(named[0], named[-1], dimension.span) if named else []
        every += [None] if None in sums else []
        return every[-most:], set(every[:-most]) & sums.keys()
    return largest[:most], set(largest[most:])


def _kind(row: Dimension, column: Dimension | None, measure: Measure) -> Kind:
    if column:
        return Kind.COLUMNS if measure.is_average else Kind.STACKED  # averages do not add up
    return Kind.COLUMNS if row.span else Kind.BARS
