"""Views of the opportunities in one's scope: pages of a list, the board by stage, one of them in full."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, and_, case, false, func, or_, select, type_coerce, union_all

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.errors import NotFound
from crm_core.models import Customer, Opportunity, OpportunityLine, OpportunityStage, Outcome, Place, User
from crm_core.models.base import Money
from crm_core.models.standing import NUMBERS
from crm_core.paging import Page
from crm_core.permissions import Actor, Permission, require
from crm_core.services.of_customers import EVERYBODY, OfCustomers
from crm_core.services.opportunities import gone
from crm_core.services.opportunity_stages import list_stages
from crm_core.validation import clean_text

COLUMN_SIZE = 30
"""A column of the board shows no more."""
CLOSED_DAYS = 30
"""The board shows what was won or lost in so many days."""
COUNT_LIMIT = 10_000
STATES = ("open", "won", "lost", "closed", "all", "deleted")

CHANCE = case(
    (OpportunityStage.outcome == Outcome.OPEN, func.coalesce(Opportunity.probability, OpportunityStage.probability)),
    else_=OpportunityStage.probability,
)
"""The probability that counts, in percent: its own while it is open, else that of its stage."""
WEIGHTED = type_coerce(func.coalesce(func.sum(Opportunity.amount * CHANCE), 0), Money())
"""Hundred times the weighted amount of a group."""
TOTAL = type_coerce(func.coalesce(func.sum(Opportunity.amount), 0), Money())

SORTS: dict[str, Any] = {
    "expected": Opportunity.expected_on,
    "amount": Opportunity.amount,
    "name": Opportunity.name,
    "customer": Customer.name_key,
    "stage": Opportunity.stage_since,
    "created": Opportunity.created_at,
}


@dataclass(frozen=True)
class OpportunityQuery:
    """What is asked for; several values of one filter mean any of them."""

    phrase: str = ""
    state: str = "open"
    owners: tuple[int, ...] = ()
    stages: tuple[int, ...] = ()
    expected_from: date | None = None
    expected_until: date | None = None
    amount_from: Decimal | None = None
    amount_until: Decimal | None = None
    is_rotting: bool = False
    product_id: int | None = None
    customer_id: int | None = None
    opened_from: date | None = None
    opened_until: date | None = None
    closed_from: date | None = None
    closed_until: date | None = None
    loss_reason: str = ""
    of: OfCustomers = EVERYBODY
    sort: str = "expected"
    descending: bool = False
    page: int = 1


@dataclass(frozen=True)
class Listed:
    """An opportunity as lists and the board show it; `probability` is the one that counts, `days` those it has stood in its stage."""

    id: int
    version: int
    code: str
    name: str
    customer_id: int
    customer_code: str
    customer: str
    stage_id: int
    stage: str
    outcome: str
    amount: Decimal
    own_probability: int | None
    probability: int
    expected_on: date
    owner_id: int | None
    owner: str
    opened_on: date
    stage_since: datetime
    closed_at: datetime | None
    deleted_at: datetime | None
    competitors: str
    remark: str
    loss_reason: str | None
    loss_note: str
    days: int
    is_rotting: bool

    @property
    def is_open(self) -> bool:
        """Neither won, lost nor deleted."""
        return self.closed_at is None and self.deleted_at is None

    @property
    def is_overdue(self) -> bool:
        """Still open after the day on which it was expected."""
        return self.is_open and self.expected_on < clock.today()


@dataclass(frozen=True)
class OpportunityPage(Page):
    """One page, and what all pages come to; `total` counts to `COUNT_LIMIT`, `is_capped` says that there are more."""

    size = 30
    rows: list[Listed]
    total: int
    is_capped: bool
    page: int
    amount: Decimal
    weighted: Decimal


@dataclass(frozen=True)
class Column:
    """One column of the board: its first cards, how many there are, and what they come to."""

    stage: OpportunityStage
    rows: list[Listed]
    total: int
    amount: Decimal
    weighted: Decimal


def list_opportunities(session: CrmSession, actor: Actor, query: OpportunityQuery) -> OpportunityPage:
    """One page of the opportunities within the actor's scope."""
    require(actor, Permission.OPPORTUNITY_READ)
    stages = list_stages(session)
    conditions = conditions_of(query, stages)
    total, amount, weighted = session.execute(_joined(select(func.count(Opportunity.id), TOTAL, WEIGHTED)).where(*conditions)).one()
    page = OpportunityPage.nearest(query.page, min(total, COUNT_LIMIT))
    key = SORTS.get(query.sort, Opportunity.expected_on)
    order = (key.desc(), Opportunity.id.desc()) if query.descending else (key, Opportunity.id)
    rows = read_listed(session, OpportunityPage.cut(select_listed().where(*conditions).order_by(*order), page), stages)
    return OpportunityPage(rows, min(total, COUNT_LIMIT), total > COUNT_LIMIT, page, amount, weighted / 100)


def list_all(session: CrmSession, actor: Actor, query: OpportunityQuery, limit: int) -> list[Listed]:
    """The opportunities of all pages of a query, at most so many."""
    require(actor, Permission.OPPORTUNITY_READ)
    stages = list_stages(session)
    found = select_listed().where(*conditions_of(query, stages)).order_by(Opportunity.id)
    return read_listed(session, found.limit(limit), stages)


def get_opportunity(session: CrmSession, actor: Actor, opportunity_id: int) -> Listed:
    """One opportunity, deleted ones too. Raises `NotFound` outside the actor's scope."""
    require(actor, Permission.OPPORTUNITY_READ)
    alive = Customer.is_open
    rows = read_listed(session, select_listed().where(Opportunity.id == opportunity_id, alive), list_stages(session))
    if not rows:
        raise NotFound(gone())
    return rows[0]


@dataclass(frozen=True)
class CustomerPage(Page):
    """One page of the opportunities of a customer."""

    size = 30
    rows: list[Listed]
    total: int
    page: int


def list_of_customer(session: CrmSession, actor: Actor, customer_id: int, page: int = 1) -> CustomerPage:
    """The opportunities of a customer, the open ones first."""
    require(actor, Permission.OPPORTUNITY_READ)
    own = (Opportunity.customer_id == customer_id, Opportunity.deleted_at.is_(None))
    total = session.execute(_joined(select(func.count(Opportunity.id))).where(*own)).scalar_one()
    page = CustomerPage.nearest(page, total)
    order = (Opportunity.closed_at.is_not(None), Opportunity.closed_at.desc(), Opportunity.expected_on, Opportunity.id)
    rows = CustomerPage.cut(select_listed().where(*own).order_by(*order), page)
    return CustomerPage(read_listed(session, rows, list_stages(session)), total, page)


def board(session: CrmSession, actor: Actor, query: OpportunityQuery) -> list[Column]:
    """The open opportunities by stage, and what was won or lost in `CLOSED_DAYS`: one query for all cards, one for all sums.

    A column shows its first `COLUMN_SIZE` cards, those expected soonest; closed ones the latest first. The state, the stages and
    the order of the query do not count.
    """
    require(actor, Permission.OPPORTUNITY_READ)
    stages = list_stages(session)
    narrowed, since = _narrowed(query, stages), clock.now() - timedelta(days=CLOSED_DAYS)
    firsts = [_first_cards(stage, since).where(*narrowed).subquery() for stage in stages]
    shown = select_listed().where(Opportunity.id.in_(union_all(*(select(first.c.id) for first in firsts))))
    cards = read_listed(session, shown.order_by(Opportunity.closed_at.desc(), *_SOONEST), stages)
    counted = _joined(select(Opportunity.stage_id, func.count().label("opportunities"), TOTAL.label("amount"), WEIGHTED.label("weighted")))
    on_board = (Opportunity.deleted_at.is_(None), or_(Opportunity.closed_at.is_(None), Opportunity.closed_at >= since))
    sums = {row.stage_id: row for row in session.execute(counted.where(*narrowed, *on_board).group_by(Opportunity.stage_id))}
    return [_column(stage, cards, sums.get(stage.id)) for stage in stages]


_SOONEST = (Opportunity.expected_on, Opportunity.id)


def _first_cards(stage: OpportunityStage, since: datetime) -> Select[tuple[int]]:
    """The first cards of one column, which an index has in this order; to number the cards of all columns would be to read them all."""
    of_stage = _joined(select(Opportunity.id)).where(Opportunity.stage_id == stage.id, Opportunity.deleted_at.is_(None)).limit(COLUMN_SIZE)
    if stage.outcome == Outcome.OPEN:
        return of_stage.where(Opportunity.closed_at.is_(None)).order_by(*_SOONEST)
    return of_stage.where(Opportunity.closed_at >= since).order_by(Opportunity.closed_at.desc(), *_SOONEST)


def _column(stage: OpportunityStage, cards: Sequence[Listed], sums: Any) -> Column:
    own = [card for card in cards if card.stage_id == stage.id]
    return (
        Column(stage, own, sums.opportunities, sums.amount, sums.weighted / 100) if sums else Column(stage, own, 0, Decimal(0), Decimal(0))
    )


_TEXTS = ("competitors", "remark", "loss_note")
_OWN = sorted({one.name for one in fields(Listed)} & set(Opportunity.__table__.columns.keys()))


def select_listed() -> Select[*tuple[Any, ...]]:
    """A selection of what `read_listed` makes rows of; of columns, since making records of them takes longer than the query."""
    named = (Customer.code.label("customer_code"), Customer.name.label("customer"), User.name.label("owner"))
    own = (getattr(Opportunity, name) for name in _OWN)
    return _joined(select(*own, *named, CHANCE.label("chance"))).outerjoin(User, User.id == Opportunity.owner_id)


def read_listed(session: CrmSession, statement: Select[*tuple[Any, ...]], stages: Sequence[OpportunityStage]) -> list[Listed]:
    """The rows of a selection that began with `select_listed`."""
    known, now = {stage.id: (stage, stage.label) for stage in stages}, clock.now()
    found = []
    for row in session.execute(statement):
        (stage, label), days = known[row.stage_id], (now - row.stage_since).days
        values = dict(row._mapping)
        chance, is_open = values.pop("chance"), row.closed_at is None and row.deleted_at is None
        values |= {name: values[name] or "" for name in (*_TEXTS, "owner")}
        values |= {"stage": label, "outcome": stage.outcome, "own_probability": row.probability, "probability": chance}
        is_rotting = is_open and stage.rotting_days is not None and days >= stage.rotting_days
        found.append(Listed(**values, days=days, is_rotting=is_rotting))
    return found


def _joined(statement: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    return (
        statement.select_from(Opportunity)
        .join(Customer, Customer.id == Opportunity.customer_id)
        .join(OpportunityStage, OpportunityStage.id == Opportunity.stage_id)
    )


def conditions_of(query: OpportunityQuery, stages: Sequence[OpportunityStage]) -> list[ColumnElement[bool]]:
    """Everything that a query asks for; opportunities of customers outside the list never."""
    found = [*_narrowed(query, stages), _in_state(query.state)]
    return found + ([Opportunity.stage_id.in_(query.stages)] if query.stages else [])


def _in_state(state: str) -> ColumnElement[bool]:
    if state == "deleted":
        return Opportunity.deleted_at.is_not(None)
    alive = Opportunity.deleted_at.is_(None)
    if state == "all":
        return alive
    if state == "closed":
        return and_(alive, Opportunity.closed_at.is_not(None))
    if state == "open":
        return and_(alive, Opportunity.closed_at.is_(None))
    return and_(alive, OpportunityStage.outcome == state)


def _narrowed(query: OpportunityQuery, stages: Sequence[OpportunityStage]) -> list[ColumnElement[bool]]:
    # Reckoned with, so that no index of the customers offers itself: SQLite would begin with all of them, and look for the work of each.
    found: list[Any] = [type_coerce(Customer.place, Integer) + 0 == NUMBERS[Place.LIBRARY]]
    limits = {
        Opportunity.expected_on: (query.expected_from, query.expected_until),
        Opportunity.amount: (query.amount_from, query.amount_until),
        Opportunity.opened_on: (query.opened_from, query.opened_until),
    }
    for column, (least, most) in limits.items():
        found += [column >= least] if least is not None else []
        found += [column <= most] if most is not None else []
    if query.closed_from:
        found.append(Opportunity.closed_at >= clock.start_of_day(query.closed_from))
    if query.closed_until:
        found.append(Opportunity.closed_at < clock.start_of_day(query.closed_until + timedelta(days=1)))
    if query.loss_reason:
        found.append(Opportunity.loss_reason == query.loss_reason)
    found += query.of.conditions
    if query.owners:
        found.append(Opportunity.owner_id.in_(query.owners))
    if query.customer_id:
        found.append(Opportunity.customer_id == query.customer_id)
    if query.product_id:
        sold = select(OpportunityLine.id).where(OpportunityLine.opportunity_id == Opportunity.id)
        found.append(sold.where(OpportunityLine.product_id == query.product_id).exists())
    if query.is_rotting:
        found.append(_rots(stages))
    columns = (Opportunity.name, Opportunity.code, Customer.name, Opportunity.competitors, Opportunity.remark)
    for word in clean_text(query.phrase).split()[:8]:
        found.append(or_(*(column.icontains(word, autoescape=True) for column in columns)))
    return found


def _rots(stages: Sequence[OpportunityStage]) -> ColumnElement[bool]:
    """Open, and in its stage for as many days as the administrator set, or more."""
    now = clock.now()
    too_long = [
        and_(Opportunity.stage_id == stage.id, Opportunity.stage_since <= now - timedelta(days=stage.rotting_days))
        for stage in stages
        if stage.rotting_days
    ]
    return and_(Opportunity.closed_at.is_(None), or_(*too_long)) if too_long else false()
