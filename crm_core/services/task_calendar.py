"""The calendar: the tasks and next plans of a span of days, by day; of a crowded day only the first ones and their number."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, select

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.models import Customer, Task, TaskState
from crm_core.permissions import Actor, Permission, require
from crm_core.services.task_rows import IS_ALIVE, Listed, read_listed, select_listed

LONGEST = 42
"""Days at once: six weeks, as a month is drawn."""


@dataclass(frozen=True)
class Day:
    """One day: its first tasks, the open ones before the done ones, and how many there are."""

    day: date
    rows: list[Listed]
    total: int


def list_days(session: CrmSession, actor: Actor, first: date, count: int, *, assignees: Sequence[int] = (), most: int) -> list[Day]:
    """So many days from the first, each with at most `most` tasks, within the actor's scope.

    Of the people asked for also what is done; without people everybody's open tasks, as an index holds them.
    """
    require(actor, Permission.CUSTOMER_READ)
    days = [first + timedelta(days=number) for number in range(min(count, LONGEST))]
    found = session.execute(_ranked(days, assignees, most)).all()
    rows = {row.id: row for row in read_listed(session, select_listed().where(Task.id.in_([one.id for one in found])))}
    return [_day(number, day, found, rows) for number, day in enumerate(days)]


def _day(number: int, day: date, found: Sequence[Any], rows: dict[int, Listed]) -> Day:
    own = [one for one in found if one.place == number]
    return Day(day, [rows[one.id] for one in own if one.id in rows], own[0].total if own else 0)


def _ranked(days: Sequence[date], assignees: Sequence[int], most: int) -> Select[*tuple[Any, ...]]:
    """The ids of the tasks to show with the number of their day, and how many that day has. Days begin where the team works."""
    ends = [clock.start_of_day(day + timedelta(days=1)) for day in days]
    place = case(*((Task.due_at < end, number) for number, end in enumerate(ends))).label("place")
    inside: list[ColumnElement[bool]] = [Task.due_at >= clock.start_of_day(days[0]), Task.due_at < ends[-1], IS_ALIVE]
    inside += [Task.assignee_id.in_(assignees), Task.state != TaskState.CANCELLED] if assignees else [Task.done_at.is_(None)]
    placed = (
        select(Task.id, Task.due_at, Task.done_at, place).outerjoin(Customer, Customer.id == Task.customer_id).where(*inside).subquery()
    )
    order = (placed.c.done_at.is_not(None), placed.c.due_at, placed.c.id)
    rank = func.row_number().over(partition_by=placed.c.place, order_by=order).label("rank")
    total = func.count().over(partition_by=placed.c.place).label("total")
    ranked = select(placed.c.id, placed.c.place, rank, total).subquery()
    return select(ranked).where(ranked.c.rank <= most).order_by(ranked.c.place, ranked.c.rank)
