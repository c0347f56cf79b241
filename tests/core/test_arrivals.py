"""Where an account is signed in from: warnings about new devices and places, "this was not me", sessions, cleanup."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import NoResultFound

from crm_core import config
from crm_core.clients import Client
from crm_core.db import reading, transaction
from crm_core.errors import NotAllowed, NotFound
from crm_core.models import (
    AccountLink,
    KnownDevice,
    KnownPlace,
    Notice,
    OutboxMessage,
    SignInFailure,
    SignInTicket,
    User,
    UserSession,
)
from crm_core.permissions import Actor
from crm_core.services import arrivals, cleanup, notices, passwords, sessions, sign_in
from tests import factories
from tests.core.test_clients import CHROME, HANGZHOU, SHANGHAI

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
Clock = Callable[[datetime], None]
HOME = Client(HANGZHOU, CHROME, "home")
TOKEN = re.compile(r"/not-me\?token=([\w-]+)")


def arrive(actor: Actor, client: Client = HOME) -> str:
    """Sign in from somewhere; returns the session token."""
    with transaction() as session:
        ticket = sign_in.open_session(session, actor.username, client=client)
    with transaction() as session:
        token = sign_in.redeem_ticket(session, ticket, browser=client.browser)
    assert token
    return token


def find(token: str) -> Actor | None:
    with reading() as session:
        return sign_in.find_actor(session, token)


def mails() -> list[OutboxMessage]:
    with reading() as session:
        return list(session.execute(select(OutboxMessage).order_by(OutboxMessage.id)).scalars())


def told(actor: Actor) -> list[notices.Told]:
    with reading(actor) as session:
        return notices.list_latest(session, actor)


def count(model: type) -> int:
    with reading(factories.SYSTEM) as session:
        return session.execute(select(func.count()).select_from(model)).scalar_one()


def set_mailbox(actor: Actor, **columns: str | None) -> None:
    with transaction() as session:
        for name, value in columns.items():
            setattr(session.get_one(User, actor.id), name, value)


@pytest.fixture
def owner(sales: Actor, monkeypatch: pytest.MonkeyPatch) -> Actor:
    """The salesperson, with a mailbox, in a system that knows its address."""
    monkeypatch.setenv("CRM_BASE_URL", "https://crm.example.com/")
    config.settings.cache_clear()
    set_mailbox(sales, email="li@example.com", alert_email="li.private@example.com")
    return sales


class TestWarnings:
    def test_a_session_keeps_where_it_was_begun(self, database: str, owner: Actor) -> None:
        found = find(arrive(owner))
        assert found
        assert found.address == HANGZHOU
        with reading(found) as session:
            (browser,) = sessions.list_sessions(session, found, found.id or 0)
        assert (browser.city, browser.device, browser.is_this) == ("中国 浙江省 杭州市", "Chrome · Windows", True)

    @pytest.mark.parametrize(
        ("client", "is_told"),
        [
            (HOME, False),
            (Client("223.6.6.6", CHROME, "home"), False),  # another address in the same city
            (Client(HANGZHOU, "another version", "home"), False),
            (Client(HANGZHOU, CHROME, "another browser"), True),
            (Client(SHANGHAI, CHROME, "home"), True),
            (Client("10.0.0.1", CHROME, "home"), True),
            (Client("", "", "home"), True),
        ],
    )
    def test_a_new_device_or_city_is_told_by_mail_and_in_the_app(self, database: str, owner: Actor, client: Client, is_told: bool) -> None:
        arrive(owner)
        assert (mails(), told(owner)) == ([], [])
        arrive(owner, client)
        assert (len(mails()), len(told(owner))) == (is_told, is_told)
        arrive(owner, client)
        assert (len(mails()), len(told(owner))) == (is_told, is_told)

    def test_the_mail_says_when_where_and_how_in_the_language_of_the_owner(self, database: str, owner: Actor, set_clock: Clock) -> None:
        set_clock(START)
        arrive(owner)
        for language, words in (
            ("zh_CN", ("2026-03-02 17:00", "上海市", "Chrome · Windows", SHANGHAI, "https://crm.example.com/not-me?token=")),
            ("en", ("2026-03-02 17:00", "Hangzhou", "Chrome · Windows", HANGZHOU, "If this was not you")),
        ):
            set_mailbox(owner, language=language)
            arrive(owner, Client(SHANGHAI if language == "zh_CN" else HANGZHOU, CHROME, language))
            mail = mails()[-1]
            assert mail.recipient == "li.private@example.com"
            assert [word for word in words if word not in mail.body] == []
            assert bool(re.search("[\u4e00-\u9fff]", mail.subject)) is (language == "zh_CN")

    def test_without_a_reserved_mailbox_the_usual_one_is_used_and_without_any_only_the_app(self, database: str, owner: Actor) -> None:
        arrive(owner)
        set_mailbox(owner, alert_email=None)
        arrive(owner, Client(SHANGHAI, CHROME, "home"))
        set_mailbox(owner, email=None)
        arrive(owner, Client("8.8.8.8", CHROME, "home"))
        assert [mail.recipient for mail in mails()] == ["li@example.com"]
        assert len(told(owner)) == 2

    def test_without_an_address_of_the_system_the_mail_names_the_administrator(self, sqlite_database: str, sales: Actor) -> None:
        set_mailbox(sales, email="li@example.com")
        arrive(sales)
        arrive(sales, Client(SHANGHAI, CHROME, "home"))
        (mail,) = mails()
        assert "管理员" in mail.body
        assert "not-me" not in mail.body

    def test_what_one_account_knows_counts_for_no_other(self, database: str, owner: Actor, colleague: Actor) -> None:
        strange = Client(SHANGHAI, CHROME, "strange")
        arrive(colleague, strange)
        arrive(owner)
        arrive(owner, strange)
        assert len(told(owner)) == 1


class TestNotMe:
    def warned(self, owner: Actor) -> tuple[str, str, str]:
        """The tokens of the own session and of the stranger's, and of the link."""
        own, strange = arrive(owner), arrive(owner, Client(SHANGHAI, CHROME, "strange"))
        found = TOKEN.search(mails()[-1].body)
        assert found
        assert told(owner)[0].path == f"/not-me?token={found[1]}"
        return own, strange, found[1]

    def disown(self, token: str) -> None:
        with transaction() as session:
            arrivals.disown(session, token)

    def test_it_ends_every_session_and_blocks_until_an_administrator_helps(self, database: str, owner: Actor, administrator: Actor) -> None:
        own, strange, link = self.warned(owner)
        self.disown(link)
        assert (find(own), find(strange)) == (None, None)
        with transaction() as session:
            assert sign_in.claim_attempt(session, owner.username) is None
        with pytest.raises(NoResultFound):
            arrive(owner)
        assert len(factories.log_of("user_account", owner.id, action="account_blocked")) == 1
        assert factories.log_of("user_account", owner.id, field="blocked_at")
        (notice,) = told(administrator)
        assert "销售丙" in notice.sentence
        assert told(owner)[0].title != notice.title

        with transaction(administrator) as session:
            hashed = passwords.hash_password("One-time-pass-1")
            passwords.reset_password(session, administrator, owner.id or 0, password_hash=hashed)
        with transaction() as session:
            assert sign_in.claim_attempt(session, owner.username)
        assert find(arrive(owner))

    def test_the_strangers_device_and_place_are_new_again_and_no_device_is_trusted(
        self, database: str, owner: Actor, set_clock: Clock
    ) -> None:
        set_clock(START)
        arrive(owner)
        with transaction() as session:
            session.execute(select(KnownDevice)).scalar_one().trusted_until = START + timedelta(days=30)
        set_clock(START + timedelta(hours=1))
        _own, _strange, link = self.warned(owner)
        self.disown(link)
        with reading() as session:
            (device,) = session.execute(select(KnownDevice)).scalars()
            (place,) = session.execute(select(KnownPlace)).scalars()
        assert (device.first_seen_at, device.trusted_until, place.city) == (START, None, "中国 浙江省 杭州市")

    def test_a_link_is_good_once_and_for_seven_days(self, database: str, owner: Actor, set_clock: Clock) -> None:
        set_clock(START)
        _own, _strange, first = self.warned(owner)
        set_clock(START + timedelta(days=7))
        with pytest.raises(NotFound):
            self.disown(first)
        arrive(owner, Client("8.8.8.8", CHROME, "third"))
        found = TOKEN.search(mails()[-1].body)
        assert found
        self.disown(found[1])
        with pytest.raises(NotFound):
            self.disown(found[1])
        assert len(factories.log_of("user_account", owner.id, action="account_blocked")) == 1

    @pytest.mark.parametrize("token", ["", "x", "\x00", "' OR 1=1 --", "a" * 5000])
    def test_an_unknown_link_does_nothing(self, database: str, owner: Actor, token: str) -> None:
        own = arrive(owner)
        with pytest.raises(NotFound):
            self.disown(token)
        assert find(own)

    def test_a_link_for_another_purpose_does_nothing(self, database: str, owner: Actor) -> None:
        _own, _strange, link = self.warned(owner)
        with transaction() as session:
            session.execute(select(AccountLink)).scalar_one().purpose = "password"
        with pytest.raises(NotFound):
            self.disown(link)


class TestSessions:
    def test_one_can_be_ended_and_all_others(self, database: str, owner: Actor) -> None:
        here, there, elsewhere = (arrive(owner, Client(HANGZHOU, CHROME, name)) for name in ("here", "there", "elsewhere"))
        me, other = find(here), find(there)
        assert me
        assert other
        with transaction(me) as session:
            sessions.end_session(session, me, me.id or 0, other.session_id or 0)
        assert [bool(find(token)) for token in (here, there, elsewhere)] == [True, False, True]
        with transaction(me) as session:
            sessions.end_other_sessions(session, me, me.id or 0)
        assert [bool(find(token)) for token in (here, there, elsewhere)] == [True, False, False]
        assert len(factories.log_of("user_account", me.id, action="session_ended")) == 2

    def test_an_administrator_ends_anybodys_and_nobody_else_does(
        self, database: str, owner: Actor, administrator: Actor, manager: Actor
    ) -> None:
        token = arrive(owner)
        for verb in (sessions.list_sessions, sessions.end_other_sessions):
            with pytest.raises(NotAllowed), transaction(manager) as session:
                verb(session, manager, owner.id or 0)
        theirs = find(token)
        assert theirs
        with pytest.raises(NotAllowed), transaction(manager) as session:
            sessions.end_session(session, manager, owner.id or 0, theirs.session_id or 0)
        with transaction(manager) as session:  # under one's own name somebody else's is not found
            sessions.end_session(session, manager, manager.id or 0, theirs.session_id or 0)
        assert find(token)
        with transaction(administrator) as session:
            sessions.end_session(session, administrator, owner.id or 0, theirs.session_id or 0)
        assert find(token) is None

    def test_the_limits_are_settings(self, database: str, owner: Actor, set_clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CRM_SESSION_IDLE_HOURS", "1")
        monkeypatch.setenv("CRM_SESSION_DAYS", "1")
        config.settings.cache_clear()
        set_clock(START)
        token = arrive(owner)
        for moment, is_alive in ((START + timedelta(minutes=59), True), (START + timedelta(minutes=61), False)):
            set_clock(moment)
            assert bool(find(token)) is is_alive
        with reading(owner) as session:
            assert sessions.list_sessions(session, owner, owner.id or 0) == []

    def test_what_has_expired_is_removed_and_nothing_else(self, database: str, owner: Actor, set_clock: Clock) -> None:
        kept = (UserSession, SignInTicket, AccountLink, SignInFailure)
        set_clock(START)
        arrive(owner)
        arrive(owner, Client(SHANGHAI, CHROME, "home"))
        with transaction() as session:
            sign_in.open_session(session, owner.username, client=HOME)
            session.add(SignInFailure(key="x", count=1, last_at=START))
        for later, expected in (
            (timedelta(seconds=59), [3, 1, 1, 1]),
            (timedelta(hours=11), [3, 0, 1, 1]),
            (timedelta(hours=13), [0, 0, 1, 1]),
            (timedelta(days=8), [0, 0, 0, 0]),
        ):
            set_clock(START + later)
            with transaction() as session:
                cleanup.remove_expired(session)
            assert [count(model) for model in kept] == expected
        assert count(Notice) == 1
