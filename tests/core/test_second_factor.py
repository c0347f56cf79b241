"""The second factor: codes with drift and without replay, recovery codes, trust in a browser, and who may end it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from sqlalchemy import select, update

from crm_core import config
from crm_core.clients import Client
from crm_core.db import reading, transaction
from crm_core.errors import CrmError, IllegalTransition, NotAllowed, SignInRefused, ValidationFailed
from crm_core.models import KnownDevice, RecoveryCode, Role, User, UserSession
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import lockout, passwords, second_factor, sign_in
from crm_core.services.sign_in import Proof
from tests import factories
from tests.core.sentences import is_sentence
from tests.core.test_concurrency import at_once

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
STEP = timedelta(seconds=30)
HOME = Client("203.0.113.7", "", "browser at home")
OTHER = Client("203.0.113.7", "", "another browser")
Clock = Callable[[datetime], None]


@pytest.fixture
def app(database: str, sales: Actor, set_clock: Clock) -> pyotp.TOTP:
    """The app of the salesperson, enrolled some minutes before START, where the clock stands."""
    set_clock(START - timedelta(minutes=5))
    with transaction(sales) as session:
        app = pyotp.TOTP(second_factor.begin(session, sales))
        second_factor.confirm(session, sales, app.at(START - timedelta(minutes=5)))
    set_clock(START)
    return app


def begin(actor: Actor, client: Client = HOME) -> Proof | None:
    """Enter the right password; what is proven, or None where that was enough to sign in."""
    with transaction() as session:
        user = sign_in.claim_attempt(session, actor.username, client)
        assert user
    with transaction() as session:
        proof = Proof(user.username, user.password_hash, datetime.now(UTC) if user.totp_confirmed_at is None else START)
        return None if sign_in.accept_password(session, proof, client) else proof


def finish(proof: Proof | None, code: str, client: Client = HOME, *, is_trusted: bool = False) -> str:
    assert proof
    with transaction() as session:
        sign_in.claim_code(session, proof, client)
    with transaction() as session:
        return sign_in.accept_code(session, proof, code, client=client, is_trusted=is_trusted)


def is_let_in(actor: Actor, code: str, client: Client = HOME) -> bool:
    proof = begin(actor, client)
    try:
        return bool(finish(proof, code, client))
    except SignInRefused:
        return False


class TestCodes:
    @pytest.mark.parametrize(("steps", "is_right"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
    def test_the_clock_of_the_app_may_be_one_step_off(self, app: pyotp.TOTP, sales: Actor, steps: int, is_right: bool) -> None:
        assert is_let_in(sales, app.at(START + steps * STEP)) is is_right

    @pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "\x00", "١٢٣٤٥٦", "x" * 5000])
    def test_what_is_no_code_lets_nobody_in(self, app: pyotp.TOTP, sales: Actor, code: str) -> None:
        assert not is_let_in(sales, code)

    def test_a_wrong_code_is_told_in_a_sentence(self, app: pyotp.TOTP, sales: Actor) -> None:
        with pytest.raises(SignInRefused) as refusal:
            finish(begin(sales), "000000")
        assert is_sentence(str(refusal.value))

    def test_a_code_is_taken_with_blanks_as_apps_show_it(self, app: pyotp.TOTP, sales: Actor) -> None:
        code = app.at(START)
        assert is_let_in(sales, f" {code[:3]} {code[3:]} ")

    def test_a_code_is_taken_once(self, app: pyotp.TOTP, sales: Actor) -> None:
        assert is_let_in(sales, app.at(START))
        assert not is_let_in(sales, app.at(START), OTHER)

    def test_after_a_later_code_an_earlier_one_is_taken_no_more(self, app: pyotp.TOTP, sales: Actor) -> None:
        assert is_let_in(sales, app.at(START + STEP))
        assert not is_let_in(sales, app.at(START))
        assert not is_let_in(sales, app.at(START - STEP))

    def test_of_two_browsers_with_one_code_at_once_one_is_let_in(self, app: pyotp.TOTP, sales: Actor) -> None:
        proofs = [(begin(sales, client), client) for client in (HOME, OTHER)]
        made = at_once([lambda proof=proof, client=client: finish(proof, app.at(START), client) for proof, client in proofs])
        assert sorted(isinstance(one, SignInRefused) for one in made) == [False, True]

    def test_the_code_that_confirmed_the_app_does_not_sign_in(self, database: str, sales: Actor, set_clock: Clock) -> None:
        set_clock(START)
        with transaction(sales) as session:
            app = pyotp.TOTP(second_factor.begin(session, sales))
            second_factor.confirm(session, sales, app.at(START))
        assert not is_let_in(sales, app.at(START))


class TestBetweenTheSteps:
    def test_the_password_alone_signs_nobody_in(self, app: pyotp.TOTP, sales: Actor) -> None:
        assert begin(sales)
        with reading() as session:
            assert session.execute(select(UserSession)).first() is None
            assert session.execute(select(KnownDevice)).first() is None

    def test_without_a_second_factor_it_is_enough(self, database: str, sales: Actor) -> None:
        assert begin(sales) is None

    def test_wrong_codes_count_and_the_password_does_not_clear_them(self, app: pyotp.TOTP, sales: Actor, set_clock: Clock) -> None:
        for _turn in range(5):
            assert not is_let_in(sales, "000000")
        with transaction() as session:
            assert sign_in.claim_attempt(session, sales.username, HOME) is None
        set_clock(START + timedelta(seconds=61))
        assert is_let_in(sales, app.at(START + timedelta(seconds=61)))

    def test_the_right_password_is_no_failure(self, app: pyotp.TOTP, sales: Actor) -> None:
        for _turn in range(9):
            assert begin(sales)
        assert is_let_in(sales, app.at(START))

    def test_twelve_codes_at_once_are_checked_five_times(self, app: pyotp.TOTP, sales: Actor) -> None:
        proof = begin(sales)
        made = at_once([lambda: finish(proof, "000000")] * 12)
        assert all(isinstance(one, SignInRefused) for one in made)
        with reading() as session:
            assert lockout.locked_accounts(session, SYSTEM, [sales.username]) == {sales.username}
        with transaction() as session:
            assert sign_in.claim_attempt(session, sales.username, HOME) is None

    @pytest.mark.parametrize("change", [{"is_active": False}, {"blocked_at": START}, {"password_hash": "another"}])
    def test_an_account_that_changed_meanwhile_begins_again(self, app: pyotp.TOTP, sales: Actor, change: dict[str, object]) -> None:
        proof = begin(sales)
        with transaction() as session:
            session.execute(update(User).where(User.id == sales.id).values(**change))
        with pytest.raises(SignInRefused):
            finish(proof, app.at(START))

    def test_after_five_minutes_it_begins_again(self, app: pyotp.TOTP, sales: Actor, set_clock: Clock) -> None:
        proof = begin(sales)
        later = START + timedelta(minutes=5, seconds=1)
        set_clock(later)
        with pytest.raises(SignInRefused):
            finish(proof, app.at(later))


class TestRecoveryCodes:
    def renewed(self, actor: Actor, code: str) -> list[str]:
        with transaction(actor) as session:
            return second_factor.renew_codes(session, actor, code)

    def test_each_of_ten_lets_in_once(self, app: pyotp.TOTP, sales: Actor) -> None:
        codes = self.renewed(sales, app.at(START))
        assert len(set(codes)) == 10
        assert all(is_let_in(sales, code) for code in codes)
        assert not any(is_let_in(sales, code, OTHER) for code in codes[:2])
        assert len(factories.log_of("user_account", sales.id, action="recovery_code_used")) == 10

    def test_one_used_in_two_browsers_at_once_lets_one_in(self, app: pyotp.TOTP, sales: Actor) -> None:
        code = self.renewed(sales, app.at(START))[0]
        proofs = [(begin(sales, client), client) for client in (HOME, OTHER)]
        made = at_once([lambda proof=proof, client=client: finish(proof, code, client) for proof, client in proofs])
        assert sorted(isinstance(one, SignInRefused) for one in made) == [False, True]

    def test_new_ones_take_the_place_of_the_old(self, app: pyotp.TOTP, sales: Actor, set_clock: Clock) -> None:
        old = self.renewed(sales, app.at(START))
        set_clock(START + timedelta(minutes=1))
        new = self.renewed(sales, app.at(START + timedelta(minutes=1)))
        assert not is_let_in(sales, old[0])
        assert is_let_in(sales, new[0])
        with reading() as session:
            assert second_factor.count_codes(session, sales) == 9

    def test_they_are_of_their_account_only(self, app: pyotp.TOTP, sales: Actor, colleague: Actor) -> None:
        codes = self.renewed(sales, app.at(START))
        with transaction(colleague) as session:
            other = pyotp.TOTP(second_factor.begin(session, colleague))
            second_factor.confirm(session, colleague, other.at(START))
        assert not is_let_in(colleague, codes[0])

    def test_neither_they_nor_the_secret_can_be_read_in_the_database(self, sqlite_database: str, sales: Actor) -> None:
        with transaction(sales) as session:
            secret = second_factor.begin(session, sales)
            codes = second_factor.confirm(session, sales, pyotp.TOTP(secret).now())
        with reading() as session:
            assert session.execute(select(User.totp_secret).where(User.id == sales.id)).scalar_one() == secret
            hashes = session.execute(select(RecoveryCode.code_hash)).scalars().all()
        content = (config.settings().data_dir / "crm.db").read_bytes() + (config.settings().data_dir / "crm.db-wal").read_bytes()
        assert hashes[0].encode() in content
        assert secret.encode() not in content
        assert not any(code.replace("-", "").encode() in content for code in codes)


class TestTrust:
    def test_a_trusted_browser_is_not_asked_for_thirty_days(self, app: pyotp.TOTP, sales: Actor, set_clock: Clock) -> None:
        finish(begin(sales), app.at(START), is_trusted=True)
        assert begin(sales) is None
        assert begin(sales, OTHER)
        set_clock(START + timedelta(days=30, seconds=1))
        with reading() as session:
            user = session.get_one(User, sales.id)
            assert second_factor.is_asked(session, user, HOME.browser)

    def test_a_browser_that_was_not_trusted_is_asked_again(self, app: pyotp.TOTP, sales: Actor) -> None:
        finish(begin(sales), app.at(START))
        assert begin(sales)

    @pytest.mark.parametrize("how", ["change", "reset", "factor", "setting"])
    def test_trust_ends_with_another_password_and_with_the_setting(
        self, app: pyotp.TOTP, administrator: Actor, sales: Actor, how: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        finish(begin(sales), app.at(START), is_trusted=True)
        assert begin(sales) is None
        with transaction(administrator) as session:
            if how == "change":
                change = passwords.check_change(session, sales, old=factories.PASSWORD, new="New-pass-456")
                passwords.change_password(session, sales, change)
            elif how == "reset":
                passwords.reset_password(session, administrator, sales.id or 0, password_hash=passwords.hash_password("New-pass-456"))
            elif how == "factor":
                second_factor.reset(session, administrator, sales.id or 0)
                session.execute(update(User).where(User.id == sales.id).values(totp_secret="X", totp_confirmed_at=START))
        if how == "setting":
            monkeypatch.setenv("CRM_TRUST_DAYS", "0")
            config.settings.cache_clear()
        with reading() as session:
            assert second_factor.is_asked(session, session.get_one(User, sales.id), HOME.browser)


class TestEnding:
    def state_of(self, actor: Actor) -> tuple[object, ...]:
        with reading() as session:
            user = session.get_one(User, actor.id)
            return user.totp_secret, user.totp_confirmed_at, user.totp_last_step, second_factor.count_codes(session, actor)

    def test_an_administrator_resets_it_with_all_that_hangs_on_it(self, app: pyotp.TOTP, administrator: Actor, sales: Actor) -> None:
        with transaction(administrator) as session:
            second_factor.reset(session, administrator, sales.id or 0)
        assert self.state_of(sales) == (None, None, None, 0)
        assert [line.actor_id for line in factories.log_of("user_account", sales.id, action="second_factor_reset")] == [administrator.id]

    def test_nobody_else_does(self, app: pyotp.TOTP, sales: Actor, manager: Actor) -> None:
        with pytest.raises(NotAllowed), transaction(manager) as session:
            second_factor.reset(session, manager, sales.id or 0)

    def test_the_owner_switches_it_off_with_a_code(self, app: pyotp.TOTP, sales: Actor) -> None:
        with pytest.raises(ValidationFailed), transaction(sales) as session:
            second_factor.switch_off(session, sales, "000000")
        with transaction(sales) as session:
            second_factor.switch_off(session, sales, app.at(START))
        assert self.state_of(sales) == (None, None, None, 0)

    def test_not_where_the_role_requires_it(self, app: pyotp.TOTP, sales: Actor) -> None:
        with transaction(SYSTEM) as session:
            session.execute(update(Role).where(Role.code == "sales").values(needs_second_factor=True))
        with pytest.raises(IllegalTransition) as refusal, transaction(sales) as session:
            second_factor.switch_off(session, sales, app.at(START))
        assert is_sentence(str(refusal.value))
        assert self.state_of(sales)[1]

    def test_a_secret_in_force_is_not_shown_again(self, app: pyotp.TOTP, sales: Actor) -> None:
        with pytest.raises(ValidationFailed), transaction(sales) as session:
            second_factor.begin(session, sales)

    def test_a_secret_that_was_seen_before_is_not_put_in_force(self, database: str, sales: Actor) -> None:
        with transaction(sales) as session:
            seen = second_factor.begin(session, sales)
        with transaction(sales) as session:
            assert second_factor.begin(session, sales) != seen
        with pytest.raises(ValidationFailed), transaction(sales) as session:
            second_factor.confirm(session, sales, pyotp.TOTP(seen).now())

    def test_who_finds_an_open_session_guesses_five_times(self, app: pyotp.TOTP, sales: Actor) -> None:
        refused = []
        for _turn in range(7):
            try:
                with transaction(sales) as session:
                    lockout.claim_confirmation(session, sales)
            except CrmError as problem:
                refused.append(str(problem))
        assert len(refused) == 2
        assert all(map(is_sentence, refused))
        assert is_let_in(sales, app.at(START))

    def test_a_code_of_an_app_does_not_forget_wrong_passwords(self, app: pyotp.TOTP, sales: Actor) -> None:
        def guess(times: int) -> None:
            for _turn in range(times):
                with transaction(sales) as session:
                    lockout.claim_confirmation(session, sales)

        guess(5)  # the fifth is the code
        with transaction(sales) as session:
            second_factor.renew_codes(session, sales, app.at(START))
        with pytest.raises(SignInRefused):
            guess(2)


@pytest.mark.parametrize(
    ("is_required", "is_on", "must"), [(False, False, False), (False, True, False), (True, True, False), (True, False, True)]
)
def test_who_must_enrol(database: str, sales: Actor, is_required: bool, is_on: bool, must: bool) -> None:
    with transaction(SYSTEM) as session:
        session.execute(update(Role).where(Role.code == "sales").values(needs_second_factor=is_required))
        session.execute(update(User).where(User.id == sales.id).values(totp_confirmed_at=START if is_on else None))
    assert factories.actor_of(sales.id or 0).must_enrol is must
    assert factories.actor_of(sales.id or 0).is_held_up is must
