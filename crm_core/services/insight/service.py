"""服务: tickets and complaints, how soon they were resolved, and what the customers think of it."""

from typing import Any

from sqlalchemy import case, func

from crm_core.i18n import N_
from crm_core.models import SCORES, TICKET_TYPES, Ticket
from crm_core.models.ticket import COMPLAINT, SOLVED
from crm_core.services.insight.board import Board, Chart, Column, Figure, Kind, Point, Unit
from crm_core.services.insight.ground import Ground, Rows, count, days_between, ranking, share, spans, step_of, tenths
from crm_core.services.insight.picks import during
from crm_core.services.insight.question import Period

KEY, TITLE = "service", N_("Service board")
NUMBER = count(N_("Tickets"))
EMPTY = N_("In these days no ticket was entered. Choose a longer period, or take filters away.")


def compute(ground: Ground) -> Board:
    """The board."""
    kinds = _kinds(ground)
    if not kinds:
        return Board(KEY, TITLE, missing=EMPTY)
    charts = ground.charts(lambda: (_along_time(ground), _scores(ground), _categories(ground, kinds), _by_handler(ground)))
    return Board(KEY, TITLE, tuple(ticket_figures(ground, ground.period)), charts)


def ticket_figures(ground: Ground, period: Period) -> list[Figure]:
    """How many, of which kind, and how it went."""
    is_complaint, is_solved = (case((condition, 1), else_=0) for condition in (Ticket.type == COMPLAINT, Ticket.state.in_(SOLVED)))
    days = days_between(ground.session, Ticket.created_at, Ticket.resolved_at)
    columns = (
        func.count().label("number"),
        func.sum(is_complaint).label("complaints"),
        func.sum(is_solved).label("solved"),
        func.count(Ticket.satisfaction).label("ratings"),
        func.sum(Ticket.satisfaction).label("score"),
        func.count(Ticket.resolved_at).label("resolved"),
        func.sum(days).label("days"),
    )
    row = ground.one(ground.rows_of(Ticket, *columns).where(during(Ticket.created_at, period)))
    complaints, solved, score = int(row.complaints or 0), int(row.solved or 0), int(row.score or 0)
    all_of, worst = _link(ground, period), _link(ground, period, tickets_type=COMPLAINT)
    mean = tenths(score / row.ratings) if row.ratings else None
    time = tenths(float(row.days) / row.resolved) if row.resolved else None
    return [
        Figure("tickets", N_("Tickets"), Unit.COUNT, row.number, definition="tickets", behind=all_of),
        Figure("complaints", N_("Complaints"), Unit.COUNT, complaints, definition="complaints", behind=worst),
        share("complaint_share", N_("Share of complaints"), complaints, row.number, behind=worst),
        share("resolved", N_("Resolution rate"), solved, row.number, behind=_link(ground, period, tickets_state="done")),
        Figure(
            "satisfaction",
            N_("Satisfaction"),
            Unit.SCORE,
            mean,
            score,
            row.ratings,
            definition="satisfaction",
            behind=_link(ground, period, tickets_rated=tuple(SCORES)),
        ),
        Figure(
            "resolution_time", N_("Days until resolved"), Unit.DAYS, time, None, row.resolved, definition="resolution_time", behind=all_of
        ),
    ]


def _link(ground: Ground, period: Period, **query: Any) -> Any:
    return ground.ticket_link(tickets_since=period.first, tickets_until=period.last, **query)


def _kinds(ground: Ground) -> Rows:
    columns = (Ticket.type, Ticket.category)
    query = ground.rows_of(Ticket, *columns, func.count().label("number")).where(during(Ticket.created_at, ground.period))
    return ground.read(query.group_by(*columns))


def _along_time(ground: Ground) -> Chart:
    steps = spans(ground.period)
    step = step_of(Ticket.created_at, [one.period for one in steps]).label("step")
    query = ground.rows_of(Ticket, step, Ticket.type, func.count().label("number")).where(during(Ticket.created_at, ground.period))
    numbers = {(int(row.step), row.type): row.number for row in ground.read(query.group_by("step", Ticket.type))}
    columns = (count(N_("All types")), *(count(label) for label in TICKET_TYPES.values()))
    points = []
    for number, one in enumerate(steps):
        values = [numbers.get((number, code), 0) for code in TICKET_TYPES]
        points.append(Point(one.label, (sum(values), *values), behind=_link(ground, one.period)))
    return Chart("tickets", N_("Tickets along time, by type"), Kind.STACKED, N_("Date"), columns, tuple(points), "tickets")


def _scores(ground: Ground) -> Chart:
    query = ground.rows_of(Ticket, Ticket.satisfaction, func.count().label("number"))
    query = query.where(during(Ticket.created_at, ground.period), Ticket.satisfaction.is_not(None)).group_by(Ticket.satisfaction)
    numbers = {row.satisfaction: row.number for row in ground.read(query)}
    points = tuple(
        Point(label, (numbers.get(score, 0),), is_phrase=True, behind=_link(ground, ground.period, tickets_rated=score))
        for score, label in (SCORES.items() if numbers else ())
    )
    return Chart("scores", N_("Satisfaction of the customers"), Kind.COLUMNS, N_("Satisfaction"), (NUMBER,), points, "satisfaction")


def _categories(ground: Ground, kinds: Rows) -> Chart:
    """Complaints by what they are about."""
    points = [
        ground.preset(row.category, row.number, behind=_link(ground, ground.period, tickets_type=COMPLAINT, tickets_category=row.category))
        for row in kinds
        if row.type == COMPLAINT
    ]
    columns = (count(N_("Complaints")),)
    title = N_("What the complaints are about")
    return Chart("categories", title, Kind.BARS, N_("Ticket category"), columns, ranking(points, columns), "complaints")


def _by_handler(ground: Ground) -> Chart:
    score = func.sum(Ticket.satisfaction).label("score")
    query = ground.rows_of(Ticket, Ticket.handler_id, func.count().label("number"), func.count(Ticket.satisfaction).label("ratings"), score)
    rows = ground.read(query.where(during(Ticket.created_at, ground.period)).group_by(Ticket.handler_id))
    points = []
    for row in rows:
        mean = tenths(int(row.score) / row.ratings) if row.ratings else None
        behind = _link(ground, ground.period, tickets_handler=row.handler_id)
        points.append(ground.person(row.handler_id, row.number, row.ratings, mean, behind=behind))
    columns = (NUMBER, count(N_("With a score")), Column(N_("Satisfaction"), Unit.SCORE))
    return Chart("handlers", N_("Tickets by handler"), Kind.BARS, N_("Handler"), columns, ranking(points, columns), "tickets")
