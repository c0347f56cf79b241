"""来源与活动: which sources bring customers, how many of them are won, and what they buy."""

from functools import partial
from typing import Any

from sqlalchemy import case, func, select

from crm_core.i18n import N_
from crm_core.models import Campaign, Contract, Customer, LifecycleStage
from crm_core.permissions import Permission
from crm_core.services.campaign_results import get_results
from crm_core.services.insight.board import Board, Chart, Column, Figure, Kind, Point, Unit
from crm_core.services.insight.conversion import cohort_figure
from crm_core.services.insight.ground import MOST_BARS, Ground, Rows, count, link, ranking, rate, spans, step_of
from crm_core.services.insight.picks import during
from crm_core.services.insight.question import Period
from crm_core.services.insight.sales import AMOUNT, contract_figures

KEY, TITLE = "sources", N_("Sources and campaigns")
EMPTY = N_("In these days no customer was entered and no contract signed. Choose a longer period, or take filters away.")


def compute(ground: Ground) -> Board:
    """The board; amounts only for those who see contracts."""
    came, sees_contracts = _came(ground), ground.can(Permission.CONTRACT_READ)
    amounts = _amounts(ground) if sees_contracts else {}
    campaigns = ground.charts(lambda: campaign_charts(ground))
    if not came and not amounts and not campaigns:
        return Board(KEY, TITLE, missing=EMPTY)
    figures = [new_figure(ground, ground.period, sum(row.number for row in came)), cohort_figure(ground, ground.period)]
    figures += contract_figures(ground, ground.period)[:1] if sees_contracts else []
    effect = partial(_effect, ground, came, amounts, sees_contracts=sees_contracts)
    return Board(KEY, TITLE, tuple(figures), ground.charts(lambda: (effect(), entered_along_time(ground), *campaigns)))


def campaign_charts(ground: Ground) -> tuple[Chart, ...]:
    """What the latest campaigns of the period brought, as each of them tells on its own page; nothing for who sees no campaigns."""
    if not ground.can(Permission.CAMPAIGN_READ):
        return ()
    started = select(Campaign).where(Campaign.starts_on.between(ground.period.first, ground.period.last))
    latest = ground.session.execute(started.order_by(Campaign.starts_on.desc(), Campaign.id.desc()).limit(MOST_BARS)).scalars().all()
    if not latest:
        return ()
    sees_contracts = ground.can(Permission.CONTRACT_READ)
    points = tuple(_campaign_point(ground, one, sees_contracts=sees_contracts) for one in latest)
    steps = (count(N_("Invited")), count(N_("Attended")), Column(N_("Attendance"), Unit.RATE), count(N_("Customers won")))
    columns = (*steps, AMOUNT, Column(N_("Return on cost"), Unit.RATE)) if sees_contracts else steps
    note = N_("The latest campaigns that began in the period, with all customers that you see: the filters do not narrow them.")
    return (Chart("campaigns", N_("What campaigns brought"), Kind.BARS, N_("Campaign"), columns, points, "campaigns", note),)


def _campaign_point(ground: Ground, campaign: Campaign, *, sees_contracts: bool) -> Point:
    found = get_results(ground.session, ground.actor, campaign)
    steps = (found.invited, found.attended, rate(found.attended, found.registered), found.won)
    brought = (found.amount, rate(found.amount, found.cost)) if sees_contracts else ()
    return Point(campaign.name, (*steps, *brought), behind=link("campaign", {"campaign": campaign.code}))


def new_figure(ground: Ground, period: Period, number: int | None = None) -> Figure:
    """How many customers were entered; counted where nobody has."""
    if number is None:
        number = ground.one(ground.customers(func.count()).where(during(Customer.created_at, period)))[0]
    behind = ground.customer_link(since=period.first, until=period.last)
    return Figure("new_customers", N_("New customers"), Unit.COUNT, number, definition="new_customers", behind=behind)


def _came(ground: Ground) -> Rows:
    won = func.sum(case((Customer.stage == LifecycleStage.CUSTOMER, 1), else_=0)).label("won")
    query = ground.customers(Customer.source, func.count().label("number"), won)
    return ground.read(query.where(during(Customer.created_at, ground.period)).group_by(Customer.source))


def _amounts(ground: Ground) -> dict[str, Any]:
    query = ground.contracts(Customer.source, func.sum(Contract.amount).label("amount")).join(Customer, Customer.id == Contract.customer_id)
    rows = ground.read(query.where(Contract.signed_on.between(ground.period.first, ground.period.last)).group_by(Customer.source))
    return {row.source or "": row.amount for row in rows}


def _effect(ground: Ground, came: Rows, amounts: dict[str, Any], *, sees_contracts: bool) -> Chart:
    by_source = {row.source or "": row for row in came}
    points = []
    for source in {*by_source, *amounts}:
        row = by_source.get(source)
        number, won = (row.number, int(row.won)) if row else (0, 0)
        values = (number, won, rate(won, number), *((amounts.get(source, 0),) if sees_contracts else ()))
        behind = ground.customer_link(source=source, since=ground.period.first, until=ground.period.last)
        points.append(ground.preset(source, *values, behind=behind))
    shown = (count(N_("Entered")), count(N_("Won today")), Column(N_("Customer conversion rate"), Unit.RATE))
    columns = (*shown, AMOUNT) if sees_contracts else shown
    return Chart("effect", N_("Effect of the sources"), Kind.BARS, N_("Source"), columns, ranking(points, columns), "source_effect")


def entered_along_time(ground: Ground) -> Chart:
    """New customers in each step, by source."""
    steps = spans(ground.period)
    step = step_of(Customer.created_at, [one.period for one in steps]).label("step")
    query = ground.customers(step, Customer.source, func.count().label("number")).where(during(Customer.created_at, ground.period))
    numbers: dict[tuple[int, str], int] = {}
    for row in ground.read(query.group_by("step", Customer.source)):
        numbers[int(row.step), row.source or ""] = row.number
    totals: dict[str, int] = {}
    for (_step, source), number in numbers.items():
        totals[source] = totals.get(source, 0) + number
    sources = sorted((source for source in totals if source), key=lambda one: -totals[one])
    columns = (count(N_("All sources")), *(Column(ground.library.label(source), Unit.COUNT, is_name=True) for source in sources))
    points = tuple(
        Point(
            one.label,
            (
                sum(some for (place, _source), some in numbers.items() if place == number),
                *(numbers.get((number, source), 0) for source in sources),
            ),
            behind=ground.customer_link(since=one.period.first, until=one.period.last),
        )
        for number, one in enumerate(steps)
    )
    return Chart("entered", N_("New customers along time, by source"), Kind.STACKED, N_("Date"), columns, points, "new_customers")
