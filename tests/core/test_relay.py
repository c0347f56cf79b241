"""From notices to mails and robots: each once, as chosen, masked, in the receiver's language, and never in quiet hours."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update

from crm_core import channels, clock, config
from crm_core.channels import KINDS, ways_for
from crm_core.db import reading, transaction
from crm_core.errors import ValidationFailed
from crm_core.masking import mask_text
from crm_core.models import Customer, Notice, OutboxMessage, Task, User
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import jobs, notice_kinds, notices, outbox, quiet_hours, relay, reminder_settings
from crm_core.services.reminder_settings import Choices
from tests import factories
from tests.core.test_concurrency import at_once
from tests.core.test_outbox import mailbox, messages, send_all
from tests.core.test_robots import add, chat
from tests.group_chat import GroupChat
from tests.mailbox import MailBox

__all__ = ["chat", "mailbox"]

SHANGHAI = ZoneInfo("Asia/Shanghai")
MORNING = datetime(2026, 3, 2, 9, tzinfo=SHANGHAI)
SetClock = Callable[[datetime], None]
TIME = MORNING.isoformat()


def with_mailbox(*actors: Actor, language: str = "en") -> None:
    with transaction(SYSTEM) as session:
        for actor in actors:
            session.execute(update(User).where(User.id == actor.id).values(email=f"{actor.username}@example.com", language=language))


def choose(actor: Actor, quiet: tuple[str, str] | None = None, digest_at: str | None = None, **ways: Sequence[str]) -> None:
    begin, end = (time.fromisoformat(one) for one in quiet) if quiet else (None, None)
    with transaction(actor) as session:
        present = reminder_settings.get_choices(session, actor).channels
        digest = time.fromisoformat(digest_at) if digest_at else None
        reminder_settings.save_choices(session, actor, Choices({**present, **ways}, begin, end, digest))


def tell(actor: Actor, kind: str = "task_due_soon", /, *, customer_id: int | None = None, **data: object) -> None:
    values = {"task": ["task", "Call back"], "time": TIME} | data
    with transaction(SYSTEM) as session:
        notices.notify(session, [actor.id or 0], kind, values, path="/tasks?task=1", customer_id=customer_id)


def run() -> None:
    """The job, until it finds nothing more."""
    is_going_on: bool | None = True
    while is_going_on:
        is_going_on = jobs._work(jobs.JOBS["messages"])


def read_mails(box: MailBox) -> list[str]:
    run()
    send_all()
    return [mail.get_content() for mail in box.mails]


class TestWays:
    def test_a_notice_goes_by_mail_once(self, database: str, mailbox: MailBox, sales: Actor) -> None:
        mailbox.open()
        with_mailbox(sales)
        tell(sales)
        for _turn in range(2):
            contents = read_mails(mailbox)
        (mail,), (content,) = mailbox.mails, contents
        assert (mail["To"], mail["Subject"]) == ("sales@example.com", "Kemai: Task due soon")
        assert "Call back, due 2026-03-02 09:00." in content

    def test_all_that_waits_for_somebody_is_one_message(self, database: str, mailbox: MailBox, sales: Actor, colleague: Actor) -> None:
        mailbox.open()
        with_mailbox(sales, colleague)
        for number in range(relay.LINES + 2):
            tell(sales, task=["task", f"Call {number}"])
        tell(colleague)
        contents = read_mails(mailbox)
        assert len(contents) == 2
        assert mailbox.mails[0]["Subject"] == "Kemai: 12 messages"
        assert [f"Call {number}," in contents[0] for number in (0, 9, 10)] == [True, True, False]
        assert "2 more" in contents[0]

    def test_each_kind_takes_the_ways_that_were_chosen(self, database: str, chat: GroupChat, mailbox: MailBox, sales: Actor) -> None:
        mailbox.open()
        with_mailbox(sales)
        add(sales)
        choose(sales, due=["robot"], mentions=["mail", "robot"], tasks=[])
        tell(sales)
        tell(sales, "mentioned", actor="王明", customer="x", text="hello")
        tell(sales, "task_assigned", task=["task", "Another one"])
        (content,) = read_mails(mailbox)
        (said,) = chat.texts
        assert ("Call back" in content, "hello" in content, "Another one" in content) == (False, True, False)
        assert ("Call back" in said, "hello" in said, "Another one" in said) == (True, True, False)
        assert sales.name in said

    def test_what_was_read_in_the_app_needs_no_message(self, database: str, mailbox: MailBox, sales: Actor) -> None:
        mailbox.open()
        with_mailbox(sales)
        tell(sales)
        with transaction(sales) as session:
            notices.mark_read(session, sales)
        assert read_mails(mailbox) == []

    def test_somebody_without_mailbox_or_account_is_told_in_the_app_only(
        self, database: str, mailbox: MailBox, sales: Actor, colleague: Actor
    ) -> None:
        mailbox.open()
        with_mailbox(colleague)
        with transaction(SYSTEM) as session:
            session.execute(update(User).where(User.id == colleague.id).values(is_active=False))
        tell(sales)
        tell(colleague)
        assert read_mails(mailbox) == []
        with reading(SYSTEM) as session:
            assert session.execute(select(Notice.id).where(Notice.is_waiting)).all() == []

    def test_of_two_processes_one_writes_the_message(self, database: str, mailbox: MailBox, sales: Actor) -> None:
        mailbox.open()
        with_mailbox(sales)
        for number in range(3):
            tell(sales, task=["task", f"Call {number}"])
        assert at_once([run] * 4) == [None] * 4
        assert len(read_mails(mailbox)) == 1

    def test_more_people_than_one_run_serves_are_served(
        self, sqlite_database: str, mailbox: MailBox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(relay, "AT_ONCE", 2)
        mailbox.open()
        people = [factories.make_user(username=f"person{number}") for number in range(5)]
        with_mailbox(*people)
        for actor in people:
            tell(actor)
        assert len(read_mails(mailbox)) == 5

    def test_a_notice_that_cannot_be_told_keeps_nobody_else_from_theirs(
        self, database: str, mailbox: MailBox, sales: Actor, colleague: Actor, caplog: pytest.LogCaptureFixture
    ) -> None:
        mailbox.open()
        with_mailbox(sales, colleague)
        with transaction(SYSTEM) as session:
            notices.notify(session, [sales.id or 0], "pool_soon", {"count": 3})  # as an older version might have left it
        tell(colleague)
        read_mails(mailbox)
        assert [mail["To"] for mail in mailbox.mails] == ["colleague@example.com"]
        assert f"the notices of the account {sales.id} could not be told" in caplog.text
        with transaction(SYSTEM) as session:
            assert session.execute(update(Notice).where(Notice.is_waiting).values(data={"count": 3, "days": 5})).rowcount == 1
        read_mails(mailbox)
        assert [mail["To"] for mail in mailbox.mails] == ["colleague@example.com", "sales@example.com"]

    @pytest.mark.parametrize("kind", [name for name, kind in notice_kinds.KINDS.items() if kind.message])
    def test_each_kind_reads_well_in_both_languages(self, sqlite_database: str, mailbox: MailBox, sales: Actor, kind: str) -> None:
        mailbox.open()
        words = {"name": "王明", "customer": "x", "reason": "r", "count": 3, "day": "2026-05-06", "days": 3, "actor": "王明", "text": "t"}
        choose(sales, **{one: ["mail"] for one in KINDS})
        for language in ("zh_CN", "en"):
            with_mailbox(sales, language=language)
            tell(sales, kind, **words, person="王明", kept="y", remark="m", number="7", amount="5", code="TKT1")
            contents = read_mails(mailbox)
        chinese, english = contents
        assert re.search("[\u4e00-\u9fff]", chinese.replace("王明", ""))
        assert not re.search("[\u4e00-\u9fff]", english.replace("王明", ""))
        assert "{" not in chinese + english

    def test_links_lead_back_where_the_address_of_the_system_is_known(
        self, sqlite_database: str, mailbox: MailBox, sales: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CRM_BASE_URL", "https://crm.example.com")
        config.settings.cache_clear()
        mailbox.open()
        with_mailbox(sales)
        tell(sales)
        assert "https://crm.example.com/tasks?task=1" in read_mails(mailbox)[0]

    @pytest.mark.parametrize(("kind", "ways"), [("sign_in", ("mail",)), ("mentions", ("mail", "robot"))])
    def test_a_warning_about_the_account_is_nothing_for_a_group(self, kind: str, ways: tuple[str, ...]) -> None:
        assert ways_for({kind: ["robot", "mail", "pigeon"]}, kind) == ways
        assert channels.KINDS["sign_in"].is_urgent


class TestMasking:
    def test_names_and_numbers_are_masked_in_what_leaves_the_house_only(
        self, database: str, chat: GroupChat, mailbox: MailBox, sales: Actor
    ) -> None:
        mailbox.open()
        with_mailbox(sales)
        add(sales)
        customer = factories.make_customer(sales, name="杭州恒远机械有限公司")
        choose(sales, due=["mail", "robot"])
        written = "致电杭州恒远机械有限公司王总 138 0013 8000 或 0571-88001234，li.si@hengyuan.cn，33010619900307123X"
        tell(sales, customer_id=customer.id, task=["task", written])
        (content,) = read_mails(mailbox)
        for text in (content, chat.texts[0]):
            assert "致电杭州******公司王总 138******8000" in text
            for secret in ("恒远", "13800138000", "0013", "88001234", "li.si@", "19900307"):
                assert secret not in text
        with reading(sales) as session:
            assert written in notices.list_latest(session, sales)[0].sentence

    def test_the_customer_of_an_entry_is_masked_by_its_name_alone(self, database: str, mailbox: MailBox, sales: Actor) -> None:
        mailbox.open()
        with_mailbox(sales)
        tell(sales, "review_returned", name="主管乙", customer="宁波海岳物流有限公司", reason="宁波海岳物流有限公司的电话不对", time=TIME)
        (content,) = read_mails(mailbox)
        assert content.count("宁波******公司") == 2
        assert "海岳" not in content
        assert "主管乙" in content

    def test_a_customer_that_is_not_seen_any_more_is_told_of_no_more(
        self, database: str, mailbox: MailBox, sales: Actor, stranger: Actor
    ) -> None:
        mailbox.open()
        with_mailbox(sales)
        customer = factories.make_customer(sales)
        tell(sales, customer_id=customer.id)
        with transaction(SYSTEM) as session:
            session.execute(update(Customer).where(Customer.id == customer.id).values(owner_id=stranger.id))
        assert read_mails(mailbox) == []

    @pytest.mark.parametrize("text", ["2026-03-02 09:00", "CUS202405001", "订单 20260302001", "¥860,000", "第3季度"])
    def test_dates_codes_and_amounts_stay_as_they_are(self, text: str) -> None:
        assert mask_text(text) == text


class TestQuietHours:
    @pytest.mark.parametrize(
        ("begin", "until", "at", "end"),
        [
            ("22:00", "07:30", "2026-03-31 21:59", None),
            ("22:00", "07:30", "2026-03-31 22:00", "2026-04-01 07:30"),
            ("22:00", "07:30", "2026-12-31 23:59", "2027-01-01 07:30"),
            ("22:00", "07:30", "2028-02-29 00:00", "2028-02-29 07:30"),
            ("22:00", "07:30", "2026-03-31 07:30", None),
            ("12:00", "14:00", "2026-03-31 12:00", "2026-03-31 14:00"),
            ("12:00", "14:00", "2026-03-31 14:00", None),
            ("12:00", "14:00", "2026-03-31 11:59", None),
        ],
    )
    @pytest.mark.parametrize("zone", ["Asia/Shanghai", "Asia/Kolkata", "America/New_York", "Pacific/Kiritimati"])
    def test_they_end_where_the_team_works(
        self, monkeypatch: pytest.MonkeyPatch, zone: str, begin: str, until: str, at: str, end: str | None
    ) -> None:
        monkeypatch.setenv("CRM_TIMEZONE", zone)
        config.settings.cache_clear()
        place = ZoneInfo(zone)
        found = quiet_hours.end_of(begin, until, datetime.fromisoformat(at).replace(tzinfo=place))
        assert found == (datetime.fromisoformat(end).replace(tzinfo=place) if end else None)
        config.settings.cache_clear()

    def test_what_comes_in_them_is_one_message_at_their_end(
        self, database: str, chat: GroupChat, mailbox: MailBox, sales: Actor, colleague: Actor, set_clock: SetClock
    ) -> None:
        mailbox.open()
        with_mailbox(sales, colleague)
        add(sales)
        choose(sales, quiet=("22:00", "07:30"), due=["mail", "robot"])
        night = MORNING.replace(hour=23)
        for minutes in (0, 60, 400):
            set_clock(night + timedelta(minutes=minutes))
            tell(sales)
            tell(colleague)
            read_mails(mailbox)
        assert {mail["To"] for mail in mailbox.mails} == {"colleague@example.com"}
        assert chat.said == []
        set_clock(night + timedelta(hours=8, minutes=30))
        for _turn in range(2):
            read_mails(mailbox)
        (mine,) = [mail for mail in mailbox.mails if mail["To"] == "sales@example.com"]
        assert mine.get_content().count("Call back") == 3
        assert len(chat.said) == 1

    def test_a_second_attempt_waits_for_their_end_and_does_not_count(
        self, database: str, mailbox: MailBox, sales: Actor, set_clock: SetClock
    ) -> None:
        evening = MORNING.replace(hour=21, minute=59, second=30)
        set_clock(evening)
        with_mailbox(sales)
        choose(sales, quiet=("22:00", "07:30"))
        tell(sales)
        run()
        send_all()  # nobody answers there
        mailbox.open()
        set_clock(evening + timedelta(minutes=2))
        send_all()
        (row,) = messages()
        assert (row.attempts, row.sent_at) == (1, None)
        assert row.next_attempt_at == datetime(2026, 3, 3, 7, 30, tzinfo=SHANGHAI)
        set_clock(datetime(2026, 3, 3, 7, 30, tzinfo=SHANGHAI))
        send_all()
        assert len(mailbox.mails) == 1

    def test_warnings_about_the_account_and_what_was_asked_for_come_at_once(
        self, database: str, mailbox: MailBox, sales: Actor, set_clock: SetClock
    ) -> None:
        mailbox.open()
        set_clock(MORNING.replace(hour=23))
        with_mailbox(sales)
        choose(sales, quiet=("22:00", "07:30"))
        with transaction() as session:
            for kind in (None, "sign_in", "daily"):
                outbox.enqueue_mail(session, recipient="x@example.com", subject=str(kind), body="x", user_id=sales.id, kind=kind)
        send_all()
        assert [mail["Subject"] for mail in mailbox.mails] == ["None", "sign_in"]

    @pytest.mark.parametrize("quiet", [("22:00", None), (None, "07:00"), ("08:00", "08:00")])
    def test_they_need_two_different_times(self, sqlite_database: str, sales: Actor, quiet: tuple[str | None, str | None]) -> None:
        begin, until = (time.fromisoformat(one) if one else None for one in quiet)
        with pytest.raises(ValidationFailed), transaction(sales) as session:
            reminder_settings.save_choices(session, sales, Choices({}, begin, until))


class TestChoices:
    def test_they_are_kept_and_logged(self, database: str, sales: Actor) -> None:
        choose(sales, quiet=("22:00", "07:30"), digest_at="08:15", due=["robot", "pigeon"], sign_in=["robot"])
        with reading(sales) as session:
            found = reminder_settings.get_choices(session, sales)
        assert (found.quiet_from, found.quiet_until, found.digest_at) == (time(22), time(7, 30), time(8, 15))
        assert (found.channels["due"], found.channels["sign_in"], found.channels["overdue"]) == (("robot",), (), ("mail",))
        assert [line.field for line in factories.log_of("user_account", sales.id, action="changed")] == ["channels"]
        choose(sales)
        with reading(sales) as session:
            found = reminder_settings.get_choices(session, sales)
        assert (found.quiet_from, found.quiet_until, found.digest_at) == (None, None, None)

    def test_a_digest_tells_what_is_not_urgent_and_the_rest_comes_at_once(
        self, database: str, chat: GroupChat, mailbox: MailBox, sales: Actor
    ) -> None:
        mailbox.open()
        with_mailbox(sales)
        add(sales)
        choose(sales, digest_at="08:00", overdue=["mail", "robot"])
        tell(sales, "task_overdue", task=["task", "Late"])
        tell(sales, "task_due_soon", task=["task", "Soon"])
        (content,) = read_mails(mailbox)
        assert ("Late" in content, "Soon" in content) == (False, True)
        assert "Late" in chat.texts[0]  # the digest goes by mail only, the group hears of it as before
        with transaction(SYSTEM) as session:
            session.execute(update(Task).values(name="x"))
            assert session.execute(select(OutboxMessage.id).where(OutboxMessage.sent_at.is_(None))).all() == []


def test_jobs_of_the_night_are_told_in_the_morning_and_not_lost_over_a_holiday(
    database: str, mailbox: MailBox, sales: Actor, set_clock: SetClock
) -> None:
    mailbox.open()
    set_clock(datetime(2026, 9, 30, 20, tzinfo=SHANGHAI))
    with_mailbox(sales)
    choose(sales, quiet=("20:00", "08:00"))
    with transaction(SYSTEM) as session:
        session.add(Task(name="Month end", assignee_id=sales.id, due_at=datetime(2026, 9, 30, 23, 59, tzinfo=SHANGHAI)))
    for moment in (datetime(2026, 10, 1, 0, 5, tzinfo=SHANGHAI), datetime(2026, 10, 1, 8, 0, tzinfo=SHANGHAI)):
        set_clock(moment)
        with transaction(SYSTEM) as session:
            session.execute(update(Notice).values(created_at=clock.now()))
        jobs._work(jobs.JOBS["overdue_tasks"])
        contents = read_mails(mailbox)
        assert len(contents) == (moment.hour == 8)
    assert "Month end, was due 2026-09-30 23:59." in contents[0]
    assert clock.now().astimezone(UTC).day == 1
