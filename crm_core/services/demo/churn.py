"""Demo content of the churn warning: customers of long standing with a rhythm of their own, some of them lost, and plans."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

from sqlalchemy import Table, insert, select, update

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.models import ChurnPlan, ChurnPlanTask, Contract, Customer, FollowUp, OwnerChange, Place, StageChange, Task, TaskState
from crm_core.permissions import Actor, Permission
from crm_core.scope import unscoped
from crm_core.services import tickets
from crm_core.services.actors import acting_as, list_actors
from crm_core.services.churn import plans, scoring
from crm_core.services.churn.days import WEEK
from crm_core.services.churn.plans import PlannedStep
from crm_core.services.churn.policy import Template, get_churn_policy
from crm_core.services.cooperation import renew_from_rows
from crm_core.services.customers import create_customer
from crm_core.services.demo.rows import Row, read_rows
from crm_core.workdays import add_workdays

_STANDING = 1000
"""Days since these customers came."""
_FIRST_NUMBER = 500
_LOST = {"stage": "churned", "churn_reason": "loss_reason.competitor", "churn_note": "设备升级时选择了另一家供应商"}
_ENDED: tuple[tuple[str, str, int, int, str], ...] = (
    ("嘉兴蔚舟包装有限公司", "won_back", 40, 16, "续签两年，并指定了专属工程师"),
    ("绍兴织霖纺织有限公司", "kept", 55, 20, "问题已解决，客户继续合作"),
    ("扬州栖木日化有限公司", "lost", 175, 140, "已签给同行"),
)
"""Plans of the past: what came of them, begun and ended so many days ago."""
_RUNNING = "温州琅岸阀门有限公司"
_BULK: dict[str, Any] = {**unscoped, "synchronize_session": False}
_FOLLOW_UPS = cast(Table, FollowUp.__table__)


def fill_loyal(session: CrmSession, owners: list[Actor]) -> None:
    """Customers that bought and were contacted at regular intervals, until most of them fell silent."""
    for place, row in enumerate(read_rows("loyal.csv")):
        owner = owners[place % len(owners)]
        with acting_as(session, owner):
            _enter(session, owner, row, place)


@contextmanager
def laid_aside(session: CrmSession) -> Iterator[None]:
    """Those who are in the library leave it for a while, so that nothing else is told of them and their rhythm stays."""
    ids = list(session.execute(select(Customer.id).where(Customer.place == Place.LIBRARY), execution_options=unscoped).scalars())
    _move(session, ids, Place.DRAFT)
    yield
    _move(session, ids, Place.LIBRARY)


def _move(session: CrmSession, ids: Sequence[int], place: Place) -> None:
    moved = update(Customer).where(Customer.id.in_(ids)).values(place=place, updated_at=Customer.updated_at)
    session.execute(moved, execution_options=_BULK)
    session.expire_all()


def _enter(session: CrmSession, owner: Actor, row: Row, place: int) -> None:
    values: dict[str, Any] = {name: row[name] for name in ("name", "industry", "province", "city")}
    values |= {"kind": "enterprise", "stage": "customer", "segment": "segment.existing", "source": "source.referral"}
    values |= {"source_detail": "老客户介绍", "core_need": "设备与产线的长期服务", "employees": "employees.100_499"}
    values |= {"revenue": "revenue.50m_100m", "founded_on": date(2008, 5, 6), "cooperation_amount": Decimal(1000)}
    began = clock.today() - timedelta(days=_STANDING)
    values |= {"first_cooperated_on": began, "last_cooperated_on": began, "first_contact_on": began}
    contact = {"name": row["person"], "position": "采购经理", "phone": row["phone"], "email": "未提供"}
    customer = create_customer(session, owner, values, [contact]).customer
    _sign(session, customer, row, place)
    last = _follow_up(session, customer, row)
    for _turn in range(int(row["complaints"])):
        _complain(session, owner, customer)
    entered = _moment(_STANDING)
    dated: dict[str, Any] = {"created_at": entered, "updated_at": entered, "owned_since": entered, "first_follow_up_on": None}
    dated |= {"followed_up_at": entered, "last_contact_at": last, "tier": "A" if int(row["amount"]) >= 250_000 else "B"}
    session.execute(update(Customer).where(Customer.id == customer.id).values(dated), execution_options=_BULK)
    for model in (StageChange, OwnerChange):
        session.execute(update(model).where(model.customer_id == customer.id).values(at=entered), execution_options=_BULK)
    if row["lost_days_ago"]:
        _lose(session, owner, customer, int(row["lost_days_ago"]))
    session.expire(customer)


def _moment(days_ago: int) -> datetime:
    return min(clock.start_of_day(clock.today() - timedelta(days=days_ago)) + timedelta(hours=15), clock.now())


def _days(every: int, until: int) -> Iterator[int]:
    """Days ago at a regular interval, the first of them when the customer came, none less than `until`."""
    return (ago for ago in range(_STANDING, until - 1, -every))


def _sign(session: CrmSession, customer: Customer, row: Row, place: int) -> None:
    every, amount = int(row["every_days"]), int(row["amount"])
    for turn, ago in enumerate(_days(every, int(row["quiet_days"]))):
        day = clock.today() - timedelta(days=ago)
        number = f"HT{day:%Y%m}{_FIRST_NUMBER + place * 20 + turn}"
        share = amount if row["lost_days_ago"] == "" else amount * max(10 - turn, 4) // 10  # those that left bought less and less
        made = {"number": number, "product": row["product"], "amount": share, "signed_on": day, "created_at": _moment(ago)}
        ends_on = day + timedelta(days=max(every, 180))
        session.add(Contract(customer_id=customer.id, owner_id=customer.owner_id, starts_on=day, ends_on=ends_on, **made))
    renew_from_rows(session, customer)
    session.flush()


def _follow_up(session: CrmSession, customer: Customer, row: Row) -> datetime:
    every, quiet = int(row["contact_days"]), int(row["quiet_days"])
    moments = [_moment(ago) for ago in (*_days(every, quiet), quiet)]
    shared = {"customer_id": customer.id, "author_id": customer.owner_id, "contact_name": row["person"], "method": "phone"}
    shared |= {"subject": "例行回访", "content": "了解设备运行与备件情况，提醒到期服务。", "is_late": False, "version": 1}
    session.execute(insert(_FOLLOW_UPS), [{**shared, "happened_at": at, "created_at": at, "updated_at": at} for at in moments])
    return moments[-1]


def _complain(session: CrmSession, owner: Actor, customer: Customer) -> None:
    clerk = next((one for one in list_actors(session) if one.can(Permission.TICKET_WRITE)), owner)
    if clerk.can(Permission.TICKET_WRITE):
        values = {"type": "complaint", "priority": "high", "name": "服务响应慢", "description": "报修三天没有工程师上门，客户不满。"}
        values |= {"category": "ticket_category.response", "source": "ticket_source.phone"}
        with acting_as(session, clerk):
            made = tickets.create_ticket(session, clerk, customer.id, values, handler_id=clerk.id)
            made.created_at = made.served_at
            session.flush()


def _lose(session: CrmSession, owner: Actor, customer: Customer, days_ago: int) -> None:
    at = _moment(days_ago)
    session.execute(update(Customer).where(Customer.id == customer.id).values(**_LOST, updated_at=at), execution_options=_BULK)
    row = {"from_stage": "customer", "to_stage": "churned", "reason": "客户通知不再续约"}
    session.add(StageChange(customer_id=customer.id, at=at, actor_id=owner.id, **row))
    session.flush()


def fill_churn(session: CrmSession, actor: Actor) -> None:
    """Scores of a week ago and of today, and plans: three that ended and one that runs."""
    scoring.reckon_past(session, clock.today() - WEEK)
    scoring.reckon_now(session)
    if not (actor.can(Permission.CHURN_READ) and actor.can(Permission.CUSTOMER_EDIT)):
        return
    templates = get_churn_policy(session)[0].plans
    with acting_as(session, actor):
        for place, (name, outcome, begun, ended, remark) in enumerate(_ENDED):
            told = {"outcome": outcome, "remark": remark, "started_at": _moment(begun), "ended_at": _moment(ended)}
            _note_plan(session, actor, _named(session, name), templates[place % len(templates)], told)
        running = _named(session, _RUNNING)
        steps = [PlannedStep(step.name, add_workdays(clock.today(), step.workdays)) for step in templates[-1].steps]
        plans.start_plan(session, actor, running.id, name=templates[-1].name, steps=steps, assignee_id=running.owner_id or 0)


def _named(session: CrmSession, name: str) -> Customer:
    return session.execute(select(Customer).where(Customer.name == name)).scalar_one()


def _note_plan(session: CrmSession, actor: Actor, customer: Customer, template: Template, told: dict[str, Any]) -> None:
    """A plan that was carried out in the past."""
    begun, ended = told["started_at"], told["ended_at"]
    plan = ChurnPlan(customer_id=customer.id, name=template.name, score=74.0, started_by_id=actor.id, ended_by_id=actor.id, **told)
    made = {"customer_id": customer.id, "assignee_id": customer.owner_id, "created_by_id": actor.id, "state": TaskState.DONE}
    dated = {"created_at": begun, "due_at": ended, "done_at": ended}
    own = [Task(name=step.name, **made, **dated) for step in template.steps]
    session.add_all([plan, *own])
    session.flush()
    session.add_all(ChurnPlanTask(plan_id=plan.id, task_id=task.id) for task in own)
    session.flush()
