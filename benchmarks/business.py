"""What a team does in two years with its customers: follow-ups, changes of type, opportunities, contracts and tickets.

Written as rows, not through the services: only reading them is measured.
"""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, select

from crm_core import clock, db
from crm_core.models import METHODS, Contract, Customer, FollowUp, Opportunity, OpportunityStage, Outcome, StageChange, Ticket
from crm_core.permissions import SYSTEM

FOLLOW_UPS, OPPORTUNITIES, CONTRACTS, TICKETS = 500_000, 60_000, 40_000, 30_000
DAYS = 730
CHUNK = 10_000
PRODUCTS = ("排产软件", "仓储软件", "实施服务", "年度维护", "数据采集终端", "看板大屏", "质量追溯模块", "设备联网")
CATEGORIES = ("ticket_category.quality", "ticket_category.response", "ticket_category.delivery")
Row = dict[str, Any]


def build(seed: int) -> None:
    """Fill the tables of the present database."""
    inventor = random.Random(seed)
    with db.transaction(SYSTEM) as session:
        customers = session.execute(select(Customer.id, Customer.owner_id, Customer.stage, Customer.created_at).order_by(Customer.id)).all()
        stages = {row.outcome: row.id for row in session.execute(select(OpportunityStage.outcome, OpportunityStage.id))}
        for model, rows in (
            (StageChange, _moves(inventor, customers)),
            (FollowUp, _follow_ups(inventor, customers)),
            (Opportunity, _opportunities(inventor, customers, stages)),
            (Contract, _contracts(inventor, customers)),
            (Ticket, _tickets(inventor, customers)),
        ):
            chunk: list[Row] = []
            for row in rows:
                chunk.append(row)
                if len(chunk) == CHUNK:
                    session.execute(insert(model), chunk)
                    chunk = []
            if chunk:
                session.execute(insert(model), chunk)


def _moment(inventor: random.Random) -> datetime:
    return clock.now() - timedelta(minutes=inventor.randrange(DAYS * 24 * 60))


def _moves(inventor: random.Random, customers: Any) -> Iterator[Row]:
    for row in customers:
        if row.stage in ("qualified", "customer", "churned"):
            at = row.created_at + timedelta(days=inventor.randrange(60))
            yield {"customer_id": row.id, "at": at, "from_stage": "prospect", "to_stage": "qualified"}
        if row.stage in ("customer", "churned"):
            at += timedelta(days=inventor.randrange(90))
            yield {"customer_id": row.id, "at": at, "from_stage": "qualified", "to_stage": "customer"}


def _follow_ups(inventor: random.Random, customers: Any) -> Iterator[Row]:
    methods = list(METHODS)
    for number in range(FOLLOW_UPS):
        row = inventor.choice(customers)
        yield {
            "customer_id": row.id,
            "author_id": row.owner_id,
            "happened_at": _moment(inventor),
            "method": inventor.choice(methods),
            "subject": "季度回访",
            "content": f"第 {number} 次沟通，客户希望先看案例再谈价格。",
        }


def _opportunities(inventor: random.Random, customers: Any, stages: dict[str, int]) -> Iterator[Row]:
    for number in range(OPPORTUNITIES):
        row, opened = inventor.choice(customers), _moment(inventor)
        outcome = inventor.choice((Outcome.WON, Outcome.WON, Outcome.LOST, Outcome.OPEN))
        closed = min(opened + timedelta(days=inventor.randrange(120)), clock.now())
        yield {
            "code": f"OPPBENCH{number}",
            "customer_id": row.id,
            "name": f"项目 {number}",
            "stage_id": stages[outcome],
            "amount": inventor.randrange(10, 500) * 1000,
            "expected_on": (opened + timedelta(days=90)).date(),
            "owner_id": row.owner_id,
            "opened_on": opened.date(),
            "stage_since": opened,
            "created_at": opened,
            "closed_at": None if outcome == Outcome.OPEN else closed,
            "loss_reason": "loss_reason.price" if outcome == Outcome.LOST else None,
        }


def _contracts(inventor: random.Random, customers: Any) -> Iterator[Row]:
    buying = [row for row in customers if row.stage in ("customer", "churned", "partner")]
    for number in range(CONTRACTS):
        row, signed = inventor.choice(buying), _moment(inventor)
        yield {
            "customer_id": row.id,
            "number": f"HTBENCH{number}",
            "product": inventor.choice(PRODUCTS),
            "amount": inventor.randrange(10, 500) * 1000,
            "signed_on": signed.date(),
            "ends_on": (signed + timedelta(days=365)).date(),
            "owner_id": row.owner_id,
        }


def _tickets(inventor: random.Random, customers: Any) -> Iterator[Row]:
    for number in range(TICKETS):
        row, entered = inventor.choice(customers), _moment(inventor)
        is_done = inventor.random() < 0.9
        yield {
            "code": f"TKTBENCH{number}",
            "customer_id": row.id,
            "type": inventor.choice(("inquiry", "inquiry", "complaint", "request")),
            "category": inventor.choice(CATEGORIES),
            "priority": "normal",
            "source": "ticket_source.phone",
            "name": f"工单 {number}",
            "description": "三号线的设备今天早上停机。",
            "handler_id": row.owner_id,
            "state": "closed" if is_done else "doing",
            "due_at": entered + timedelta(days=2),
            "created_at": entered,
            "served_at": entered,
            "resolved_at": entered + timedelta(hours=inventor.randrange(1, 90)) if is_done else None,
            "satisfaction": inventor.choice((None, 3, 4, 5, 5)) if is_done else None,
        }
