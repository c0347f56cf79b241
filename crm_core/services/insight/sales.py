"""销售: what was signed and won, by whom and where from, against what was aimed at, and what is to come."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select

from crm_core.i18n import N_
from crm_core.models import Contract, ContractLine, Customer, Opportunity, OpportunityStage, Outcome, Product
from crm_core.permissions import Permission
from crm_core.reference import regions
from crm_core.services import targets
from crm_core.services.forecast import forecast
from crm_core.services.insight.board import Board, Chart, Column, Figure, Kind, Point, Unit
from crm_core.services.insight.ground import Ground, Span, count, days_since, quarters, ranking, rate, share, spans, step_of, tenths
from crm_core.services.insight.picks import during
from crm_core.services.insight.question import Period
from crm_core.services.of_customers import OfCustomers
from crm_core.services.teams import list_teams

KEY, TITLE = "sales", N_("Sales board")
AMOUNT = Column(N_("Contract amount"), Unit.MONEY)
WON_VALUE = Column(N_("Won value"), Unit.MONEY)
WIN_RATE = Column(N_("Win rate"), Unit.RATE)
EMPTY = N_("In these days no contract was signed and no opportunity won, lost or opened. Choose a longer period, or take filters away.")
NOT_FILTERED = N_("Targets are set for people and teams, so they are shown without the filters of type and source.")
MOST_YEARS = 3


@dataclass
class Closed:
    """Opportunities won and lost."""

    won: int = 0
    lost: int = 0
    value: Decimal = field(default_factory=Decimal)
    """Of those won."""
    days: float = 0

    @property
    def closed(self) -> int:
        """Both."""
        return self.won + self.lost

    @property
    def values(self) -> tuple[Any, ...]:
        """As a point of a chart with `CLOSED_COLUMNS`."""
        return self.value, self.won, self.lost, rate(self.won, self.closed)

    def plus(self, other: "Closed") -> "Closed":
        """Both together."""
        return Closed(self.won + other.won, self.lost + other.lost, self.value + other.value, self.days + other.days)


CLOSED_COLUMNS = (WON_VALUE, count(N_("Won")), count(N_("Lost")), WIN_RATE)


def compute(ground: Ground) -> Board:
    """The board, of what the actor may see."""
    figures: list[Figure] = []
    charts: list[Chart] = []
    if ground.can(Permission.CONTRACT_READ):
        figures += contract_figures(ground, ground.period)
        charts += ground.charts(lambda: _contract_charts(ground))
    if ground.can(Permission.OPPORTUNITY_READ):
        steps = quarters(ground.period)
        step = step_of(Opportunity.closed_at, [one.period for one in steps]).label("step")
        closed = _closed(ground, ground.period, step, Opportunity.owner_id)
        figures += opportunity_figures(ground, ground.period, sum_closed(closed.values()))
        charts += ground.charts(lambda: _opportunity_charts(ground, steps, closed))
    if not any(figure.value or figure.denominator for figure in figures) and not any(chart.has_values for chart in charts):
        return Board(KEY, TITLE, missing=EMPTY)
    return Board(KEY, TITLE, tuple(figures), tuple(charts))


def contract_figures(ground: Ground, period: Period) -> list[Figure]:
    """What was signed."""
    query = ground.contracts(func.count(), func.coalesce(func.sum(Contract.amount), 0, type_=Contract.amount.type))
    number, amount = ground.one(query.where(Contract.signed_on.between(period.first, period.last)))
    behind = ground.contract_link(period)
    mean = (amount / number).quantize(Decimal("0.01")) if number else None
    return [
        Figure("contract_amount", N_("Contract amount"), Unit.MONEY, amount, definition="contract_amount", behind=behind),
        Figure("contracts", N_("Contracts"), Unit.COUNT, number, definition="contracts", behind=behind),
        Figure("mean_contract", N_("Mean contract amount"), Unit.MONEY, mean, amount, number, definition="mean_contract", behind=behind),
    ]


def opportunity_figures(ground: Ground, period: Period, closed: Closed | None = None) -> list[Figure]:
    """What was won, of what was decided and of what was opened; summed up where nobody has."""
    closed = closed or sum_closed(_closed(ground, period).values())
    mean = (closed.value / closed.won).quantize(Decimal("0.01")) if closed.won else None
    cycle = tenths(closed.days / closed.closed) if closed.closed else None
    opened, won = _opened(ground, period)
    days: dict[str, Any] = {"opp_closed_from": period.first, "opp_closed_until": period.last}
    began: dict[str, Any] = {"opp_opened_from": period.first, "opp_opened_until": period.last}
    link = ground.opportunity_link
    return [
        share("win_rate", N_("Win rate"), closed.won, closed.closed, behind=link(opp_state="closed", **days)),
        Figure("won_value", N_("Won value"), Unit.MONEY, closed.value, definition="won_value", behind=link(opp_state="won", **days)),
        Figure(
            "mean_won",
            N_("Mean won value"),
            Unit.MONEY,
            mean,
            closed.value,
            closed.won,
            definition="mean_won",
            behind=link(opp_state="won", **days),
        ),
        Figure(
            "cycle",
            N_("Days until closed"),
            Unit.DAYS,
            cycle,
            None,
            closed.closed,
            definition="cycle",
            behind=link(opp_state="closed", **days),
        ),
        share("opportunity_conversion", N_("Opportunity conversion rate"), won, opened, behind=link(opp_state="all", **began)),
    ]


def _opened(ground: Ground, period: Period) -> tuple[int, int]:
    """Opened in the period, and those of them that are won."""
    query = ground.opportunities(OpportunityStage.outcome, func.count().label("number"))
    rows = ground.read(query.where(Opportunity.opened_on.between(period.first, period.last)).group_by(OpportunityStage.outcome))
    return sum(row.number for row in rows), sum(row.number for row in rows if row.outcome == Outcome.WON)


def _closed(ground: Ground, period: Period, *by: Any) -> dict[Any, Closed]:
    """Won and lost in the period, by columns."""
    days = func.sum(days_since(ground.session, Opportunity.opened_on, Opportunity.closed_at)).label("days")
    columns = (*by, OpportunityStage.outcome, func.count().label("number"), func.sum(Opportunity.amount).label("amount"), days)
    query = ground.opportunities(*columns).where(during(Opportunity.closed_at, period))
    found: dict[Any, Closed] = {}
    for row in ground.read(query.group_by(*by, OpportunityStage.outcome)):
        key = tuple(row[: len(by)])
        one = Closed(days=float(row.days or 0))
        if row.outcome == Outcome.WON:
            one.won, one.value = row.number, row.amount
        else:
            one.lost = row.number
        found[key] = found.get(key, Closed()).plus(one)
    return found


def sum_closed(some: Any) -> Closed:
    """All together."""
    total = Closed()
    for one in some:
        total = total.plus(one)
    return total


def _contract_charts(ground: Ground) -> list[Chart]:
    period = Contract.signed_on.between(ground.period.first, ground.period.last)
    return [
        contracts_along_time(ground),
        _amounts(ground, "owner", N_("Contract amount by owner"), Contract.owner_id, period),
        _amounts(ground, "source", N_("Contract amount by source"), Customer.source, period),
        _by_product(ground, period),
        _amounts(ground, "region", N_("Contract amount by region"), Customer.province, period),
        *_targets(ground),
    ]


def contracts_along_time(ground: Ground) -> Chart:
    """What was signed in each step."""
    steps = spans(ground.period)
    step = step_of(Contract.signed_on, [one.period for one in steps], moments=False).label("step")
    query = ground.contracts(step, func.sum(Contract.amount).label("amount"), func.count().label("number"))
    rows = ground.read(query.where(Contract.signed_on.between(ground.period.first, ground.period.last)).group_by("step"))
    found = {int(row.step): (row.amount, row.number) for row in rows}
    points = tuple(
        Point(one.label, found.get(number, (Decimal(0), 0)), behind=ground.contract_link(one.period)) for number, one in enumerate(steps)
    )
    columns = (AMOUNT, count(N_("Contracts")))
    return Chart("signed", N_("Contract amount along time"), Kind.COLUMNS, N_("Date"), columns, points, "contract_amount")


def _amounts(ground: Ground, key: str, title: str, column: Any, period: Any) -> Chart:
    """销售额贡献 by one column."""
    query = ground.contracts(column.label("code"), func.sum(Contract.amount).label("amount"), func.count().label("number"))
    query = query if key == "owner" else query.join(Customer, Customer.id == Contract.customer_id)
    make: Any = {"owner": _owner_point, "source": _source_point, "region": _region_point}[key]
    points = [make(ground, row.code, row.amount, row.number) for row in ground.read(query.where(period).group_by(column))]
    return _contribution(key, title, points)


def _contribution(key: str, title: str, points: list[Point]) -> Chart:
    total = sum((point.values[0] or 0 for point in points), Decimal(0))
    shared = [Point(one.label, (*one.values, rate(one.values[0], total)), one.is_phrase, one.parent, one.behind) for one in points]
    columns = (AMOUNT, count(N_("Contracts")), Column(N_("Share"), Unit.RATE))
    return Chart(f"by_{key}", title, Kind.BARS, _HEADINGS[key], columns, ranking(shared, columns), "contract_amount")


_HEADINGS = {"owner": N_("Owner"), "source": N_("Source"), "region": N_("Region"), "product": N_("Product"), "team": N_("Team")}


def _owner_point(ground: Ground, owner: int | None, *values: Any) -> Point:
    return ground.person(owner, *values, behind=ground.contract_link(owner=owner))


def _source_point(ground: Ground, source: str | None, *values: Any) -> Point:
    return ground.preset(source, *values, behind=ground.contract_link(of_source=source))


def _region_point(ground: Ground, province: str | None, *values: Any) -> Point:
    known = regions().get(province or "")
    return Point(known.label, values, behind=ground.contract_link(of_province=province)) if known else ground.preset(None, *values)


def _by_product(ground: Ground, period: Any) -> Chart:
    """By the lines of the contracts, and by what is written in those that have none."""
    lines = ground.contracts(Product.name.label("name"), func.sum(ContractLine.amount).label("amount"), func.count(Contract.id.distinct()))
    lines = lines.join(ContractLine, ContractLine.contract_id == Contract.id).join(Product, Product.id == ContractLine.product_id)
    has_lines = select(ContractLine.id).where(ContractLine.contract_id == Contract.id).exists()
    others = ground.contracts(Contract.product, func.sum(Contract.amount), func.count()).where(~has_lines)
    sums: dict[str, tuple[Decimal, int]] = {}
    for query, by in ((lines, Product.name), (others, Contract.product)):
        for name, amount, number in ground.read(query.where(period).group_by(by)):
            before = sums.get(name, (Decimal(0), 0))
            sums[name] = (before[0] + amount, before[1] + number)
    points = [Point(name, some, behind=ground.contract_link(product=name)) for name, some in sums.items()]
    return _contribution("product", N_("Contract amount by product"), points)


def _targets(ground: Ground) -> list[Chart]:
    """Who reached how much of their target, the highest share first."""
    months = _months_touched(ground.period)
    reached: dict[int, tuple[Decimal, Decimal]] = {}
    for year in sorted(months)[-MOST_YEARS:]:
        for row in targets.read_year(ground.session, ground.actor, year, "signed").people:
            if ground.people is None or row.holder[1] in ground.people:
                before = reached.get(row.holder[1], (Decimal(0), Decimal(0)))
                reached[row.holder[1]] = (before[0] + row.result(months[year]), before[1] + row.target(months[year]))
    points = [
        ground.person(id, result, target, rate(result, target), behind=ground.contract_link(owner=id))
        for id, (result, target) in reached.items()
        if target
    ]
    ordered = tuple(sorted(points, key=lambda point: -(point.values[2] or 0)))
    columns = (AMOUNT, Column(N_("Target"), Unit.MONEY), Column(N_("Target achievement"), Unit.RATE))
    note = NOT_FILTERED if ground.question.stages or ground.question.sources else ""
    return [Chart("targets", N_("Targets and what was reached"), Kind.BARS, _HEADINGS["owner"], columns, ordered, "target", note)]


def _months_touched(period: Period) -> dict[int, list[int]]:
    """By year the months that the period touches."""
    found: dict[int, list[int]] = {}
    number = period.first.year * 12 + period.first.month - 1
    while number <= period.last.year * 12 + period.last.month - 1:
        found.setdefault(number // 12, []).append(number % 12 + 1)
        number += 1
    return found


def _opportunity_charts(ground: Ground, steps: Sequence[Span], closed: Mapping[Any, Closed]) -> list[Chart]:
    by_owner = _summed_by(closed, 1)
    return [
        _by_quarter(ground, steps, _summed_by(closed, 0)),
        _closed_by_owner(ground, by_owner),
        _closed_by_team(ground, by_owner),
        _loss_reasons(ground),
        _forecast(ground),
    ]


def _closed_link(ground: Ground, period: Period, **query: Any) -> Any:
    return ground.opportunity_link(**{"opp_state": "closed", "opp_closed_from": period.first, "opp_closed_until": period.last} | query)


def _summed_by(closed: Mapping[Any, Closed], place: int) -> dict[Any, Closed]:
    """The sums by one part of the keys."""
    found: dict[Any, Closed] = {}
    for key, one in closed.items():
        found[key[place]] = found.get(key[place], Closed()).plus(one)
    return found


def _by_quarter(ground: Ground, steps: Sequence[Span], found: Mapping[Any, Closed]) -> Chart:
    points = tuple(
        Point(one.label, found.get(number, Closed()).values, behind=_closed_link(ground, one.period)) for number, one in enumerate(steps)
    )
    return Chart("by_quarter", N_("Won value and win rate by quarter"), Kind.COLUMNS, N_("Quarter"), CLOSED_COLUMNS, points, "win_rate")


def _closed_by_owner(ground: Ground, found: dict[Any, Closed]) -> Chart:
    points = [
        ground.person(owner, *one.values, behind=_closed_link(ground, ground.period, opp_people=owner)) for owner, one in found.items()
    ]
    title = N_("Won value and win rate by owner")
    most = len(points)  # a ranking of people leaves nobody out
    return Chart(
        "won_by_owner", title, Kind.BARS, _HEADINGS["owner"], CLOSED_COLUMNS, ranking(points, CLOSED_COLUMNS, most=most), "win_rate"
    )


def _closed_by_team(ground: Ground, by_owner: dict[Any, Closed]) -> Chart:
    names, sums = list_teams(ground.session), dict[int, list[tuple[Any, Closed]]]()
    for owner, one in by_owner.items():
        sums.setdefault(ground.teams.get(owner or 0, 0), []).append((owner, one))
    points = []
    for team, some in sums.items():
        values = sum_closed(one for _owner, one in some).values
        people = tuple(owner for owner, _one in some if owner)
        behind = _closed_link(ground, ground.period, opp_people=people)
        points.append(Point(names[team], values, behind=behind) if team else Point(NO_TEAM, values, is_phrase=True))
    columns = CLOSED_COLUMNS
    return Chart(
        "won_by_team", N_("Won value and win rate by team"), Kind.BARS, _HEADINGS["team"], columns, ranking(points, columns), "win_rate"
    )


NO_TEAM = N_("In no team")


def _loss_reasons(ground: Ground) -> Chart:
    query = ground.opportunities(
        Opportunity.loss_reason.label("code"), func.count().label("number"), func.sum(Opportunity.amount).label("amount")
    )
    query = query.where(during(Opportunity.closed_at, ground.period), OpportunityStage.outcome == Outcome.LOST)
    rows = ground.read(query.group_by(Opportunity.loss_reason))
    points = [
        ground.preset(row.code, row.number, row.amount, behind=_closed_link(ground, ground.period, opp_state="lost", opp_loss=row.code))
        for row in rows
    ]
    columns = (count(N_("Lost")), Column(N_("Lost value"), Unit.MONEY))
    title = N_("Why opportunities were lost")
    return Chart("loss_reasons", title, Kind.BARS, N_("Reason"), columns, ranking(points, columns), "loss_reasons")


def _forecast(ground: Ground) -> Chart:
    asked = ground.question
    rows = forecast(ground.session, ground.actor, owners=ground.people, of=OfCustomers(asked.stages, asked.sources))
    points = tuple(
        Point(
            _FORECAST_ENDS.get(row.month, row.month),
            (row.weighted.quantize(Decimal("0.01")), row.open_amount, row.won_amount),
            is_phrase=row.month in _FORECAST_ENDS,
            behind=ground.opportunity_link(opp_state="all", opp_month=row.month) if row.month not in _FORECAST_ENDS else None,
        )
        for row in rows
    )
    columns = (Column(N_("Weighted"), Unit.MONEY), Column(N_("Open amount"), Unit.MONEY), Column(N_("Won amount"), Unit.MONEY))
    return Chart("forecast", N_("Weighted forecast"), Kind.COLUMNS, N_("Expected month"), columns, points, "forecast")


_FORECAST_ENDS = {"": N_("expected before"), "later": N_("later")}
