"""Signing in and out: lockout, tickets, sessions and their limits, and the first administrator."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from sqlalchemy import func, select, update

from crm_core import db
from crm_core.clients import Client
from crm_core.config import settings
from crm_core.db import reading, transaction
from crm_core.errors import SignInRefused
from crm_core.models import SignInFailure, SignInTicket, User, UserSession
from crm_core.permissions import Actor
from crm_core.services import lockout, sign_in
from crm_core.services.passwords import hash_password, reset_password
from crm_core.services.users import has_users
from tests import factories
from tests.core.sentences import is_sentence

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
Clock = Callable[[datetime], None]
HOME = Client("203.0.113.7", "", "browser at home")
ABROAD = Client("198.51.100.9", "", "another browser")


def fail(username: str, times: int = 1, client: Client = HOME) -> int:
    """Try so often with a wrong password; returns how often it was checked."""
    checked = 0
    for _time in range(times):
        with transaction() as session:
            checked += sign_in.claim_attempt(session, username, client) is not None
    return checked


def may_try(username: str, client: Client = HOME) -> bool:
    """Whether a password would be checked now; nothing is counted."""
    with reading() as session:
        user = sign_in.claim_attempt(session, username, client)
        session.rollback()
    return user is not None


def open_session(actor: Actor, client: Client = Client()) -> str:
    """Sign in and return the session token."""
    with transaction() as session:
        ticket = sign_in.open_session(session, actor.username, client=client)
    with transaction() as session:
        token = sign_in.redeem_ticket(session, ticket, browser=client.browser)
    assert token
    return token


def actor_of(token: str | None) -> Actor | None:
    with reading() as session:
        return sign_in.find_actor(session, token)


class TestLockout:
    def test_five_failures_lock_the_account_for_a_minute(self, database: str, sales: Actor, set_clock: Clock) -> None:
        set_clock(START)
        fail(sales.username, 4)
        assert may_try(sales.username)
        fail(sales.username)
        assert not may_try(sales.username)
        set_clock(START + timedelta(seconds=59))
        assert not may_try(sales.username)
        set_clock(START + timedelta(seconds=61))
        assert may_try(sales.username)

    def test_each_further_failure_locks_twice_as_long_up_to_an_hour(self, database: str, sales: Actor, set_clock: Clock) -> None:
        now, minutes = START, []
        set_clock(now)
        fail(sales.username, 4)
        for _time in range(9):
            fail(sales.username)
            locked = 0
            while not may_try(sales.username):
                now += timedelta(minutes=1)
                locked += 1
                set_clock(now)
            minutes.append(locked)
        assert minutes == [1, 2, 4, 8, 16, 32, 60, 60, 60]

    def test_attempts_during_a_lock_do_not_prolong_it(self, database: str, sales: Actor, set_clock: Clock) -> None:
        set_clock(START)
        fail(sales.username, 20)
        set_clock(START + timedelta(seconds=61))
        assert may_try(sales.username)

    def test_guesses_sent_at_once_do_not_outrun_the_count(self, database: str, sales: Actor) -> None:
        barrier = Barrier(12)

        def guess(_number: int) -> bool:
            barrier.wait()
            with transaction() as session:
                return sign_in.claim_attempt(session, sales.username) is not None

        with ThreadPoolExecutor(12) as pool:
            checked = list(pool.map(guess, range(12)))
        assert sum(checked) == 5

    def test_the_lock_survives_a_restart(self, database: str, sales: Actor) -> None:
        fail(sales.username, 5)
        db.engine().dispose()
        db.engine.cache_clear()
        assert not may_try(sales.username)

    def test_signing_in_forgets_the_failures(self, database: str, sales: Actor) -> None:
        fail(sales.username, 4)
        open_session(sales)
        fail(sales.username, 4)
        assert may_try(sales.username)

    def test_failures_of_the_day_before_are_forgotten(self, database: str, sales: Actor, set_clock: Clock) -> None:
        set_clock(START)
        fail(sales.username, 4)
        set_clock(START + timedelta(hours=25))
        assert fail(sales.username, 6) == 5

    def test_a_name_without_an_account_is_counted_and_locked_like_an_account(self, database: str, sales: Actor) -> None:
        for name in (sales.username, "nobody"):
            fail(name, 9)
        with reading() as session:
            rows = session.execute(select(SignInFailure.count, SignInFailure.locked_until).order_by(SignInFailure.count)).all()
        assert [row.count for row in rows] == [5, 5, 10]
        assert rows[0].locked_until
        assert rows[1].locked_until

    def test_a_stranger_who_locks_the_account_does_not_stop_the_owner_in_a_known_browser(self, database: str, sales: Actor) -> None:
        open_session(sales, HOME)
        fail(sales.username, 20, ABROAD)
        assert not may_try(sales.username, ABROAD)
        assert may_try(sales.username, HOME)
        open_session(sales, HOME)
        assert not may_try(sales.username, ABROAD)

    def test_a_known_browser_is_locked_for_itself(self, database: str, sales: Actor, set_clock: Clock) -> None:
        set_clock(START)
        open_session(sales, HOME)
        assert fail(sales.username, 12, HOME) == 5
        assert may_try(sales.username, ABROAD)
        set_clock(START + timedelta(seconds=61))
        assert may_try(sales.username, HOME)

    def test_a_browser_known_for_one_account_is_a_stranger_to_another(self, database: str, sales: Actor, colleague: Actor) -> None:
        open_session(colleague, HOME)
        fail(sales.username, 20, ABROAD)
        assert not may_try(sales.username, HOME)

    def test_an_address_that_tries_many_names_is_locked_for_every_name(self, database: str, sales: Actor, set_clock: Clock) -> None:
        set_clock(START)
        for number in range(50):
            fail(f"name{number}", 1, ABROAD)
        assert not may_try(sales.username, ABROAD)
        assert may_try(sales.username, HOME)
        set_clock(START + timedelta(seconds=61))
        assert may_try(sales.username, ABROAD)

    def test_signing_in_oneself_does_not_clear_the_address(self, database: str, sales: Actor, colleague: Actor) -> None:
        for number in range(49):
            fail(f"name{number}", 1, ABROAD)
        fail(colleague.username, 1, ABROAD)
        open_session(colleague, ABROAD)
        fail("one more", 1, ABROAD)
        assert not may_try(sales.username, ABROAD)

    @pytest.mark.parametrize(
        ("first", "second", "is_one"),
        [
            ("2001:db8::1", "2001:db8::ffff:2", True),
            ("2001:db8::1", "2001:db8:0:1::1", False),
            ("::ffff:203.0.113.5", "203.0.113.5", True),
            ("203.0.113.5", "203.0.113.6", False),
        ],
    )
    def test_a_network_of_version_six_counts_as_one_address(self, sqlite_database: str, first: str, second: str, is_one: bool) -> None:
        with transaction() as session:
            for number in range(50):
                sign_in.claim_attempt(session, f"name{number}", Client(first))
            sign_in.claim_attempt(session, "last", Client(second))
            counts = session.execute(select(func.max(SignInFailure.count))).scalar_one()
            rows = session.execute(select(func.count(SignInFailure.key))).scalar_one()
        assert counts == 50
        assert rows == 52 if is_one else 53

    def test_the_refusal_is_one_sentence_that_names_no_account(self, database: str) -> None:
        assert is_sentence(str(sign_in.refusal()))

    def test_what_was_typed_as_account_is_not_kept(self, sqlite_database: str) -> None:
        fail("My-secret-password-1", 3)
        db.engine().dispose()
        assert b"secret-password" not in (settings().data_dir / "crm.db").read_bytes().lower()

    def test_an_administrator_sees_who_is_locked_and_lifts_it_with_a_new_password(
        self, database: str, administrator: Actor, sales: Actor
    ) -> None:
        open_session(sales, HOME)
        fail(sales.username, 6, HOME)
        fail(sales.username, 6, ABROAD)
        names = [administrator.username, sales.username]
        with reading() as session:
            assert lockout.locked_accounts(session, administrator, names) == {sales.username}
        with transaction(administrator) as session:
            reset_password(session, administrator, sales.id or 0, password_hash=hash_password(factories.PASSWORD))
        with reading() as session:
            assert lockout.locked_accounts(session, administrator, names) == set()
        assert may_try(sales.username, HOME)
        assert may_try(sales.username, ABROAD)

    def test_a_blocked_account_is_not_checked_until_it_has_a_new_password(self, database: str, administrator: Actor, sales: Actor) -> None:
        token = open_session(sales)
        with transaction() as session:
            session.execute(update(User).where(User.id == sales.id).values(blocked_at=START))
        assert not may_try(sales.username)
        assert actor_of(token) is None
        with transaction(administrator) as session:
            reset_password(session, administrator, sales.id or 0, password_hash=hash_password(factories.PASSWORD))
        assert may_try(sales.username)

    @pytest.mark.parametrize("username", ["nobody", "", "\x00", "\ud800", "' OR 1=1 --", "x" * 5000])
    def test_whatever_is_typed_as_account_is_refused_quietly(self, database: str, sales: Actor, username: str) -> None:
        with transaction() as session:
            assert sign_in.claim_attempt(session, username) is None
        assert fail(username) == 0

    def test_an_account_is_found_whatever_its_case(self, database: str, sales: Actor) -> None:
        assert may_try(f" {sales.username.upper()} ")


class TestTickets:
    def test_a_ticket_is_good_once(self, database: str, sales: Actor) -> None:
        with transaction() as session:
            ticket = sign_in.open_session(session, sales.username)
        with transaction() as session:
            token = sign_in.redeem_ticket(session, ticket)
        with transaction() as session:
            assert sign_in.redeem_ticket(session, ticket) is None
        found = actor_of(token)
        assert found is not None
        assert (found.id, found.username) == (sales.id, sales.username)

    def test_a_ticket_is_good_for_a_minute(self, database: str, sales: Actor, set_clock: Clock) -> None:
        set_clock(START)
        with transaction() as session:
            ticket = sign_in.open_session(session, sales.username)
        set_clock(START + timedelta(seconds=61))
        with transaction() as session:
            assert sign_in.redeem_ticket(session, ticket) is None
            sign_in.open_session(session, sales.username)
            assert session.query(SignInTicket).count() == 1

    @pytest.mark.parametrize("ticket", ["", "x", "\x00", "' OR 1=1 --"])
    def test_an_unknown_ticket_opens_nothing(self, database: str, sales: Actor, ticket: str) -> None:
        open_session(sales)
        with transaction() as session:
            assert sign_in.redeem_ticket(session, ticket) is None

    def test_neither_token_nor_ticket_can_be_read_in_the_database(self, sqlite_database: str, sales: Actor) -> None:
        with transaction() as session:
            ticket = sign_in.open_session(session, sales.username)
        with transaction() as session:
            token = sign_in.redeem_ticket(session, ticket) or ""
            unredeemed = sign_in.open_session(session, sales.username)
        db.engine().dispose()
        content = (settings().data_dir / "crm.db").read_bytes()
        assert not any(secret.encode() in content for secret in (ticket, token, unredeemed))


class TestSessions:
    def test_signing_out_ends_the_session_on_the_server(self, database: str, sales: Actor) -> None:
        token, other = open_session(sales), open_session(sales)
        with transaction() as session:
            sign_in.close_session(session, token)
        assert actor_of(token) is None
        assert actor_of(other) is not None

    @pytest.mark.parametrize("token", [None, "", "x", "\x00", "x" * 10_000])
    def test_an_unknown_token_is_nobody(self, database: str, sales: Actor, token: str | None) -> None:
        open_session(sales)
        assert actor_of(token) is None

    def test_a_session_idles_out_unless_it_is_used(self, database: str, sales: Actor, set_clock: Clock) -> None:
        set_clock(START)
        token = open_session(sales)
        set_clock(START + timedelta(hours=11, minutes=59))
        used = actor_of(token)
        assert used is not None
        with transaction() as session:
            assert sign_in.is_use_stale(used)
            sign_in.note_use(session, used.session_id or 0)
        again = actor_of(token)
        assert again is not None
        assert not sign_in.is_use_stale(again)
        set_clock(START + timedelta(hours=23))
        assert actor_of(token) is not None
        set_clock(START + timedelta(hours=25))
        assert actor_of(token) is None

    def test_a_session_ends_after_seven_days_however_much_it_is_used(self, database: str, sales: Actor, set_clock: Clock) -> None:
        set_clock(START)
        token = open_session(sales)
        set_clock(START + timedelta(days=6, hours=23))
        with transaction() as session:
            session.execute(update(UserSession).values(last_used_at=START + timedelta(days=6, hours=23)))
        assert actor_of(token) is not None
        set_clock(START + timedelta(days=7, minutes=1))
        with transaction() as session:
            session.execute(update(UserSession).values(last_used_at=START + timedelta(days=7)))
        assert actor_of(token) is None

    def test_sessions_survive_a_restart(self, database: str, sales: Actor) -> None:
        token = open_session(sales)
        db.engine().dispose()
        db.engine.cache_clear()
        assert actor_of(token) is not None

    def test_the_team_of_a_manager_comes_with_the_session(self, database: str, manager: Actor, sales: Actor, teams: dict[str, int]) -> None:
        found = actor_of(open_session(manager))
        assert found is not None
        assert found.team_ids == {teams["east"], teams["below"]}

    def test_a_disabled_account_cannot_begin_one(self, database: str) -> None:
        disabled = factories.make_user()
        with transaction() as session:
            session.execute(update(User).where(User.id == disabled.id).values(is_active=False))
        assert not may_try(disabled.username)


class TestFirstAdministrator:
    def set_up(self, code: str, **over: str) -> None:
        values = {"username": "admin", "name": "管理员", "password_hash": hash_password(factories.PASSWORD), "language": "zh_CN"} | over
        with transaction() as session:
            sign_in.set_up(session, code=code, **values)

    def test_the_code_of_the_console_makes_the_first_administrator(self, database: str) -> None:
        code = sign_in.setup_code()
        assert code == sign_in.setup_code()
        assert oct(os.stat(settings().setup_code_file).st_mode & 0o777) == "0o600"
        self.set_up(f" {code.lower()} ")
        with reading() as session:
            assert has_users(session)
            user = session.execute(select(User).where(User.username == "admin")).scalar_one()
        assert user is not None
        assert not user.must_change_password
        assert len(factories.log_of("user_account", user.id, action="created")) == 1

    def test_it_works_once(self, database: str) -> None:
        self.set_up(sign_in.setup_code())
        with pytest.raises(SignInRefused) as refusal:
            self.set_up(sign_in.setup_code(), username="second")
        assert is_sentence(str(refusal.value))

    @pytest.mark.parametrize("code", ["", "AAAA-BBBB-CCCC", "错误的代码", "\x00"])
    def test_a_wrong_code_is_refused(self, database: str, code: str) -> None:
        sign_in.setup_code()
        with pytest.raises(SignInRefused) as refusal:
            self.set_up(code)
        assert is_sentence(str(refusal.value))
        with reading() as session:
            assert not has_users(session)
