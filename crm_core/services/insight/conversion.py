"""转化: from a prospect to a customer, by entry into each type, by month of entry, and how long it takes."""

from itertools import pairwise
from typing import Any

from dateutil.relativedelta import relativedelta
from sqlalchemy import ColumnElement, case, func, select

from crm_core import clock
from crm_core.i18n import N_
from crm_core.models import STAGES, Customer, LifecycleStage, StageChange
from crm_core.services.insight import picks
from crm_core.services.insight.board import Board, Chart, Column, Figure, Kind, Point, Unit
from crm_core.services.insight.ground import Ground, Rows, count, days_between, rate, share, spans, step_of, tenths
from crm_core.services.insight.picks import during, pick
from crm_core.services.insight.question import Period

KEY, TITLE = "conversion", N_("Conversion")
WAY = (LifecycleStage.PROSPECT, LifecycleStage.QUALIFIED, LifecycleStage.CUSTOMER)
"""The types in the order of the funnel."""
MONTHS = 12
TIMES = (
    (N_("up to 1 day"), 1),
    (N_("2 to 7 days"), 7),
    (N_("8 to 30 days"), 30),
    (N_("31 to 90 days"), 90),
    (N_("91 to 180 days"), 180),
    (N_("more than 180 days"), 100_000),
)
EMPTY = N_("In these days no customer was entered and none changed its type. Choose a longer period, or take filters away.")


def compute(ground: Ground) -> Board:
    """The board."""
    entries, times = count_entries(ground, ground.period), _times_won(ground)
    figures = _figures(ground, entries, times)
    if not any(entries.values()) and not any(figure.denominator for figure in figures):
        return Board(KEY, TITLE, missing=EMPTY)
    return Board(KEY, TITLE, figures, ground.charts(lambda: (_funnel(ground, entries), _times(times), _cohorts(ground), _by_month(ground))))


def _figures(ground: Ground, entries: dict[str, int], times: Rows) -> tuple[Figure, ...]:
    found = [cohort_figure(ground, ground.period)]
    for before, after in pairwise(WAY):
        went_on = ground.one(ground.customers(func.count(Customer.id)).where(picks.went_on(before, after, ground.period)))[0]
        behind = ground.customer_link(of=pick("went_on", before, after, ground.period.first, ground.period.last))
        found.append(share(f"to_{after}", _STEPS[after], went_on, entries[before], definition="stage_conversion", behind=behind))
    found.append(_mean_time(ground, times))
    found.append(churn_figure(ground, ground.period))
    return tuple(found)


_STEPS = {
    LifecycleStage.QUALIFIED: N_("Prospect → qualified"),
    LifecycleStage.CUSTOMER: N_("Qualified → won"),
}


def count_entries(ground: Ground, period: Period) -> dict[str, int]:
    """Customers by type that they entered in the period, each counted once for a type."""
    columns = (StageChange.to_stage, func.count(StageChange.customer_id.distinct()).label("number"))
    query = ground.rows_of(StageChange, *columns).where(StageChange.to_stage.in_(WAY), during(StageChange.at, period))
    rows = ground.read(query.group_by(StageChange.to_stage))
    return dict.fromkeys(WAY, 0) | {row.to_stage: row.number for row in rows}


def cohort_figure(ground: Ground, period: Period) -> Figure:
    """客户转化率 of those entered in the period."""
    won = func.sum(case((Customer.stage == LifecycleStage.CUSTOMER, 1), else_=0))
    entered, now = ground.one(ground.customers(func.count(), won).where(during(Customer.created_at, period)))
    behind = ground.customer_link(stage=LifecycleStage.CUSTOMER.value, since=period.first, until=period.last)
    return share("conversion", N_("Customer conversion rate"), int(now or 0), entered, behind=behind)


def churn_figure(ground: Ground, period: Period) -> Figure:
    """流失率 of the period."""
    churned = func.count(case((picks.churned_within(period), 1)))
    base, lost = ground.one(ground.customers(func.count(Customer.id), churned).where(picks.won_before(period.first)))
    return share("churn", N_("Churn rate"), lost, base, behind=ground.customer_link(of=pick("churned", period.first, period.last)))


def _funnel(ground: Ground, entries: dict[str, int]) -> Chart:
    days = (ground.period.first, ground.period.last)
    points = tuple(
        Point(STAGES[stage], (entries[stage],), is_phrase=True, behind=ground.customer_link(of=pick("entered", stage, *days)))
        for stage in WAY
    )
    columns = (count(N_("Customers that entered")),)
    return Chart("funnel", N_("Funnel by entry into the type"), Kind.FUNNEL, N_("Customer type"), columns, points, "stage_conversion")


def _first_won() -> Any:
    """When each customer was won for the first time, and whether it was entered as won."""
    entry = func.min(case((StageChange.from_stage.is_(None), 0), else_=1))
    columns = (StageChange.customer_id, func.min(StageChange.at).label("at"), entry.label("was_led"))
    found = select(*columns).where(StageChange.to_stage == LifecycleStage.CUSTOMER)
    return found.group_by(StageChange.customer_id).subquery("first_won")


def _led(ground: Ground, first: Any, *columns: Any) -> Any:
    found = ground.customers(*columns).join(first, first.c.customer_id == Customer.id)
    return found.where(first.c.was_led == 1, during(first.c.at, ground.period))


def _times_won(ground: Ground) -> Rows:
    """How many were won first in the period by the step of `TIMES`, with the days that it took them together."""
    first = _first_won()
    days = days_between(ground.session, Customer.created_at, first.c.at)
    return ground.read(
        _led(ground, first, _time_step(days).label("step"), func.count().label("number"), func.sum(days).label("days")).group_by("step")
    )


def _mean_time(ground: Ground, times: Rows) -> Figure:
    number = sum(row.number for row in times)
    mean = tenths(sum(float(row.days) for row in times) / number) if number else None
    behind = ground.customer_link(of=pick("won", ground.period.first, ground.period.last))
    return Figure("time_to_convert", N_("Mean days until won"), Unit.DAYS, mean, None, number, definition="time_to_convert", behind=behind)


def _times(times: Rows) -> Chart:
    numbers = {row.step: row.number for row in times}
    points = tuple(Point(label, (numbers.get(number, 0),), is_phrase=True) for number, (label, _most) in enumerate(TIMES))
    columns = (count(N_("Customers")),)
    return Chart("times", N_("Time until won"), Kind.COLUMNS, N_("Days"), columns, points, "time_to_convert")


def _time_step(days: Any) -> ColumnElement[int]:
    return case(*((days <= most, number) for number, (_label, most) in enumerate(TIMES)), else_=len(TIMES) - 1)


def _cohorts(ground: Ground) -> Chart:
    """A row for each month of entry, a column for each month after it; months that are not over yet have no value."""
    steps = cohort_months(ground.period)
    first, created = _first_won(), step_of(Customer.created_at, steps)
    within = during(Customer.created_at, Period(steps[0].first, steps[-1].last))
    entered = {int(row.month): row.number for row in _grouped(ground, created.label("month"), within)}
    won = step_of(first.c.at, steps).label("won")
    query = ground.customers(created.label("month"), won, func.count().label("number")).join(first, first.c.customer_id == Customer.id)
    query = query.where(within, first.c.at < _end(steps)).group_by("month", "won")
    found = {(int(row.month), int(row.won)): row.number for row in ground.read(query)}
    points = [
        Point(
            f"{step.first:%Y-%m}",
            _cumulated(entered.get(month, 0), [found.get((month, later), 0) for later in range(month, len(steps))], len(steps)),
            behind=ground.customer_link(since=step.first, until=step.last),
        )
        for month, step in enumerate(steps)
        if entered.get(month)
    ]
    columns = (count(N_("Entered")), *(Column(f"+{number}", Unit.RATE, is_name=True) for number in range(len(steps))))
    note = N_("The twelve months up to the end of the period; a column for each month after that of entry.")
    return Chart("cohorts", N_("Conversion by month of entry"), Kind.HEAT, N_("Month of entry"), columns, tuple(points), "cohort", note)


def _grouped(ground: Ground, step: Any, within: Any) -> Any:
    return ground.read(ground.customers(step, func.count().label("number")).where(within).group_by(step.name))


def _end(steps: list[Period]) -> Any:
    return clock.start_of_day(steps[-1].last + relativedelta(days=1))


def _cumulated(entered: int, won: list[int], width: int) -> tuple[Any, ...]:
    shares, so_far = [], 0
    for number in won:
        so_far += number
        shares.append(rate(so_far, entered))
    return (entered, *shares, *([None] * (width - len(won))))


def cohort_months(period: Period) -> list[Period]:
    """The twelve months up to that of the last day, the last one up to that day."""
    last = period.last.replace(day=1)
    starts = [last - relativedelta(months=back) for back in range(MONTHS - 1, -1, -1)]
    return [Period(start, min(start + relativedelta(months=1, days=-1), period.last)) for start in starts]


def _by_month(ground: Ground) -> Chart:
    """Entered and won today, along time."""
    steps = spans(ground.period)
    step = step_of(Customer.created_at, [one.period for one in steps]).label("step")
    won = func.sum(case((Customer.stage == LifecycleStage.CUSTOMER, 1), else_=0)).label("won")
    query = ground.customers(step, func.count().label("number"), won).where(during(Customer.created_at, ground.period)).group_by("step")
    found = {int(row.step): row for row in ground.read(query)}
    points = []
    for number, one in enumerate(steps):
        row = found.get(number)
        entered, now = (row.number, int(row.won)) if row else (0, 0)
        behind = ground.customer_link(since=one.period.first, until=one.period.last)
        points.append(Point(one.label, (entered, now, rate(now, entered)), behind=behind))
    columns = (count(N_("Entered")), count(N_("Won today")), Column(N_("Customer conversion rate"), Unit.RATE))
    return Chart("by_entry", N_("Customer conversion by day of entry"), Kind.COLUMNS, N_("Entered"), columns, tuple(points), "conversion")
