"""The secret calendar link: who reads what under it, and that calendar programs understand it, checked with the library they share."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar, Component
from sqlalchemy import select, update

from crm_core import clock
from crm_core.db import reading, transaction
from crm_core.errors import NotAllowed
from crm_core.models import CalendarFeed, Task, User
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import archive, calendar_feed, task_work, tasks
from crm_core.services.verification import finish_task
from tests import factories
from tests.core.test_follow_ups import plan, write
from tests.core.test_task_work import finish, give

SHANGHAI = ZoneInfo("Asia/Shanghai")
SetClock = Callable[[datetime], None]
LONG = "确认新产品的反馈，价格; 交期\n第二行：备货 📦🚚 " * 12


def make_link(actor: Actor) -> str:
    with transaction(actor) as session:
        return calendar_feed.renew_feed(session, actor)


def ask(token: str, *, address: str = "") -> calendar_feed.Reading:
    with transaction() as session:
        return calendar_feed.read_feed(session, token, address=address)


def events(token: str) -> dict[str, Component]:
    return {str(event["summary"]): event for event in Calendar.from_ical(ask(token).content).walk("VEVENT")}


class TestLink:
    def test_it_is_shown_once_and_only_its_hash_is_kept(self, database: str, sales: Actor) -> None:
        token = make_link(sales)
        with reading(SYSTEM) as session:
            stored = session.execute(select(CalendarFeed)).scalar_one()
            assert token not in (stored.token_hash, "")
            assert calendar_feed.get_feed(session, sales) == calendar_feed.Feed(stored.created_at, None)
        assert ask(token).content
        with reading(SYSTEM) as session:
            feed = calendar_feed.get_feed(session, sales)
        assert feed
        assert feed.read_at

    def test_a_renewed_link_ends_the_old_one(self, database: str, sales: Actor) -> None:
        old, new = make_link(sales), make_link(sales)
        assert (ask(old).content, bool(ask(new).content)) == (b"", True)
        with transaction(sales) as session:
            calendar_feed.end_feed(session, sales)
        assert ask(new).content == b""
        assert [line.action for line in factories.log_of("user_account")][-3:] == [
            "calendar_link_made",
            "calendar_link_made",
            "calendar_link_ended",
        ]

    @pytest.mark.parametrize("change", [{"is_active": False}, {"blocked_at": datetime(2026, 1, 1, tzinfo=SHANGHAI)}])
    def test_an_account_that_may_not_sign_in_gives_out_nothing(self, database: str, sales: Actor, change: dict[str, object]) -> None:
        token = make_link(sales)
        with transaction(SYSTEM) as session:
            session.execute(update(User).where(User.id == sales.id).values(**change))
        assert ask(token) == calendar_feed.Reading()

    def test_who_may_not_read_customers_gets_no_link(self, database: str, sales: Actor) -> None:
        nobody = factories.make_user(role="sales")
        with pytest.raises(NotAllowed), transaction(nobody) as session:
            calendar_feed.renew_feed(session, Actor(id=nobody.id, name="", permissions=frozenset()))

    def test_guesses_are_counted_by_address_and_good_links_go_on(self, database: str, sales: Actor) -> None:
        token = make_link(sales)
        answers = [ask(f"guess-{number}", address="203.0.113.7").is_refused for number in range(32)]
        assert answers == [False] * 30 + [True] * 2
        assert ask(token, address="203.0.113.7").content
        assert ask("guess", address="203.0.113.8") == calendar_feed.Reading()


class TestContent:
    def test_open_tasks_and_plans_and_what_was_done_lately(self, database: str, manager: Actor, sales: Actor, set_clock: SetClock) -> None:
        customer = factories.make_customer(sales, name="杭州远帆科技有限公司")
        long_done = give(sales, sales, name="很久以前")
        finish(sales, long_done)
        set_clock(clock.now() + timedelta(days=31))
        give(manager, sales, customer, name="寄样品")
        give(sales, sales, name="做完了")
        done = give(sales, sales, name="整理清单")
        finish(sales, done)
        cancelled = give(sales, sales, name="取消了")
        with transaction(sales) as session:
            task_work.cancel_task(session, sales, cancelled.id, reason="不再需要", version=1)
        give(manager, manager, name="别人的")
        write(sales, customer, plan(sales, goal="电话回访"))
        found = events(make_link(sales))
        assert set(found) == {"寄样品 · 杭州******公司", "做完了", "✓ 整理清单", "电话回访 · 杭州******公司"}

    def test_what_tells_who_a_customer_is_leaves_the_house_masked(self, database: str, sales: Actor) -> None:
        customer = factories.make_customer(sales, kind="individual", name="王小明")
        give(sales, sales, customer, name="回访王小明", description="打 13800138000，或写 wang@example.com")
        done = give(sales, sales, customer, name="送合同")
        with transaction(sales) as session:
            finish_task(session, sales, done.id, note="交给王小明本人", version=1)
        content = ask(make_link(sales)).content.decode().replace("\r\n ", "")
        for hidden in ("王小明", "13800138000", "wang@example.com"):
            assert hidden not in content
        for shown in ("回访王*明", "138****8000", "交给王*明本人"):
            assert shown in content

    def test_tasks_of_customers_outside_the_scope_or_laid_away_are_left_out(self, database: str, sales: Actor, stranger: Actor) -> None:
        given, archived = factories.make_customer(sales), factories.make_customer(sales)
        for customer in (given, archived):
            give(sales, sales, customer, name=f"回访{customer.code}")
        give(sales, sales, name="自己的")
        token = make_link(sales)
        assert len(events(token)) == 3
        with transaction(SYSTEM) as session:
            session.get_one(type(given), given.id).owner_id = stranger.id
            archive.archive_customer(session, SYSTEM, archived.id, reason="停业")
        assert set(events(token)) == {"自己的"}

    def test_a_time_stands_in_the_zone_of_the_team(self, database: str, sales: Actor, set_clock: SetClock) -> None:
        set_clock(datetime(2026, 3, 2, 9, tzinfo=SHANGHAI))
        give(sales, sales, name="电话", due_on=None, due_at=datetime(2026, 3, 31, 15, 30, tzinfo=SHANGHAI))
        give(sales, sales, name="全天", due_on=date(2026, 3, 31))
        token = make_link(sales)
        text = ask(token).content.decode()
        assert "DTSTART;TZID=Asia/Shanghai:20260331T153000\r\n" in text
        assert "BEGIN:VTIMEZONE\r\nTZID:Asia/Shanghai\r\n" in text
        found = events(token)
        assert found["电话"].decoded("dtstart") == datetime(2026, 3, 31, 7, 30, tzinfo=ZoneInfo("UTC"))
        assert found["电话"].decoded("dtend") - found["电话"].decoded("dtstart") == timedelta(minutes=30)
        assert (found["全天"].decoded("dtstart"), found["全天"].decoded("dtend")) == (date(2026, 3, 31), date(2026, 4, 1))
        assert found["电话"].decoded("dtstamp") == datetime(2026, 3, 2, 1, tzinfo=ZoneInfo("UTC"))

    def test_a_changed_task_keeps_its_uid_and_counts_up(self, database: str, sales: Actor) -> None:
        task = give(sales, sales, name="回访")
        token = make_link(sales)
        (before,) = events(token).values()
        with transaction(sales) as session:
            task_work.postpone_task(session, sales, task.id, version=1, due_on=clock.today() + timedelta(days=9))
        (after,) = events(token).values()
        assert (str(before["uid"]), before["sequence"], after["sequence"]) == (str(after["uid"]), 0, 1)
        assert after.decoded("dtstart") == clock.today() + timedelta(days=9)
        assert after.decoded("last-modified") >= before.decoded("last-modified")
        finish(sales, task)
        (done,) = events(token).values()
        assert (str(done["uid"]), str(done["summary"])) == (str(before["uid"]), "✓ 回访")

    def test_any_text_survives(self, database: str, sales: Actor) -> None:
        name = "报价, 合同; \\n 不是换行 🤝" + "长" * 120
        give(sales, sales, name=name, description=LONG)
        token = make_link(sales)
        content = ask(token).content
        assert all(len(line) <= 75 for line in content.split(b"\r\n"))
        assert b"\n" not in content.replace(b"\r\n", b"")
        (event,) = events(token).values()
        with reading(SYSTEM) as session:
            (stored,) = session.execute(select(Task)).scalars()
        assert (str(event["summary"]), str(event["description"])) == (stored.name, stored.description)
        assert (stored.description or "").count("\n") == 12

    def test_the_link_leads_back_to_the_task(self, database: str, sales: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
        task = give(sales, sales)
        token = make_link(sales)
        assert "url" not in next(iter(events(token).values()))
        monkeypatch.setattr(calendar_feed, "address_of", lambda path: f"https://crm.example.com{path}")
        assert str(next(iter(events(token).values()))["url"]) == f"https://crm.example.com{tasks.path_of(task.id)}"

    def test_nothing_changed_is_told_alike(self, database: str, sales: Actor) -> None:
        give(sales, sales)
        token = make_link(sales)
        assert ask(token).content == ask(token).content
