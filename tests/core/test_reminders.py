"""Reminders of tasks and first follow-ups: in time, once, to whoever has to act now."""

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select

from crm_core import clock
from crm_core.db import reading, transaction
from crm_core.models import Customer, Notice, Task
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import follow_ups, reminders, task_work
from crm_core.services.archive import archive_customer
from crm_core.workdays import add_workdays
from tests import factories
from tests.core.test_follow_ups import entry
from tests.core.test_task_work import finish, give, now

SHANGHAI = ZoneInfo("Asia/Shanghai")
SetClock = Callable[[datetime], None]


def run() -> None:
    with transaction(SYSTEM) as session:
        reminders.tell_due_soon(session)
        reminders.tell_overdue(session)
        reminders.tell_first_follow_ups(session)


def told(actor: Actor) -> list[str]:
    with reading(actor) as session:
        return list(session.execute(select(Notice.kind).where(Notice.user_id == actor.id).order_by(Notice.id)).scalars())


def test_a_task_is_reminded_of_before_it_is_due_and_once_when_it_is_overdue(database: str, sales: Actor, set_clock: SetClock) -> None:
    begin = datetime(2026, 3, 2, 8, tzinfo=SHANGHAI)
    set_clock(begin)
    task = give(sales, sales, due_on=None, due_at=begin + timedelta(days=3), remind_lead=60)
    moments = {1: [], 71: ["task_due_soon"], 73: ["task_due_soon", "task_overdue"], 100: ["task_due_soon", "task_overdue"]}
    for hours, expected in moments.items():
        set_clock(begin + timedelta(hours=hours))
        run()
        run()
        assert told(sales) == expected
    assert now(task).version == 1  # telling somebody disturbs no form


def test_after_it_was_put_off_or_passed_on_it_is_told_anew(
    database: str, manager: Actor, sales: Actor, colleague: Actor, set_clock: SetClock
) -> None:
    begin = datetime(2026, 3, 2, 8, tzinfo=SHANGHAI)
    set_clock(begin)
    task = give(sales, sales, remind_lead=None)
    set_clock(begin + timedelta(days=3))
    run()
    with transaction(sales) as session:
        task_work.postpone_task(session, sales, task.id, due_on=clock.today(), version=1)
    set_clock(begin + timedelta(days=5))
    run()
    assert told(sales) == ["task_overdue", "task_overdue"]
    with transaction(manager) as session:
        task_work.reassign_tasks(session, manager, [task.id], colleague.id or 0)
    run()
    assert told(colleague) == ["tasks_passed_on", "task_overdue"]


def test_what_is_done_or_rests_with_its_customer_is_not_told(database: str, manager: Actor, sales: Actor, set_clock: SetClock) -> None:
    begin = datetime(2026, 3, 2, 8, tzinfo=SHANGHAI)
    set_clock(begin)
    customer = factories.make_customer(sales)
    finish(sales, give(sales, sales))
    give(sales, sales, customer)
    with transaction(manager) as session:
        archive_customer(session, manager, customer.id, reason="暂停合作")
    set_clock(begin + timedelta(days=3))
    run()
    assert [kind for kind in told(sales) if kind.startswith("task")] == []


def test_a_first_follow_up_is_reminded_of_the_working_day_before_and_when_it_is_late(
    database: str, sales: Actor, set_clock: SetClock
) -> None:
    # The national holiday of 2026: three working days after September 30 lie a week and more ahead.
    begin = datetime(2026, 9, 30, 10, tzinfo=SHANGHAI)
    set_clock(begin)
    customer, quick = factories.make_customer(sales), factories.make_customer(sales)
    due = add_workdays(begin.date(), 3)
    assert customer.first_follow_up_on == due
    assert due >= datetime(2026, 10, 9, tzinfo=SHANGHAI).date()
    with transaction(sales) as session:
        follow_ups.write_follow_up(session, sales, quick.id, entry())
    run()
    assert told(sales) == []
    for days, expected in ((-1, ["first_follow_up_due"]), (1, ["first_follow_up_due", "first_follow_up_late"])):
        set_clock(datetime.combine(due + timedelta(days=days), begin.timetz()))
        run()
        run()
        assert told(sales) == expected
    with reading(SYSTEM) as session:
        notices = session.execute(select(Notice.customer_id)).scalars().all()
    assert set(notices) == {customer.id}


def test_thousands_are_told_of_in_one_run(database: str, sales: Actor) -> None:
    late = clock.now() - timedelta(days=1)
    with transaction(SYSTEM) as session:
        session.add_all(Task(name="x", assignee_id=sales.id, due_at=late) for _number in range(reminders.AT_ONCE + 5))
    run()
    run()
    assert len(told(sales)) == reminders.AT_ONCE + 5
    with reading(SYSTEM) as session:
        assert session.execute(select(Customer.id)).first() is None
