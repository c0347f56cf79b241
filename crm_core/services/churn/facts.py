"""What the score is reckoned from, read in one query for each kind of thing, for today or as it was known at the end of a past day.

For a past day nothing counts that happened later: contracts are those signed up to it and not made void by then, follow-ups, complaints
and tasks those up to it, a satisfaction only where its ticket was not changed since, type and tier those that the customer had then.
The first tier of a customer leaves no line in the change log; it counts from the beginning.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select, type_coerce

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.models import ChangeLog, Contract, Customer, FollowUp, LifecycleStage, StageChange, Task, Ticket
from crm_core.models.base import Money
from crm_core.models.standing import OPEN_PLACES
from crm_core.models.ticket import COMPLAINT
from crm_core.scope import unscoped
from crm_core.services.churn.policy import ChurnPolicy
from crm_core.services.churn.rhythm import fit_rhythm
from crm_core.services.churn.score import Facts, Usual

BOUGHT = (LifecycleStage.CUSTOMER, LifecycleStage.PARTNER)
"""Only who has business with the team can be lost; a lead that leads to nothing is none."""
YEAR = timedelta(days=365)
CHUNK = 5_000


@dataclass(frozen=True)
class Known:
    """What was known of the customers of high value at the end of a day."""

    day: date
    usual: Usual
    facts: dict[int, Facts]
    """By customer."""
    entered: dict[int, date]


class _Signed(NamedTuple):
    customer_id: int
    days: int
    first: date
    last: date
    year: Decimal
    before: Decimal
    ends_on: date | None


def read_facts(session: CrmSession, policy: ChurnPolicy, day: date) -> Known:
    """Everything, for all customers that were of high value on that day; the whole team's, so it is for jobs."""
    moment = clock.start_of_day(day + timedelta(days=1))
    signed = {row.customer_id: row for row in _rows(session, _signings(day, moment), _Signed)}
    history = [facts.purchases for facts in (_of_contracts(day, row) for row in signed.values())]
    entered = _held(session, policy, day, moment, {id: row.year for id, row in signed.items()})
    contacts = _by_customer(session, _contacts(moment), FollowUp.customer_id, entered)
    tickets = _by_customer(session, _tickets(day, moment), Ticket.customer_id, entered)
    planned = _by_customer(session, _steps(moment), Task.customer_id, entered)
    gaps = sum(row.count - 1 for row in contacts.values())
    span = sum((clock.day_of(row.last) - clock.day_of(row.first)).days for row in contacts.values())
    rhythm = fit_rhythm([one for one in history if one])
    usual = Usual(rhythm, max(span / gaps, 1.0) if gaps else Usual.contact_days, policy.horizon_days)
    facts = {id: _facts(day, signed.get(id), contacts.get(id), tickets.get(id), id in planned) for id in entered}
    return Known(day, usual, facts, entered)


def _rows(session: CrmSession, statement: Select[*tuple[Any, ...]], shape: Any) -> Iterable[Any]:
    return (shape(*row) for row in session.execute(statement, execution_options=unscoped))


def _by_customer(session: CrmSession, statement: Select[*tuple[Any, ...]], of: Any, wanted: Iterable[int]) -> dict[int, Any]:
    """The rows of these customers alone: few of all follow-ups belong to customers of high value."""
    ids, found = sorted(wanted), dict[int, Any]()
    for start in range(0, len(ids), CHUNK):
        some = statement.where(of.in_(ids[start : start + CHUNK]))
        found |= {row.customer_id: row for row in session.execute(some, execution_options=unscoped)}
    return found


def _of_contracts(day: date, row: _Signed) -> Facts:
    return Facts(day, row.days, row.first, row.last, float(row.year or 0), float(row.before or 0), row.ends_on)


def _facts(day: date, signed: _Signed | None, contacts: Any, tickets: Any, has_step: bool) -> Facts:
    found: dict[str, Any] = vars(_of_contracts(day, signed)) if signed else {"day": day}
    if contacts:
        first, last = clock.day_of(contacts.first), clock.day_of(contacts.last)
        found = {**found, "contacts": contacts.count, "first_contact": first, "last_contact": last}
    if tickets:
        counts = {"complaints": tickets.complaints, "ratings": tickets.ratings, "rating_sum": tickets.rating_sum}
        found = {**found, **{name: int(value or 0) for name, value in counts.items()}}
    return Facts(**{**found, "has_step": has_step})


def _signings(day: date, moment: datetime) -> Select[*tuple[Any, ...]]:
    def amount(since: date, until: date) -> ColumnElement[Any]:
        within = and_(Contract.signed_on > since, Contract.signed_on <= until)
        return type_coerce(func.sum(case((within, Contract.amount), else_=type_coerce(0, Money()))), Money())

    days = func.count(Contract.signed_on.distinct())
    ends = (func.min(Contract.signed_on), func.max(Contract.signed_on))
    amounts = (amount(day - YEAR, day), amount(day - 2 * YEAR, day - YEAR))
    in_force = or_(Contract.voided_at.is_(None), Contract.voided_at >= moment)
    statement = select(Contract.customer_id, days, *ends, *amounts, func.max(Contract.ends_on))
    return statement.where(Contract.signed_on <= day, in_force).group_by(Contract.customer_id)


def _contacts(moment: datetime) -> Select[*tuple[Any, ...]]:
    first, last = func.min(FollowUp.happened_at).label("first"), func.max(FollowUp.happened_at).label("last")
    counted = select(FollowUp.customer_id, func.count().label("count"), first, last)
    return counted.where(FollowUp.happened_at < moment).group_by(FollowUp.customer_id)


def _tickets(day: date, moment: datetime) -> Select[*tuple[Any, ...]]:
    since = clock.start_of_day(day - YEAR)
    is_known = and_(Ticket.satisfaction.is_not(None), Ticket.resolved_at >= since, Ticket.updated_at < moment)
    counted = select(
        Ticket.customer_id,
        func.sum(case((and_(Ticket.type == COMPLAINT, Ticket.created_at >= since), 1), else_=0)).label("complaints"),
        func.sum(case((is_known, 1), else_=0)).label("ratings"),
        func.sum(case((is_known, Ticket.satisfaction), else_=0)).label("rating_sum"),
    )
    return counted.where(Ticket.created_at < moment).group_by(Ticket.customer_id)


def _steps(moment: datetime) -> Select[*tuple[Any, ...]]:
    """Who had an open plan or task that somebody made."""
    is_open = and_(Task.created_at < moment, or_(Task.done_at.is_(None), Task.done_at >= moment))
    return select(Task.customer_id).where(is_open, Task.kind.in_(("follow_up", "task")), Task.customer_id.is_not(None)).distinct()


def _held(session: CrmSession, policy: ChurnPolicy, day: date, moment: datetime, amounts: dict[int, Decimal]) -> dict[int, date]:
    """The customers of high value, with the day of their entry."""
    rows = session.execute(_present() if day >= clock.today() else _past(moment), execution_options=unscoped)
    least = policy.amount_from
    return {
        row.id: clock.day_of(row.created_at)
        for row in rows
        if row.tier in policy.tiers or (least is not None and amounts.get(row.id, Decimal(0)) >= least)
    }


def _present() -> Select[*tuple[Any, ...]]:
    return select(Customer.id, Customer.created_at, Customer.tier).where(Customer.is_listed, Customer.stage.in_(BOUGHT))


def _past(moment: datetime) -> Select[*tuple[Any, ...]]:
    latest = func.row_number().over(partition_by=StageChange.customer_id, order_by=(StageChange.at.desc(), StageChange.id.desc()))
    stages = select(StageChange.customer_id, StageChange.to_stage, latest.label("place")).where(StageChange.at < moment).subquery()
    next_one = func.row_number().over(partition_by=ChangeLog.customer_id, order_by=(ChangeLog.at, ChangeLog.id))
    about = (ChangeLog.entity == Customer.__tablename__, ChangeLog.field == "tier", ChangeLog.action == "changed")
    changes = select(ChangeLog.customer_id, ChangeLog.old, next_one.label("place")).where(*about, ChangeLog.at >= moment).subquery()
    tier = case((changes.c.place == 1, func.nullif(changes.c.old, "")), else_=Customer.tier)
    statement = select(Customer.id, Customer.created_at, tier.label("tier"))
    statement = statement.join(stages, and_(stages.c.customer_id == Customer.id, stages.c.place == 1))
    statement = statement.outerjoin(changes, and_(changes.c.customer_id == Customer.id, changes.c.place == 1))
    return statement.where(Customer.place.in_(OPEN_PLACES), Customer.created_at < moment, stages.c.to_stage.in_(BOUGHT))
