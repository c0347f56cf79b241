"""The workbench of one busy salesperson among very many follow-ups, in a copy of the data of its own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy import insert, select, update

from benchmarks import people, workspace
from benchmarks.measure import Row, time_each
from crm_core import clock, db
from crm_core.models import Customer, FollowUp, Task
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import workbench

ROW = "core.workbench"
WHO = "sales11"
CALLS = 63
CUSTOMERS = 2_000
TASKS = 5_000
FOLLOW_UPS = 5
"""For each customer of the whole database."""
CHUNK = 5_000


def measure(is_wanted: Callable[[str], bool]) -> Iterator[Row]:
    """What the start page reads, of somebody with two thousand customers and five thousand tasks."""
    if not is_wanted(ROW):
        return
    with busy_data() as actor:
        yield Row(ROW, time_each(_read, [actor] * CALLS))


@contextmanager
def busy_data() -> Iterator[Actor]:
    """Work in a copy of the data in which this person has as much to do."""
    with workspace.own_copy("workbench"):
        actor = people.actor(WHO)
        _build(actor)
        yield actor


def _read(actor: Actor) -> None:
    with db.reading(actor) as session:
        workbench.read_workbench(session, actor)


def _build(actor: Actor) -> None:
    now = clock.now()
    with db.transaction(SYSTEM) as session:
        others = select(Customer.id).where(Customer.owner_id == actor.id).order_by(Customer.id).offset(CUSTOMERS)
        session.execute(update(Customer).where(Customer.id.in_(others)).values(owner_id=people.actor("sales22").id))
        rows = session.execute(select(Customer.id, Customer.owner_id).order_by(Customer.id)).all()
        for start in range(0, len(rows), CHUNK):
            noted = [
                {
                    "customer_id": row.id,
                    "author_id": row.owner_id,
                    "happened_at": now - timedelta(days=30 * number, minutes=row.id % 1000),
                    "method": "phone",
                    "subject": "季度回访",
                    "content": f"第 {number} 次沟通，客户希望先看案例再谈价格。",
                }
                for row in rows[start : start + CHUNK]
                for number in range(1, FOLLOW_UPS + 1)
            ]
            session.execute(insert(FollowUp), noted)
        own = [row.id for row in rows if row.owner_id == actor.id]
        session.execute(insert(Task), [_task(number, own[number % len(own)], actor) for number in range(TASKS)])


def _task(number: int, customer_id: int, actor: Actor) -> dict[str, object]:
    """Of every ten one is overdue and one is due today; half of the rest is done."""
    due_at = clock.now() + timedelta(days={0: -3, 1: 0}.get(number % 10, 2 + number % 60), minutes=30)
    is_done = number % 10 > 5
    return {
        "kind": "follow_up" if number % 2 else "task",
        "name": f"回访 {number}",
        "customer_id": customer_id,
        "assignee_id": actor.id,
        "due_at": due_at,
        "state": "done" if is_done else "open",
        "done_at": clock.now() - timedelta(days=number % 40) if is_done else None,
    }
