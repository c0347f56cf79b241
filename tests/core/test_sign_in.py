"""Signing in and out: lockout, tickets, sessions and their limits, and the first administrator."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from sqlalchemy import select, update

from crm_core import db
from crm_core.config import settings
from crm_core.db import reading, transaction
from crm_core.errors import SignInRefused
from crm_core.models import SignInTicket, User, UserSession
from crm_core.permissions import Actor
from crm_core.services import sign_in
from crm_core.services.passwords import hash_password
from crm_core.services.users import has_users
from tests import factories
from tests.core.sentences import is_sentence

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
Clock = Callable[[datetime], None]


def fail(username: str, times: int = 1) -> None:
    for _time in range(times):
        with transaction() as session:
            sign_in.claim_attempt(session, username)


def may_try(username: str) -> bool:
    with reading() as session:
        user = session.execute(select(User).where(User.username == username.strip().lower())).scalar_one()
        return user.is_active and not user.is_locked()


def open_session(actor: Actor) -> str:
    """Sign in and return the session token."""
    with transaction() as session:
        ticket = sign_in.open_session(session, actor.username)
    with transaction() as session:
        token = sign_in.redeem_ticket(session, ticket)
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

    def test_the_refusal_tells_how_long_but_not_whether_an_account_exists(self, database: str, sales: Actor, set_clock: Clock) -> None:
        set_clock(START)
        with transaction() as session:
            known, unknown = (str(sign_in.refuse(session, name)) for name in (sales.username, "nobody"))
        assert known == unknown
        fail(sales.username, 6)
        fail("nobody", 6)
        fail(sales.username, 1)
        with transaction() as session:
            locked = str(sign_in.refuse(session, sales.username))
        assert is_sentence(locked)
        assert locked != known

    @pytest.mark.parametrize("username", ["nobody", "", "\x00", "\ud800", "' OR 1=1 --", "x" * 5000])
    def test_whatever_is_typed_as_account_is_refused_quietly(self, database: str, sales: Actor, username: str) -> None:
        with transaction() as session:
            assert sign_in.claim_attempt(session, username) is None
        fail(username)
        with transaction() as session:
            assert is_sentence(str(sign_in.refuse(session, username)))

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
            from crm_core.models import User

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
