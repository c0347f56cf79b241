"""The calendar by days, and putting tasks off: by days, to a day, many at once."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from crm_core import clock, workdays
from crm_core.db import reading, transaction
from crm_core.errors import Conflict, NotAllowed, NotFound, ValidationFailed
from crm_core.permissions import Actor
from crm_core.services import task_calendar, task_moves, tasks
from tests import factories
from tests.core.test_follow_ups import plan, write
from tests.core.test_task_work import finish, give, now

SHANGHAI = ZoneInfo("Asia/Shanghai")
SetClock = Callable[[datetime], None]


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=SHANGHAI)  # type: ignore[arg-type,misc]


def days(actor: Actor, first: date, count: int, *, most: int = 10, whose: tuple[int, ...] = ()) -> dict[date, tuple[list[str], int]]:
    """Names and number of the tasks of each day that has some."""
    with reading(actor) as session:
        found = task_calendar.list_days(session, actor, first, count, assignees=whose, most=most)
    assert [one.day for one in found] == [first + timedelta(days=number) for number in range(count)]
    return {one.day: ([row.name for row in one.rows], one.total) for one in found if one.total}


class TestCalendar:
    def test_a_task_stands_on_its_day_where_the_team_works(self, database: str, sales: Actor, set_clock: SetClock) -> None:
        set_clock(at(2026, 3, 2, 9))
        give(sales, sales, name="一早", due_on=None, due_at=at(2026, 3, 3, 0, 0))
        give(sales, sales, name="半夜", due_on=None, due_at=at(2026, 3, 3, 23, 59))
        give(sales, sales, name="次日", due_on=None, due_at=at(2026, 3, 4, 0, 0))
        give(sales, sales, name="太远", due_on=date(2026, 3, 9))
        assert days(sales, date(2026, 3, 2), 7) == {date(2026, 3, 3): (["一早", "半夜"], 2), date(2026, 3, 4): (["次日"], 1)}

    def test_a_crowded_day_gives_its_first_tasks_and_their_number(self, database: str, sales: Actor) -> None:
        tomorrow = clock.today() + timedelta(days=1)
        for number in range(5):
            give(sales, sales, name=f"第{number}件", due_on=None, due_at=clock.start_of_day(tomorrow) + timedelta(hours=18 - number))
        give(sales, sales, name="后天", due_on=tomorrow + timedelta(days=1))
        found = days(sales, clock.today(), 14, most=2)
        assert found == {tomorrow: (["第4件", "第3件"], 5), tomorrow + timedelta(days=1): (["后天"], 1)}

    def test_plans_stand_beside_tasks_and_done_ones_behind_open_ones(self, database: str, sales: Actor) -> None:
        customer = factories.make_customer(sales)
        finish(sales, give(sales, sales, customer, name="做完了"))
        give(sales, sales, name="寄样品")
        write(sales, customer, plan(sales, days=1, goal="电话回访"))
        ((names, _total),) = days(sales, clock.today() + timedelta(days=1), 1, whose=(sales.id or 0,)).values()
        assert sorted(names[:2]) == ["寄样品", "电话回访"]
        assert names[2:] == ["做完了"]

    def test_it_keeps_to_the_scope_and_to_the_people_asked_for(
        self, database: str, manager: Actor, sales: Actor, colleague: Actor, stranger: Actor
    ) -> None:
        for person in (manager, sales, colleague, stranger):
            give(person, person, name=person.name)
        tomorrow = clock.today() + timedelta(days=1)
        assert days(sales, tomorrow, 1) == {tomorrow: ([sales.name], 1)}
        assert {*days(manager, tomorrow, 1)[tomorrow][0]} == {manager.name, sales.name, colleague.name}
        assert days(manager, tomorrow, 1, whose=(colleague.id or 0, stranger.id or 0))[tomorrow] == ([colleague.name], 1)


class TestMoving:
    def test_it_keeps_its_time_of_day(self, database: str, sales: Actor, set_clock: SetClock) -> None:
        set_clock(at(2026, 3, 2, 9))
        task = give(sales, sales, due_on=None, due_at=at(2026, 3, 3, 15, 30))
        with transaction(sales) as session:
            task_moves.move_task(session, sales, task.id, date(2026, 3, 31), version=1)
        assert now(task).due_at == at(2026, 3, 31, 15, 30)
        whole = give(sales, sales, due_on=date(2026, 3, 3))
        with transaction(sales) as session:
            task_moves.move_task(session, sales, whole.id, date(2026, 3, 5), version=1)
        assert now(whole).due_at == tasks.end_of(date(2026, 3, 5))

    def test_on_today_with_an_earlier_time_it_is_due_at_the_end_of_the_day(self, database: str, sales: Actor, set_clock: SetClock) -> None:
        set_clock(at(2026, 3, 2, 9))
        task = give(sales, sales, due_on=None, due_at=at(2026, 3, 3, 8))
        with transaction(sales) as session:
            task_moves.move_task(session, sales, task.id, date(2026, 3, 2), version=1)
        assert now(task).due_at == tasks.end_of(date(2026, 3, 2))

    def test_it_goes_neither_into_the_past_nor_by_an_old_sight_nor_by_strangers(self, database: str, sales: Actor, stranger: Actor) -> None:
        task = give(sales, sales)
        day = clock.today() + timedelta(days=5)
        for actor, to, version, error in (
            (sales, clock.today() - timedelta(days=1), 1, ValidationFailed),
            (sales, day, 2, Conflict),
            (stranger, day, 1, NotFound),
        ):
            with pytest.raises(error), transaction(actor) as session:
                task_moves.move_task(session, actor, task.id, to, version=version)

    def test_putting_off_counts_from_its_day_and_an_overdue_one_from_today(self, database: str, sales: Actor, set_clock: SetClock) -> None:
        set_clock(at(2026, 1, 29, 9))
        task = give(sales, sales, due_on=None, due_at=at(2026, 1, 30, 15))
        with transaction(sales) as session:
            task_moves.postpone_by(session, sales, task.id, 7, version=1)
        assert now(task).due_at == at(2026, 2, 6, 15)
        set_clock(at(2026, 3, 1, 20))
        with transaction(sales) as session:
            task_moves.postpone_by(session, sales, task.id, 1, version=2)
        assert now(task).due_at == at(2026, 3, 2, 15)

    def test_a_head_puts_off_many_and_hears_which_stayed(self, database: str, manager: Actor, sales: Actor, stranger: Actor) -> None:
        first, second, done, foreign = give(sales, sales), give(sales, sales), give(sales, sales), give(stranger, stranger)
        finish(sales, done)
        ids = [one.id for one in (first, second, done, foreign)]
        with transaction(manager) as session:
            outcome = task_moves.postpone_tasks(session, manager, ids, days=7)
        assert (outcome.moved, sorted(outcome.stayed)) == ([first.id, second.id], [done.id, foreign.id])
        assert {clock.day_of(now(one).due_at) for one in (first, second)} == {clock.today() + timedelta(days=8)}
        day = clock.today() + timedelta(days=30)
        with transaction(manager) as session:
            task_moves.postpone_tasks(session, manager, ids, day=day)
        assert now(first).due_at == tasks.end_of(day)
        with pytest.raises(NotAllowed), transaction(sales) as session:
            task_moves.postpone_tasks(session, sales, ids, days=1)
        with pytest.raises(ValidationFailed), transaction(manager) as session:
            task_moves.postpone_tasks(session, manager, ids, day=clock.today() - timedelta(days=1))


@pytest.mark.parametrize(
    ("day", "holiday"),
    [(date(2026, 10, 1), "national_day"), (date(2026, 10, 10), "national_day"), (date(2026, 11, 21), ""), (date(2099, 10, 1), "")],
)
def test_holidays_are_known_by_name_and_make_up_days_by_theirs(day: date, holiday: str) -> None:
    assert workdays.holiday_of(day) == holiday
    assert holiday in ("", *workdays.HOLIDAYS)
