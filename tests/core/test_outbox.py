"""Sending of mail: nothing is lost, nothing is sent twice, and what fails is tried again."""

import smtplib
import socket
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from crm_core import clock, config
from crm_core.background import Background
from crm_core.db import reading, transaction
from crm_core.errors import NotAllowed, NotFound
from crm_core.i18n import in_language
from crm_core.models import OutboxMessage
from crm_core.permissions import Actor
from crm_core.services import outbox, send_errors
from tests import factories
from tests.core.test_concurrency import at_once
from tests.mailbox import MailBox

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
Clock = Callable[[datetime], None]


@pytest.fixture
def mailbox(any_database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[MailBox]:
    box = MailBox()
    for name, value in box.environment.items():
        monkeypatch.setenv(name, value)
    config.settings.cache_clear()
    yield box
    box.close()


def write(*, recipient: str = "li@example.com", subject: str = "客脉：提醒", key: str | None = None) -> None:
    with transaction() as session:
        outbox.enqueue_mail(session, recipient=recipient, subject=subject, body="第一行\n.\n第三行", key=key)


def send_all() -> None:
    while outbox.send_next():
        pass


def messages() -> list[OutboxMessage]:
    with reading() as session:
        return list(session.execute(select(OutboxMessage).order_by(OutboxMessage.id)).scalars())


class TestSending:
    def test_a_mail_arrives_once_as_it_was_written(self, database: str, mailbox: MailBox) -> None:
        mailbox.open()
        write()
        send_all()
        send_all()
        (mail,), (row,) = mailbox.mails, messages()
        assert (mail["To"], mail["From"], mail["Subject"]) == ("li@example.com", "kemai@example.com", "客脉：提醒")
        assert mail["Message-ID"] == row.message_id
        assert mail.get_content().splitlines() == ["第一行", ".", "第三行"]
        assert (row.attempts, row.next_attempt_at, row.last_error) == (1, None, None)
        assert row.sent_at

    def test_what_is_rolled_back_is_not_sent(self, database: str, mailbox: MailBox) -> None:
        mailbox.open()
        with transaction() as session:
            outbox.enqueue_mail(session, recipient="li@example.com", subject="x", body="x")
            session.rollback()
        send_all()
        assert mailbox.mails == []

    def test_a_mail_with_the_key_of_an_earlier_one_is_left_out(self, database: str, mailbox: MailBox) -> None:
        mailbox.open()
        for _time in range(2):
            write(key="reminder:1")
            send_all()
        assert len(mailbox.mails) == 1

    def test_a_server_that_was_down_gets_every_mail_when_it_is_up(self, database: str, mailbox: MailBox, set_clock: Clock) -> None:
        set_clock(START)
        for number in range(3):
            write(subject=str(number))
        send_all()
        assert [(row.attempts, row.sent_at, row.next_attempt_at) for row in messages()] == [(1, None, START + timedelta(minutes=1))] * 3
        assert all(row.last_error for row in messages())
        mailbox.open()
        send_all()
        assert mailbox.mails == []
        set_clock(START + timedelta(minutes=1))
        send_all()
        assert sorted(mail["Subject"] for mail in mailbox.mails) == ["0", "1", "2"]
        assert all(row.sent_at and row.last_error is None for row in messages())

    def test_waits_double_up_to_six_hours_and_end_after_three_days(self, sqlite_database: str, mailbox: MailBox, set_clock: Clock) -> None:
        set_clock(START)
        write()
        now, waits = START, []
        while True:
            assert outbox.send_next()
            (row,) = messages()
            if row.next_attempt_at is None:
                break
            waits.append((row.next_attempt_at - now) / timedelta(minutes=1))
            now = row.next_attempt_at
            set_clock(now)
        assert waits[:10] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 360]
        assert set(waits[10:]) == {360}
        assert timedelta(days=2, hours=18) < now - START <= timedelta(days=3)
        assert (row.sent_at, row.attempts) == (None, len(waits) + 1)

    def test_a_refused_mail_keeps_the_reason_and_holds_up_no_other(self, database: str, mailbox: MailBox) -> None:
        mailbox.open()
        write(recipient="no address\nBcc: all@example.com")
        write()
        send_all()
        assert [mail["To"] for mail in mailbox.mails] == ["li@example.com"]
        mailbox.answer = "552 mailbox is full"
        write(subject="second")
        send_all()
        refused, _sent, full = messages()
        assert refused.last_error
        assert "mailbox is full" in (full.last_error or "")
        assert full.next_attempt_at

    def test_a_process_killed_before_the_mark_leaves_it_to_be_sent_again_with_the_same_id(
        self, database: str, mailbox: MailBox, set_clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Killed(BaseException):
            pass

        def die(_message: OutboxMessage) -> None:
            raise Killed

        set_clock(START)
        mailbox.open()
        write()
        with monkeypatch.context() as patch:
            patch.setattr(outbox, "_mark_sent", die)
            with pytest.raises(Killed):
                outbox.send_next()
        assert not outbox.send_next()
        set_clock(START + outbox.CLAIM)
        send_all()
        first, second = mailbox.mails
        assert first["Message-ID"] == second["Message-ID"]
        assert messages()[0].sent_at

    def test_a_server_that_hangs_costs_its_time_and_gets_the_mail_later(
        self, database: str, mailbox: MailBox, set_clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(outbox, "PATIENCE", 0.3)
        set_clock(START)
        mailbox.open().hangs = 1.5
        write()
        mailbox.answer = "451 nothing was taken"
        send_all()
        (row,) = messages()
        assert (row.sent_at, row.next_attempt_at) == (None, START + timedelta(minutes=1))
        assert "timed out" in (row.last_error or "")
        mailbox.hangs, mailbox.answer = 0.0, "250 OK"
        set_clock(START + timedelta(minutes=1))
        send_all()
        assert [mail["Message-ID"] for mail in mailbox.mails] == [row.message_id]

    def test_a_server_that_hangs_up_after_taking_a_mail_gets_it_again_with_the_same_id(
        self, database: str, mailbox: MailBox, set_clock: Clock
    ) -> None:
        set_clock(START)
        mailbox.open().drops = True
        write()
        send_all()
        (row,) = messages()
        assert (row.sent_at, row.attempts) == (None, 1)
        assert row.last_error
        set_clock(START + timedelta(minutes=1))
        send_all()
        assert [mail["Message-ID"] for mail in mailbox.mails] == [row.message_id] * 2
        assert messages()[0].sent_at

    def test_of_many_processes_one_sends_a_message(self, database: str, mailbox: MailBox) -> None:
        mailbox.open()
        for number in range(6):
            write(subject=str(number))
        assert at_once([send_all] * 4) == [None] * 4
        assert sorted(mail["Subject"] for mail in mailbox.mails) == list("012345")
        assert {row.attempts for row in messages()} == {1}

    def test_without_a_mail_server_mails_wait_three_days(self, database: str, set_clock: Clock) -> None:
        set_clock(START)
        write()
        assert not outbox.send_next()
        for days, is_waiting in ((3, True), (4, False)):
            set_clock(START + timedelta(days=days))
            with transaction() as session:
                outbox.give_up_late(session)
            (row,) = messages()
            assert (row.next_attempt_at is not None, row.sent_at, row.attempts) == (is_waiting, None, 0)


class TestSettings:
    @pytest.mark.parametrize(("tls", "port"), [("", 587), ("starttls", 587), ("ssl", 465), ("none", 25)])
    def test_the_port_follows_from_the_way_of_encryption(self, monkeypatch: pytest.MonkeyPatch, tls: str, port: int) -> None:
        monkeypatch.setenv("CRM_SMTP_TLS", tls)
        monkeypatch.setenv("CRM_SMTP_USER", "kemai@example.com")
        server = config.MailServer.from_environment()
        assert (server.port, server.sender) == (port, "kemai@example.com")

    def test_a_misspelt_encryption_is_refused_at_the_start(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CRM_SMTP_TLS", "tls")
        with pytest.raises(ValueError, match="starttls, ssl or none"):
            config.settings_from_environment()

    def test_the_password_is_not_shown_with_the_settings(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CRM_SMTP_PASSWORD", "geheim-123")
        assert "geheim-123" not in repr(config.settings_from_environment())

    def test_a_server_without_the_encryption_that_is_asked_for_gets_nothing(
        self, sqlite_database: str, mailbox: MailBox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CRM_SMTP_TLS", "starttls")
        config.settings.cache_clear()
        mailbox.open()
        write()
        send_all()
        assert mailbox.mails == []
        assert "STARTTLS" in (messages()[0].last_error or "")


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        (
            ConnectionRefusedError(111, "Connection refused"),
            "Nothing answers at the address of the server. Check host and port in the settings.",
        ),
        (socket.gaierror(-2, "Name or service not known"), "The network does not know the name of the server. Check it in the settings."),
        (TimeoutError("timed out"), "The server did not answer in time."),
        (smtplib.SMTPServerDisconnected("Connection unexpectedly closed"), "The server ended the connection."),
        (smtplib.SMTPAuthenticationError(535, b"bad"), "The server refused the account or the password of the settings: 535 bad"),
        (smtplib.SMTPRecipientsRefused({"a@b.cn": (550, b"no such user")}), "The server refused the receiver: 550 no such user"),
        (smtplib.SMTPDataError(552, b"mailbox is full"), "552 mailbox is full"),
    ],
    ids=lambda one: type(one).__name__,
)
def test_why_a_message_was_not_taken_is_told_in_words(problem: Exception, told: str) -> None:
    with in_language("en"):
        assert send_errors.tell(send_errors.code_of(problem)) == told
    with in_language("zh_CN"):
        assert "Errno" not in send_errors.tell(send_errors.code_of(problem))


class TestQueue:
    def test_an_administrator_sees_what_waits_and_sends_what_was_given_up(
        self, database: str, mailbox: MailBox, administrator: Actor
    ) -> None:
        write(subject="waits")
        write(subject="given up")
        with transaction() as session:
            given_up = update(OutboxMessage).where(OutboxMessage.subject == "given up")
            session.execute(given_up.values(next_attempt_at=None, created_at=clock.now() - timedelta(days=9)))
        with reading(administrator) as session:
            queue = outbox.get_queue(session, administrator)
        assert ([row.subject for row in queue.waiting], [row.subject for row in queue.given_up]) == (["waits"], ["given up"])
        with transaction(administrator) as session:
            outbox.retry(session, administrator, queue.given_up[0].id)
        mailbox.open()
        send_all()
        assert len(mailbox.mails) == 2
        assert len(factories.log_of("outbox_message", queue.given_up[0].id, action="retried")) == 1
        with pytest.raises(NotFound), transaction(administrator) as session:
            outbox.retry(session, administrator, queue.given_up[0].id)

    def test_nobody_else_sees_or_sends(self, sqlite_database: str, manager: Actor) -> None:
        write()
        with pytest.raises(NotAllowed), reading(manager) as session:
            outbox.get_queue(session, manager)
        with pytest.raises(NotAllowed), transaction(manager) as session:
            outbox.retry(session, manager, messages()[0].id)


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


class TestBackground:
    def test_it_sends_within_seconds_and_stops_at_once(self, database: str, mailbox: MailBox, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("crm_core.background.ROUND", 0.1)
        mailbox.open()
        background = Background()
        background.start()
        write()
        wait_until(lambda: bool(mailbox.mails))
        began = time.monotonic()
        background.stop()
        assert not background.is_alive()
        assert time.monotonic() - began < 5

    def test_a_round_that_fails_is_logged_and_the_next_one_works(
        self, sqlite_database: str, mailbox: MailBox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr("crm_core.background.ROUND", 0.1)
        mailbox.open()
        with monkeypatch.context() as patch:
            patch.setattr(smtplib.SMTP, "send_message", lambda *_given: 1 / 0)
            background = Background()
            background.start()
            write()
            wait_until(lambda: "a round of background work failed" in caplog.text)
        with transaction() as session:
            session.execute(update(OutboxMessage).values(next_attempt_at=clock.now()))
        wait_until(lambda: bool(mailbox.mails))
        background.stop()
