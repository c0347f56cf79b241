"""经营总览: the figures that a manager looks at first, each of a board of its own."""

from crm_core.i18n import N_
from crm_core.models import Customer
from crm_core.permissions import Permission
from crm_core.services.insight import activity, conversion, sales, service, sources, structure
from crm_core.services.insight.board import Board, Chart, Figure, Unit
from crm_core.services.insight.ground import Ground, Rows

KEY, TITLE = "overview", N_("Business overview")


def compute(ground: Ground) -> Board:
    """The board, of what the actor may see."""
    kinds = structure.count_by(ground, Customer.stage)
    total = sum(row.number for row in kinds)
    if not total:
        return Board(KEY, TITLE, missing=structure.EMPTY)
    cohort, made = conversion.cohort_figure(ground, ground.period), ground.charts(lambda: [activity.along_time(ground)])
    figures = [
        Figure("customers", N_("Customers"), Unit.COUNT, total, definition="customers", behind=structure.open_listed(ground)),
        sources.new_figure(ground, ground.period, int(cohort.denominator or 0)),
        cohort,
        conversion.churn_figure(ground, ground.period),
        activity.follow_up_figure(ground, ground.period, _sum(made[0]) if made else None),
    ]
    return Board(KEY, TITLE, (*figures, *_by_permission(ground)), (*ground.charts(lambda: _charts(ground, kinds)), *made))


def _sum(chart: Chart) -> int:
    """All steps of the period together: counting them once more would take as long."""
    return sum(int(point.values[0] or 0) for point in chart.points)


def _charts(ground: Ground, kinds: Rows) -> list[Chart]:
    signed = [sales.contracts_along_time(ground)] if ground.can(Permission.CONTRACT_READ) else []
    return [*signed, sources.entered_along_time(ground), structure.stages(ground, kinds)]


def _by_permission(ground: Ground) -> list[Figure]:
    figures: list[Figure] = []
    if ground.can(Permission.CONTRACT_READ):
        figures += sales.contract_figures(ground, ground.period)[:1]
    if ground.can(Permission.OPPORTUNITY_READ):
        figures += [one for one in sales.opportunity_figures(ground, ground.period) if one.key in ("win_rate", "won_value")]
    if ground.can(Permission.TICKET_READ):
        figures += [one for one in service.ticket_figures(ground, ground.period) if one.key == "complaints"]
    return figures
