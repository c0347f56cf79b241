"""Digests: at the time chosen, on working days, once; what they say, and to whom."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, text, update

from crm_core import config
from crm_core.db import CrmSession, reading, transaction
from crm_core.models import Customer, OutboxMessage, ReminderSetting, Task, Team, User
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import digests, jobs
from crm_core.services.delivery import Letter
from crm_core.services.follow_ups import Plan
from tests import factories
from tests.core.test_concurrency import at_once
from tests.core.test_follow_ups import write
from tests.core.test_relay import choose, with_mailbox
from tests.core.test_robots import add

SHANGHAI = ZoneInfo("Asia/Shanghai")
SetClock = Callable[[datetime], None]


def at(day: str, hour: int, minute: int = 0, zone: ZoneInfo = SHANGHAI) -> datetime:
    return datetime.combine(date.fromisoformat(day), datetime.min.time(), zone).replace(hour=hour, minute=minute)


def run() -> None:
    is_going_on: bool | None = True
    while is_going_on:
        is_going_on = jobs._work(jobs.JOBS["digests"])


def written(kind: str = "daily") -> list[OutboxMessage]:
    with reading(SYSTEM) as session:
        return list(session.execute(select(OutboxMessage).where(OutboxMessage.kind == kind).order_by(OutboxMessage.id)).scalars())


def give(actor: Actor, name: str, due: datetime, **values: object) -> None:
    with transaction(SYSTEM) as session:
        session.add(Task(name=name, assignee_id=actor.id, due_at=due, **values))


@pytest.fixture
def reader(sales: Actor, set_clock: SetClock) -> Actor:
    """Somebody with a mailbox who wants a digest at half past eight; the digest of the day of the choice has passed."""
    set_clock(at("2026-02-27", 20))
    with_mailbox(sales)
    choose(sales, digest_at="08:30")
    return sales


class TestWhen:
    def test_it_comes_once_a_day_from_the_time_chosen(self, database: str, reader: Actor, set_clock: SetClock) -> None:
        give(reader, "Call", at("2026-03-02", 18))
        for hour, minute, count in ((8, 29, 0), (8, 30, 1), (8, 31, 1), (17, 0, 1)):
            set_clock(at("2026-03-02", hour, minute))
            run()
            run()
            assert len(written()) == count
        set_clock(at("2026-03-03", 15))  # nothing ran in the morning
        run()
        assert len(written()) == 2

    @pytest.mark.parametrize(
        ("day", "comes"),
        [
            ("2026-02-28", True),  # a Saturday on which people work, after the Spring Festival
            ("2026-03-01", False),
            ("2026-09-30", True),
            ("2026-10-01", False),
            ("2026-10-07", False),
            ("2026-10-08", True),
            ("2026-10-10", True),  # a Saturday again
            ("2026-12-31", True),
        ],
    )
    def test_it_comes_on_working_days(self, sqlite_database: str, reader: Actor, set_clock: SetClock, day: str, comes: bool) -> None:
        give(reader, "Call", at("2026-02-27", 23))
        set_clock(at(day, 9))
        run()
        assert len(written()) == comes

    @pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kolkata"])
    def test_the_day_is_that_of_where_the_team_works(
        self, sqlite_database: str, sales: Actor, set_clock: SetClock, monkeypatch: pytest.MonkeyPatch, zone: str
    ) -> None:
        monkeypatch.setenv("CRM_TIMEZONE", zone)
        config.settings.cache_clear()
        place = ZoneInfo(zone)
        set_clock(at("2026-03-06", 20, zone=place))
        with_mailbox(sales)
        choose(sales, digest_at="08:30")
        # In New York the clocks were put forward on March 8.
        for day, hour, count in (("2026-03-09", 8, 0), ("2026-03-09", 9, 1), ("2026-03-09", 23, 1), ("2026-03-10", 9, 2)):
            give(sales, "Call", at(day, 23, zone=place))
            set_clock(at(day, hour, zone=place))
            run()
            assert len(written()) == count

    def test_chosen_for_a_time_that_has_passed_it_begins_tomorrow(self, database: str, sales: Actor, set_clock: SetClock) -> None:
        set_clock(at("2026-03-02", 10))
        with_mailbox(sales)
        give(sales, "Call", at("2026-03-02", 18))
        choose(sales, digest_at="08:30")
        run()
        assert written() == []
        choose(sales, digest_at="11:00")
        set_clock(at("2026-03-03", 11))
        run()
        assert len(written()) == 1

    def test_of_two_processes_one_sends_it(self, database: str, reader: Actor, set_clock: SetClock) -> None:
        add(reader)
        choose(reader, digest_at="08:30", daily=["mail", "robot"])
        give(reader, "Call", at("2026-03-02", 18))
        set_clock(at("2026-03-02", 9))
        assert at_once([run] * 4) == [None] * 4
        assert sorted(row.channel for row in written()) == ["mail", "robot"]

    def test_where_there_is_nothing_to_do_none_is_sent(self, database: str, reader: Actor, set_clock: SetClock) -> None:
        set_clock(at("2026-03-02", 9))
        run()
        assert written() == []
        with reading(SYSTEM) as session:
            assert session.execute(select(ReminderSetting.digested_on)).scalar_one() == date(2026, 3, 2)

    def test_nobody_who_left_gets_one(self, database: str, reader: Actor, set_clock: SetClock) -> None:
        give(reader, "Call", at("2026-03-02", 18))
        with transaction(SYSTEM) as session:
            session.execute(update(User).values(is_active=False))
        set_clock(at("2026-03-02", 9))
        run()
        assert written() == []


class TestDaily:
    def test_it_tells_what_is_due_and_overdue_masked(self, database: str, reader: Actor, stranger: Actor, set_clock: SetClock) -> None:
        set_clock(at("2026-02-26", 9))
        customer = factories.make_customer(reader, name="杭州恒远机械有限公司")
        late = factories.make_customer(reader, name="宁波海岳物流有限公司")
        write(reader, customer, Plan(at("2026-03-02", 15), "Offer for 13800138000", reader.id or 0))
        give(reader, "Overdue one", at("2026-02-27", 18), customer_id=customer.id)
        give(reader, "Of tomorrow", at("2026-03-03", 18))
        give(stranger, "Somebody else's", at("2026-03-02", 18))
        set_clock(at("2026-03-02", 9))
        run()
        (mail,) = written()
        assert mail.subject == "Kemai: Today, 2026-03-02"
        assert "Follow-ups due: 1\n- 2026-03-02 15:00 Offer for 138****8000 · 杭州******公司" in mail.body
        assert "Tasks: 1\n- 2026-02-27 18:00 Overdue one · 杭州******公司 (overdue)" in mail.body
        assert "First follow-ups: 1\n- 2026-03-02 宁波******公司" in mail.body
        assert late.first_follow_up_on == date(2026, 3, 2)  # Saturday the 28th is a working day
        for hidden in ("Of tomorrow", "Somebody", "恒远", "海岳"):
            assert hidden not in mail.body

    def test_long_lists_are_cut_and_say_so(self, sqlite_database: str, reader: Actor, set_clock: SetClock) -> None:
        for number in range(14):
            give(reader, f"Task {number:02}", at("2026-03-02", 10))
        set_clock(at("2026-03-02", 9))
        run()
        assert "Tasks: 14" in written()[0].body
        assert "- … and 4 more" in written()[0].body
        assert written()[0].body.count("Task ") == 10

    def test_it_is_written_in_the_language_of_its_reader(self, sqlite_database: str, reader: Actor, set_clock: SetClock) -> None:
        with_mailbox(reader, language="zh_CN")
        give(reader, "x", at("2026-03-02", 10))
        set_clock(at("2026-03-02", 9))
        run()
        assert written()[0].subject == "客脉：今日事项，2026-03-02"
        assert "任务：1" in written()[0].body


class TestWeekly:
    @pytest.fixture
    def head(self, teams: dict[str, int], manager: Actor, set_clock: SetClock) -> Actor:
        set_clock(at("2026-02-27", 20))
        with_mailbox(manager)
        with transaction(SYSTEM) as session:
            session.get_one(Team, teams["east"]).head_id = manager.id
        return manager

    def test_a_head_gets_the_figures_of_the_team_once_a_week(
        self, database: str, head: Actor, sales: Actor, colleague: Actor, set_clock: SetClock
    ) -> None:
        with_mailbox(sales)
        give(sales, "late", at("2026-02-26", 10))
        give(sales, "ahead", at("2026-03-26", 10))
        give(colleague, "ahead", at("2026-03-26", 10))
        set_clock(at("2026-02-20", 10))
        made, missed = factories.make_customer(sales), factories.make_customer(sales, name="杭州恒远机械有限公司")
        with transaction(SYSTEM) as session:
            session.execute(update(Customer).values(first_follow_up_on=date(2026, 2, 25)))
            followed = update(Customer).where(Customer.id == made.id)
            session.execute(followed.values(followed_up_at=at("2026-02-24", 10), last_contact_at=at("2026-02-24", 10)))
            session.execute(update(Customer).where(Customer.id == missed.id).values(created_at=at("2025-06-01", 10)))
        for day, hour, count in (("2026-03-02", 8, 0), ("2026-03-02", 9, 1), ("2026-03-03", 9, 1), ("2026-03-09", 9, 2)):
            set_clock(at(day, hour))
            run()
            assert len(written("weekly")) == count
        mail = written("weekly")[0]
        assert (mail.recipient, mail.subject) == ("manager@example.com", "Kemai: The team, 2026-02-23 to 2026-03-01")
        assert "Open tasks: 3\n- 销售丙: 2 open, 1 overdue\n- 销售丁: 1 open, 0 overdue" in mail.body
        assert "First follow-ups due last week: 2\n- 50% made in time\n- 销售丙: 1 of 2 in time" in mail.body
        assert "Customers long without contact: 1\n- 杭州******公司 · 销售丙 · 274 days" in mail.body

    def test_of_many_customers_without_contact_those_who_waited_longest_are_named(
        self, database: str, head: Actor, sales: Actor, set_clock: SetClock
    ) -> None:
        customers = [factories.make_customer(sales, name=f"{name}有限责任公司") for name in "甲乙丙丁戊己庚"]
        with transaction(SYSTEM) as session:
            for number, customer in enumerate(customers):
                moment = at("2025-06-01", 10) + timedelta(days=number)
                session.execute(update(Customer).where(Customer.id == customer.id).values(last_contact_at=moment))
        set_clock(at("2026-03-02", 9))
        run()
        told = written("weekly")[0].body.partition("Customers long without contact: 7\n")[2]
        assert told.splitlines()[:6] == [
            *(f"- {name}*****司 · 销售丙 · {274 - number} days" for number, name in enumerate("甲乙丙丁戊")),
            "- … and 2 more",
        ]

    def test_in_a_week_that_begins_with_a_holiday_it_comes_on_the_first_working_day(
        self, database: str, head: Actor, set_clock: SetClock
    ) -> None:
        for day, count in (("2026-10-05", 0), ("2026-10-07", 0), ("2026-10-08", 1), ("2026-10-09", 1), ("2026-10-12", 2)):
            set_clock(at(day, 12))
            run()
            assert len(written("weekly")) == count

    def test_the_first_one_comes_at_the_beginning_of_a_week(self, database: str, head: Actor, set_clock: SetClock) -> None:
        set_clock(at("2026-03-05", 12))
        run()
        assert written("weekly") == []

    def test_a_head_who_chose_no_way_gets_none(self, database: str, head: Actor, set_clock: SetClock) -> None:
        choose(head, weekly=[])
        set_clock(at("2026-03-02", 12))
        run()
        assert written("weekly") == []

    def test_nobody_but_heads_gets_one(self, database: str, sales: Actor, administrator: Actor, set_clock: SetClock) -> None:
        with_mailbox(sales, administrator)
        set_clock(at("2026-03-02", 12))
        run()
        assert written("weekly") == []


def test_more_than_one_run_takes_are_taken_in_turns(sqlite_database: str, set_clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "AT_ONCE", 2)
    set_clock(at("2026-02-27", 20))
    people = [factories.make_user(role="sales", username=f"person{number}") for number in range(5)]
    with_mailbox(*people)
    for actor in people:
        choose(actor, digest_at="08:30")
        give(actor, "Call", at("2026-03-02", 18))
    set_clock(at("2026-03-02", 8, 30) + timedelta(minutes=1))
    run()
    assert len(written()) == 5


def test_a_digest_that_fails_in_the_database_keeps_nobody_else_from_theirs(
    database: str, set_clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_clock(at("2026-02-27", 20))
    people = [factories.make_user(role="sales", username=f"person{number}") for number in range(3)]
    with_mailbox(*people)
    for actor in people:
        choose(actor, digest_at="08:30")
        give(actor, "Call", at("2026-03-02", 18))
    usual, broken = digests._WORDS["daily"], {people[0].id}

    def daily(session: CrmSession, actor: Actor, today: date) -> Letter | None:
        if actor.id in broken:
            session.execute(text("SELECT nothing FROM no_such_table"))
        return usual(session, actor, today)

    monkeypatch.setitem(digests._WORDS, "daily", daily)
    set_clock(at("2026-03-02", 9))
    run()
    assert sorted(mail.recipient for mail in written()) == ["person1@example.com", "person2@example.com"]
    broken.clear()
    run()
    assert len(written()) == 3  # tried again, and nobody is told twice
