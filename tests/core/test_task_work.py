"""Tasks that recur, are put off, edited, cancelled, opened again, passed on in numbers; their steps and comments; board and team."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from crm_core import clock
from crm_core.db import reading, transaction
from crm_core.errors import Conflict, IllegalTransition, NotAllowed, NotFound, ValidationFailed
from crm_core.models import Customer, Notice, Task, TaskState
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import task_comments, task_views, task_work, tasks
from crm_core.services.customers import delete_customer
from crm_core.services.recurrence import Every, Holiday, Recurrence, make_rule
from crm_core.services.task_views import TaskQuery
from crm_core.services.verification import finish_task
from tests import factories

SHANGHAI = ZoneInfo("Asia/Shanghai")
SetClock = Callable[[datetime], None]


def give(actor: Actor, assignee: Actor, customer: Customer | None = None, **over: Any) -> Task:
    values = {"name": "季度回访", "due_on": clock.today() + timedelta(days=1), "assignee_id": assignee.id or 0} | over
    with transaction(actor) as session:
        return tasks.create_task(session, actor, customer_id=customer.id if customer else None, **values)


def now(task: Task) -> Task:
    with reading(SYSTEM) as session:
        return session.get_one(Task, task.id)


def finish(actor: Actor, task: Task) -> None:
    with transaction(actor) as session:
        finish_task(session, actor, task.id, note="已完成", version=now(task).version)


def following(task: Task) -> Task:
    with reading(SYSTEM) as session:
        return session.execute(select(Task).where(Task.series_id == task.id).order_by(Task.id.desc()).limit(1)).scalar_one()


def told(actor: Actor, kind: str) -> int:
    with reading(actor) as session:
        return len(session.execute(select(Notice.id).where(Notice.user_id == actor.id, Notice.kind == kind)).all())


class TestRecurrence:
    def quarterly(self, sales: Actor, start: date, **over: Any) -> Task:
        recurrence = Recurrence(make_rule(Every.QUARTER, start), start, over.pop("on_holiday", Holiday.AFTER))
        return give(sales, sales, due_on=start, recurrence=recurrence, **over)

    def test_the_next_is_made_when_one_is_done(self, database: str, sales: Actor, set_clock: SetClock) -> None:
        set_clock(datetime(2026, 1, 10, 9, tzinfo=SHANGHAI))
        first = self.quarterly(sales, date(2026, 1, 31), steps=["打电话", "记录反馈"], remind_lead=60)
        finish(sales, first)
        second = following(first)
        # April 30 exists and is a working day.
        assert (second.occurs_on, clock.day_of(second.due_at)) == (date(2026, 4, 30), date(2026, 4, 30))
        assert (second.name, second.remind_lead, second.is_open, second.rule) == (first.name, 60, True, first.rule)
        with reading(sales) as session:
            assert [(step.name, step.done_at) for step in task_work.list_steps(session, sales, second.id)] == [
                ("打电话", None),
                ("记录反馈", None),
            ]

    def test_it_goes_to_a_working_day_and_the_series_keeps_its_own(self, database: str, sales: Actor, set_clock: SetClock) -> None:
        set_clock(datetime(2026, 6, 20, 9, tzinfo=SHANGHAI))
        start = date(2026, 7, 1)
        first = self.quarterly(sales, start)
        finish(sales, first)
        second = following(first)
        assert second.occurs_on == date(2026, 10, 1)
        assert clock.day_of(second.due_at) > date(2026, 10, 1)  # the national holiday
        set_clock(datetime(2026, 10, 10, 9, tzinfo=SHANGHAI))
        finish(sales, second)
        assert following(first).occurs_on == date(2027, 1, 1)

    def test_occurrences_that_passed_meanwhile_are_left_out(self, database: str, sales: Actor, set_clock: SetClock) -> None:
        set_clock(datetime(2026, 1, 10, 9, tzinfo=SHANGHAI))
        first = self.quarterly(sales, date(2026, 1, 15))
        set_clock(datetime(2026, 8, 1, 9, tzinfo=SHANGHAI))
        finish(sales, first)
        assert following(first).occurs_on == date(2026, 10, 15)

    def test_a_rule_that_never_fires_is_refused(self, database: str, sales: Actor) -> None:
        never = Recurrence("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", clock.today())
        with pytest.raises(ValidationFailed) as problem:
            give(sales, sales, recurrence=never)
        assert set(problem.value.errors) == {"rule"}

    def test_one_is_cancelled_or_the_whole_series(self, database: str, sales: Actor) -> None:
        first = self.quarterly(sales, clock.today() + timedelta(days=1))

        def cancel(task: Task, **over: Any) -> None:
            with transaction(sales) as session:
                task_work.cancel_task(session, sales, task.id, version=now(task).version, **{"reason": "客户停业", **over})

        with pytest.raises(ValidationFailed):
            cancel(first, reason=" ")
        cancel(first)
        second = following(first)
        assert (now(first).state, second.is_open) == ("cancelled", True)
        cancel(second, whole_series=True)
        assert following(first).id == second.id


class TestOpenTasks:
    def test_one_is_put_off_and_its_reminder_moves_along(self, database: str, sales: Actor) -> None:
        task = give(sales, sales, remind_lead=60 * 24, due_on=clock.today() + timedelta(days=5))
        assert task.remind_at == clock.start_of_day(clock.today() + timedelta(days=4)) + tasks.MORNING
        later = clock.today() + timedelta(days=9)
        with transaction(sales) as session:
            task_work.postpone_task(session, sales, task.id, due_on=later, version=1)
        after = now(task)
        assert (after.due_at, after.remind_at) == (tasks.end_of(later), clock.start_of_day(later - timedelta(days=1)) + tasks.MORNING)
        with pytest.raises(ValidationFailed) as problem, transaction(sales) as session:
            task_work.postpone_task(session, sales, task.id, due_on=clock.today() - timedelta(days=1), version=after.version)
        assert set(problem.value.errors) == {"due_on"}

    def test_it_is_edited_with_a_trace_and_only_as_it_was_seen(self, database: str, manager: Actor, sales: Actor, colleague: Actor) -> None:
        task = give(manager, sales)
        values: dict[str, Any] = {"name": "年度回访", "description": "带上案例", "priority": "high", "due_at": task.due_at}
        values |= {"remind_lead": None, "recurrence": None}

        def edit(actor: Actor, **over: Any) -> None:
            with transaction(actor) as session:
                task_work.edit_task(session, actor, task.id, **{**values, "version": 1, **over})

        with pytest.raises(NotFound):
            edit(colleague)
        edit(sales)
        assert {line.field for line in factories.log_of("task", task.id, action="changed")} == {
            "name",
            "description",
            "priority",
            "remind_lead",
        }
        with pytest.raises(Conflict):
            edit(manager)
        with pytest.raises(ValidationFailed):
            edit(manager, name="", version=2)

    def test_a_closed_one_is_opened_again_unless_the_next_was_made(self, database: str, sales: Actor) -> None:
        task = give(sales, sales)
        finish(sales, task)
        with transaction(sales) as session:
            task_work.reopen_task(session, sales, task.id, version=now(task).version)
        assert (now(task).state, now(task).is_open) == ("open", True)
        start = clock.today() + timedelta(days=1)
        recurring = give(sales, sales, due_on=start, recurrence=Recurrence("FREQ=DAILY", start))
        finish(sales, recurring)
        with pytest.raises(IllegalTransition), transaction(sales) as session:
            task_work.reopen_task(session, sales, recurring.id, version=now(recurring).version)

    def test_none_is_made_for_a_customer_that_is_gone(self, database: str, manager: Actor, sales: Actor) -> None:
        customer = factories.make_customer(sales)
        with transaction(manager) as session:
            delete_customer(session, manager, customer.id)
        with pytest.raises(NotFound):
            give(manager, sales, customer)

    def test_many_are_passed_on_with_one_notice_and_the_rest_stay_with_a_reason(
        self, database: str, manager: Actor, sales: Actor, colleague: Actor
    ) -> None:
        theirs = factories.make_customer(sales)
        free, done, bound = give(manager, sales), give(manager, sales), give(manager, sales, theirs)
        finish(sales, done)
        with transaction(manager) as session:
            result = task_work.reassign_tasks(session, manager, [free.id, done.id, bound.id], colleague.id or 0)
        assert result.moved == [free.id]
        assert set(result.stayed) == {done.id, bound.id}
        assert (now(free).assignee_id, now(bound).assignee_id) == (colleague.id, sales.id)
        assert told(colleague, "tasks_passed_on") == 1
        with pytest.raises(NotAllowed), transaction(sales) as session:
            task_work.reassign_tasks(session, sales, [bound.id], sales.id or 0)


class TestSteps:
    def test_they_are_ticked_by_whoever_has_the_task(self, database: str, manager: Actor, sales: Actor, colleague: Actor) -> None:
        task = give(manager, sales, steps=["准备", "  "])
        with transaction(sales) as session:
            task_work.add_step(session, sales, task.id, "寄出", version=1)
        with reading(sales) as session:
            first, second = task_work.list_steps(session, sales, task.id)
        with transaction(sales) as session:
            task_work.tick_step(session, sales, first.id, is_done=True)
        with reading(sales) as session:
            (listed,) = factories.own_tasks(session, sales)
        assert (listed.steps, listed.steps_done) == (2, 1)
        with pytest.raises(NotFound), transaction(colleague) as session:
            task_work.tick_step(session, colleague, second.id, is_done=True)
        with transaction(sales) as session:
            task_work.remove_step(session, sales, second.id)
        finish(sales, task)
        with pytest.raises(IllegalTransition), transaction(sales) as session:
            task_work.tick_step(session, sales, first.id, is_done=False)


class TestComments:
    def test_those_who_are_concerned_are_told(self, database: str, manager: Actor, sales: Actor, stranger: Actor) -> None:
        task = give(manager, sales)
        with transaction(sales) as session:
            task_comments.add_comment(session, sales, task.id, "客户出差，下周再约 🙏")
        assert (told(manager, "task_commented"), told(sales, "task_commented")) == (1, 0)
        with reading(manager) as session:
            assert [(one.author, one.content) for one in task_comments.list_comments(session, manager, task.id)] == [
                (sales.name, "客户出差，下周再约 🙏")
            ]
        with reading(stranger) as session:
            assert task_comments.list_comments(session, stranger, task.id) == []
        for actor, text, error in ((stranger, "你好", NotFound), (sales, " ", ValidationFailed), (sales, "字" * 2001, ValidationFailed)):
            with pytest.raises(error), transaction(actor) as session:
                task_comments.add_comment(session, actor, task.id, text)


class TestViews:
    def test_board_and_list_stay_within_the_scope(self, database: str, manager: Actor, sales: Actor, stranger: Actor) -> None:
        customer = factories.make_customer(sales, name="杭州远帆科技有限公司")
        todo, doing, done = give(manager, sales, customer), give(manager, sales, priority="high"), give(manager, sales, name="寄样品")
        give(stranger, stranger)
        with transaction(sales) as session:
            task_work.begin_task(session, sales, doing.id, version=1)
        finish(sales, done)
        with reading(manager) as session:
            columns = task_views.board(session, manager, TaskQuery())
            found = {
                name: [one.id for one in task_views.list_tasks(session, manager, query).rows]
                for name, query in {
                    "open": TaskQuery(),
                    "closed": TaskQuery(states=(TaskState.DONE,)),
                    "words": TaskQuery(phrase="远帆"),
                    "high": TaskQuery(priorities=("high",)),
                    "overdue": TaskQuery(is_overdue=True),
                }.items()
            }
        assert {state: [one.id for one in column.rows] for state, column in columns.items()} == {
            "open": [todo.id],
            "doing": [doing.id],
            "done": [done.id],
        }
        assert found == {"open": [todo.id, doing.id], "closed": [done.id], "words": [todo.id], "high": [doing.id], "overdue": []}
        with reading(stranger) as session, pytest.raises(NotFound):
            task_views.get_task(session, stranger, todo.id)

    def test_the_team_is_counted_by_person(
        self, database: str, manager: Actor, sales: Actor, colleague: Actor, set_clock: SetClock
    ) -> None:
        give(manager, sales)
        give(manager, sales, due_on=clock.today() + timedelta(days=30))
        give(manager, colleague)
        give(manager, colleague, due_on=clock.today() + timedelta(days=3))
        set_clock(clock.start_of_day(clock.today() + timedelta(days=3)))
        with reading(manager) as session:
            loads = [(one.name, one.open, one.overdue, one.today, one.this_week) for one in task_views.by_person(session, manager)]
        assert loads == [(colleague.name, 2, 1, 1, 1), (sales.name, 2, 1, 0, 0)]
        with reading(sales) as session:
            assert task_views.by_person(session, sales) == []
