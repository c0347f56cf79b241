"""Demo content of follow-ups: a history for each customer with contact, next plans, and tasks in every state."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Table, bindparam, case, insert, literal, select, true, update

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.models import (
    Contact,
    Customer,
    FollowUp,
    FollowUpMention,
    ReminderSetting,
    Role,
    Task,
    TaskComment,
    TaskState,
    TaskStep,
    User,
)
from crm_core.scope import unscoped
from crm_core.services import reminders, tasks
from crm_core.services.demo.rows import read_rows
from crm_core.services.movements import FIRST_FOLLOW_UP
from crm_core.services.recurrence import Every, Holiday, make_rule
from crm_core.workdays import add_workdays

MOST = 5
"""Follow-ups of one customer."""
_LATE_EVERY = 11
_PLAN_EVERY = 2
_DUE_DAYS = (-4, -1, 0, 0, 1, 2, 3, 5, 8, 13)
"""In how many days open plans are due: overdue ones, today's, and later ones."""
_FOLLOW_UPS, _TASKS, _CUSTOMERS = (cast(Table, model.__table__) for model in (FollowUp, Task, Customer))

Row = dict[str, Any]


def fill_follow_ups(session: CrmSession) -> None:
    """Follow-ups that lead up to the contact each customer had last, and the plans that followed from them."""
    columns = select(
        Customer.id, Customer.owner_id, Customer.created_at, Customer.last_contact_at, Contact.id.label("contact"), Contact.name
    )
    people = columns.outerjoin(Contact, (Contact.customer_id == Customer.id) & Contact.is_primary)
    held = people.where(Customer.is_listed, Customer.owner_id.is_not(None), Customer.last_contact_at.is_not(None))
    customers = session.execute(held.order_by(Customer.id), execution_options=unscoped).all()
    texts, rows = read_rows("follow_ups.csv"), list[Row]()
    for customer in customers:
        rows += _history(customer, texts)
    if not rows:
        return
    ids = session.execute(insert(_FOLLOW_UPS).returning(_FOLLOW_UPS.c.id, sort_by_parameter_order=True), [_of_table(row) for row in rows])
    for row, key in zip(rows, ids.scalars().all(), strict=True):
        row["id"] = key
    _note_first(session, rows, {customer.id: customer.created_at for customer in customers})
    _leave_one_late(session)
    _plan(session, rows)
    _fill_tasks(session, rows)
    reminders.tell_overdue(session)
    _choose_times(session)


def _choose_times(session: CrmSession) -> None:
    """Salespeople rest at night and read a digest in the morning."""
    sellers = select(User.id, literal("22:00"), literal("07:30"), literal("08:30"), true()).join(User.role).where(Role.code == "sales")
    columns = ["user_id", "quiet_from", "quiet_until", "digest_at", "has_weekly"]
    session.execute(insert(cast(Table, ReminderSetting.__table__)).from_select(columns, sellers))


def _history(customer: Any, texts: Sequence[dict[str, str]]) -> list[Row]:
    """The follow-ups of one customer, the oldest first; the last one at the moment of its last contact."""
    known = max(customer.last_contact_at - customer.created_at, timedelta())
    count = min(1 + customer.id % MOST, 1 + known.days // 3)
    step = known / count
    rows = []
    for number in range(count):
        happened = (customer.last_contact_at - step * (count - 1 - number)).replace(second=0, microsecond=0)
        text = texts[(customer.id * 5 + number) % len(texts)]
        is_late = (customer.id + number) % _LATE_EVERY == 0
        recorded = min(clock.now(), happened + (timedelta(days=3) if is_late else timedelta(minutes=12)))
        rows.append(
            {
                **{name: text[name] for name in ("method", "subject", "content", "feedback", "goal")},
                "customer_id": customer.id,
                "author_id": customer.owner_id,
                "contact_id": customer.contact,
                "contact_name": customer.name,
                "happened_at": happened,
                "is_late": is_late and recorded - happened > timedelta(days=1),
                "created_at": recorded,
                "updated_at": recorded,
                "version": 1,
                "is_last": number == count - 1,
            }
        )
    return rows


def _of_table(row: Row) -> Row:
    return {name: value for name, value in row.items() if name in _FOLLOW_UPS.c}


def _note_first(session: CrmSession, rows: Sequence[Row], entered: Mapping[int, datetime]) -> None:
    """The first follow-up of each customer, due so many working days after its entry; lost ones await none."""
    first: dict[int, datetime] = {}
    for row in rows:
        first.setdefault(row["customer_id"], row["happened_at"])
    noted = (
        update(_CUSTOMERS)
        .where(_CUSTOMERS.c.id == bindparam("of"))
        .values(
            followed_up_at=bindparam("first"),
            first_follow_up_on=case((_CUSTOMERS.c.first_follow_up_on.is_not(None), bindparam("due"))),
            updated_at=_CUSTOMERS.c.updated_at,
        )
    )
    due = {key: add_workdays(clock.day_of(entered[key]), FIRST_FOLLOW_UP) for key in first}
    session.connection().execute(noted, [{"of": key, "first": moment, "due": due[key]} for key, moment in first.items()])


def _leave_one_late(session: CrmSession) -> None:
    """Of the customers with whom nobody has spoken yet, one waits for longer than it should."""
    waiting = (Customer.awaits_first_follow_up, Customer.is_listed, Customer.owner_id.is_not(None))
    oldest = select(Customer.id).where(*waiting).order_by(Customer.created_at, Customer.id).limit(1).scalar_subquery()
    late = update(Customer).where(Customer.id == oldest)
    values = {"first_follow_up_on": clock.today() - timedelta(days=1), "updated_at": Customer.updated_at}
    session.execute(late.values(values), execution_options={**unscoped, "synchronize_session": False})


def _plan(session: CrmSession, rows: Sequence[Row]) -> None:
    """A plan for each follow-up: done with the next one, open for every second of the last ones."""
    plans = []
    for row, following in zip(rows, [*rows[1:], None], strict=True):
        if not row["is_last"] and following:
            closing = {"state": TaskState.DONE, "done_at": following["happened_at"], "done_note": following["subject"]}
            plans.append(_task(row, row["goal"], following["happened_at"], **closing))
        elif row["customer_id"] % _PLAN_EVERY:
            due = tasks.end_of(clock.today() + timedelta(days=_DUE_DAYS[row["customer_id"] // _PLAN_EVERY % len(_DUE_DAYS)]))
            state = TaskState.DOING if row["customer_id"] % 7 == 0 else TaskState.OPEN
            plans.append(_task(row, row["goal"], due, state=state))
    session.execute(insert(_TASKS), plans)


def _task(row: Row, name: str, due: datetime, **over: Any) -> Row:
    usual = {
        "kind": "follow_up",
        "name": name,
        "customer_id": row["customer_id"],
        "follow_up_id": row["id"],
        "assignee_id": row["author_id"],
        "created_by_id": row["author_id"],
        "due_at": due,
        "priority": "normal",
        "state": TaskState.OPEN,
        "done_at": None,
        "done_note": None,
        "remind_lead": 60 * 24,
        "remind_at": None,
        "on_holiday": Holiday.KEEP,
        "created_at": row["created_at"],
        "updated_at": row["created_at"],
        "version": 1,
    }
    usual["remind_at"] = None if over.get("done_at") else tasks.reminder_of(due, 60 * 24)
    return usual | over


def _fill_tasks(session: CrmSession, rows: Sequence[Row]) -> None:
    """A quarterly call with steps and a comment, one in progress, one cancelled, and a colleague who was mentioned."""
    latest = [row for row in rows if row["is_last"]][:3]
    start = clock.today() + timedelta(days=6)
    for place, row in enumerate(latest):
        rule = {"rule": make_rule(Every.QUARTER, start), "rule_from": start, "occurs_on": start, "on_holiday": Holiday.AFTER}
        kinds: list[Row] = [
            {"name": "季度回访", "due_at": tasks.end_of(start), **rule},
            {"name": "整理客户的设备清单", "state": TaskState.DOING, "priority": "high"},
            {"name": "寄送样品", "state": TaskState.CANCELLED, "done_at": clock.now() - timedelta(days=2), "done_note": "客户改为自提"},
        ]
        values = _task(row, "", tasks.end_of(clock.today() + timedelta(days=2)), kind="task", follow_up_id=None)
        task = Task(**(values | kinds[place]))
        session.add(task)
        session.flush()
        if place == 0:
            names = ("确认联系人是否变动", "了解使用情况和新需求", "记录满意度")
            session.add_all(TaskStep(task_id=task.id, position=number, name=name) for number, name in enumerate(names))
            session.add(TaskComment(task_id=task.id, author_id=row["author_id"], content="上季度客户提到要增加账号，这次一并确认。"))
    mentioned = next((row for row in rows if row["author_id"] != rows[0]["author_id"]), None)
    if mentioned:
        session.add(FollowUpMention(follow_up_id=rows[0]["id"], user_id=mentioned["author_id"]))
    session.flush()
