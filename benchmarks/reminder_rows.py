"""The reminder jobs over many open tasks, in a copy of the data of their own, since they change it for good."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from sqlalchemy import func, insert, select

from benchmarks import workspace
from benchmarks.measure import Row
from crm_core import clock, db
from crm_core.models import Customer, Notice, OutboxMessage, Task
from crm_core.permissions import SYSTEM
from crm_core.services import jobs

ROW = "core.reminders.tasks"
TASKS = 100_000
JOBS = ("due_tasks", "overdue_tasks")


def measure(is_wanted: Callable[[str], bool]) -> Iterator[Row]:
    """One run over tasks of which nobody was told, then one in which there is nothing to tell."""
    if not is_wanted(ROW):
        return
    with workspace.own_copy("reminders"):
        _build()
        took = _run(*JOBS)
        idle, messages = _run(*JOBS), _run("messages")
        with db.reading(SYSTEM) as session:
            told = session.execute(select(func.count(Notice.id))).scalar_one()
            written = session.execute(select(func.count(OutboxMessage.id))).scalar_one()
    yield Row(ROW, [took], {"told": told, "idle_ms": round(idle), "messages_ms": round(messages), "messages": written})


def _build() -> None:
    """A fifth of the tasks is overdue, a fifth has to be reminded of, the rest lies ahead; each for a customer, with its owner."""
    now = clock.now()
    with db.transaction(SYSTEM) as session:
        owned = session.execute(
            select(Customer.id.label("customer_id"), Customer.owner_id.label("assignee_id"))
            .where(Customer.owner_id.is_not(None))
            .limit(TASKS)
        ).all()
        session.execute(insert(Task), [_task(number, now) | row._asdict() for number, row in enumerate(owned)])


def _task(number: int, now: datetime) -> dict[str, object]:
    due_at = now + timedelta(minutes=-number if number % 5 == 0 else number + 60)
    remind_at = now - timedelta(minutes=1) if number % 5 == 1 else due_at
    return {"kind": "task", "name": f"季度回访 {number}", "due_at": due_at, "remind_at": remind_at}


def _run(*names: str) -> float:
    begun = time.perf_counter()
    for name in names:
        while jobs._work(jobs.JOBS[name]):
            pass
    return (time.perf_counter() - begun) * 1000
