"""Accounts: creating, changing, passwords, teams and roles."""

from typing import Any

import bcrypt
import pytest
from sqlalchemy import select
from sqlalchemy import update as sql_update

from crm_core import clock, config
from crm_core.checks.passwords import check_password
from crm_core.db import reading, transaction
from crm_core.errors import NotAllowed, NotFound, ValidationFailed
from crm_core.models import Role, User
from crm_core.permissions import SYSTEM, Actor, Permission, Scope
from crm_core.services import passwords, sign_in, teams, users
from tests import factories
from tests.core.sentences import is_sentence

PASSWORD_HASH = passwords.hash_password(factories.PASSWORD)


def user_row(actor: Actor) -> User:
    with reading() as session:
        return session.execute(select(User).where(User.id == actor.id)).scalar_one()


def signed_in(actor: Actor) -> str:
    """A session token of an account."""
    with transaction() as session:
        ticket = sign_in.open_session(session, actor.username)
        token = sign_in.redeem_ticket(session, ticket)
    assert token
    return token


def is_signed_in(token: str) -> bool:
    with reading() as session:
        return sign_in.find_actor(session, token) is not None


def update(actor: Actor, user: Actor, **over: Any) -> None:
    values = {"name": user.name, "role": "sales", "team_id": None, "is_active": True} | over
    with transaction(actor) as session:
        users.update_user(session, actor, user.id or 0, **values)


def reset(actor: Actor, user: Actor) -> str:
    """The one-time password that an account was given."""
    password = passwords.random_password()
    password_hash = passwords.hash_password(password)
    with transaction(actor) as session:
        passwords.reset_password(session, actor, user.id or 0, password_hash=password_hash)
    return password


def change_password(actor: Actor, *, old: str, new: str) -> None:
    with reading() as session:
        change = passwords.check_change(session, actor, old=old, new=new)
    with transaction(actor) as session:
        passwords.change_password(session, actor, change)


class TestPasswordRule:
    @pytest.mark.parametrize("password", ["tree-1234", "Maplef1!", "密码abc#12", "p@per.h0use", "a1!m1!a1!", "a c d 1 !", "xy1!" * 18])
    def test_letters_digits_and_special_characters_from_eight_on(self, password: str) -> None:
        assert check_password(password) == password

    @pytest.mark.parametrize(
        "password", ["", "abc-123", "abcdefgh", "abcd1234", "12345678", "abcdefg!", "1234567!", "abc 1234", " abc-1234", "abc-1234 "]
    )
    def test_anything_weaker_is_refused(self, password: str) -> None:
        with pytest.raises(ValueError, match=r".") as problem:
            check_password(password)
        assert is_sentence(str(problem.value))

    @pytest.mark.parametrize(
        "password",
        [
            *(
                "Admin@123",
                "Password1!",
                "P@ssw0rd1!",
                "Aa123456!",
                "Qwer1234!",
                "1qaz@WSX",
                "!QAZ2wsx",
                "Zaq1@wsx",
                "1q2w3e4r!",
                "Abcd@1234",
            ),
            *(
                "Kemai#2026",
                "Kemai@CRM1",
                "Woaini520!",
                "Welcome@2026",
                "qwe123!@#",
                "A1!a1!a1!",
                "poiuy#2026",
                "客脉2026!!",
                "Company#2026",
            ),
        ],
    )
    def test_what_is_guessed_first_is_refused_though_it_keeps_the_rule(self, password: str) -> None:
        with pytest.raises(ValueError, match=r".") as problem:
            check_password(password)
        assert is_sentence(str(problem.value))

    def test_a_password_made_of_the_account_is_refused(self) -> None:
        assert check_password("Lin.Xiaolan-88")
        with pytest.raises(ValueError, match=r"."):
            check_password("Lin.Xiaolan-88", username="lin.xiaolan")

    def test_every_common_password_is_in_lower_case_and_once(self) -> None:
        lines = (config.REFERENCE_DIR / "common-passwords.txt").read_text(encoding="utf-8").splitlines()[2:]
        assert lines == sorted({line.strip().casefold() for line in lines})

    def test_only_a_password_that_keeps_the_rule_is_hashed(self) -> None:
        with pytest.raises(ValidationFailed) as refusal:
            passwords.hash_password("12345678")
        assert set(refusal.value.errors) == {"password"}
        assert all(map(is_sentence, refusal.value.errors["password"]))

    def test_what_bcrypt_would_cut_off_is_refused(self) -> None:
        with pytest.raises(ValueError, match=r"."):
            check_password("xy1!" * 18 + "x")
        with pytest.raises(ValueError, match=r"."):
            check_password("密" * 24 + "1!")

    def test_a_one_time_password_keeps_the_rule(self) -> None:
        made = {check_password(passwords.random_password()) for _time in range(200)}
        assert len(made) == 200


class TestAccounts:
    def test_a_new_account_is_kept_with_a_hashed_password(self, database: str, administrator: Actor) -> None:
        with transaction(administrator) as session:
            made = users.create_user(
                session, administrator, username=" Zhang.Min ", name="张敏", password_hash=PASSWORD_HASH, role="manager"
            )
        user = user_row(Actor(id=made.id, name="", permissions=frozenset()))
        assert (user.username, user.name, user.must_change_password, user.is_active) == ("zhang.min", "张敏", True, True)
        assert factories.PASSWORD not in user.password_hash
        assert bcrypt.checkpw(factories.PASSWORD.encode(), user.password_hash.encode())
        (line,) = factories.log_of("user_account", made.id, action="created")
        assert (line.actor_id, line.subject) == (administrator.id, "张敏")

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("username", "ab"),
            ("username", "张敏"),
            ("username", "a b c"),
            ("username", "-abc"),
            ("username", "a" * 41),
            ("username", "administrator"),
            ("username", "ADMINISTRATOR"),
            ("name", " "),
            ("name", "长" * 61),
            ("role", "emperor"),
        ],
    )
    def test_a_value_that_breaks_a_rule_is_refused(self, database: str, administrator: Actor, field: str, value: str) -> None:
        values = {"username": "zhang.min", "name": "张敏", "password_hash": PASSWORD_HASH, "role": "sales"} | {field: value}
        with pytest.raises(ValidationFailed) as refusal, transaction(administrator) as session:
            users.create_user(session, administrator, **values)
        assert set(refusal.value.errors) == {field}
        assert all(is_sentence(sentence, at_least=4) for sentence in refusal.value.errors[field])

    def test_a_change_of_role_team_and_name_takes_effect_and_is_logged(
        self, database: str, administrator: Actor, sales: Actor, teams: dict[str, int]
    ) -> None:
        token = signed_in(sales)
        update(administrator, sales, name="销售新", role="manager", team_id=teams["west"])
        with reading() as session:
            now = sign_in.find_actor(session, token)
        assert now is not None
        assert (now.name, now.scope, now.team_ids) == ("销售新", Scope.TEAM, {teams["west"]})
        assert now.can(Permission.CUSTOMER_DELETE)
        assert {line.field for line in factories.log_of("user_account", sales.id, action="changed")} == {"name", "role_id", "team_id"}

    def test_disabling_an_account_ends_its_sessions(self, database: str, administrator: Actor, sales: Actor) -> None:
        token = signed_in(sales)
        update(administrator, sales, is_active=False)
        assert not is_signed_in(token)
        update(administrator, sales, is_active=True)
        assert not is_signed_in(token)
        assert [line.new for line in factories.log_of("user_account", sales.id, field="is_active")] == ["False", "True"]

    @pytest.mark.parametrize("over", [{"role": "sales"}, {"role": "administrator", "is_active": False}])
    def test_the_last_administrator_remains(self, database: str, administrator: Actor, over: dict[str, Any]) -> None:
        with pytest.raises(ValidationFailed) as refusal:
            update(administrator, administrator, **over)
        assert is_sentence(refusal.value.errors["role"][0])
        assert user_row(administrator).is_active
        factories.make_user(role="administrator")
        update(administrator, administrator, **over)
        changed = user_row(administrator)
        assert (changed.is_active, factories.actor_of(changed.id).can(Permission.USER_EDIT)) != (True, True)

    @pytest.mark.parametrize("change", [{"is_active": False}, {"blocked_at": clock.now()}])
    def test_an_administrator_who_cannot_sign_in_does_not_count(self, database: str, administrator: Actor, change: dict[str, Any]) -> None:
        second = factories.make_user(role="administrator")
        with transaction(SYSTEM) as session:
            session.execute(sql_update(User).where(User.id == second.id).values(**change))
        with pytest.raises(ValidationFailed):
            update(administrator, administrator, role="sales")

    def test_an_unknown_account_is_not_found(self, database: str, administrator: Actor) -> None:
        with pytest.raises(NotFound):
            update(administrator, Actor(id=999, name="x", permissions=frozenset()))


class TestPasswords:
    def test_a_reset_gives_a_one_time_password_and_ends_all_sessions(self, database: str, administrator: Actor, sales: Actor) -> None:
        tokens = [signed_in(sales), signed_in(sales)]
        for _time in range(5):
            with transaction() as session:
                sign_in.claim_attempt(session, sales.username)
        password = reset(administrator, sales)
        user = user_row(sales)
        assert bcrypt.checkpw(password.encode(), user.password_hash.encode())
        assert user.must_change_password
        assert not any(map(is_signed_in, tokens))

    def test_every_reset_and_change_of_a_password_is_logged(self, database: str, administrator: Actor, sales: Actor) -> None:
        first, second = reset(administrator, sales), reset(administrator, sales)
        change_password(sales, old=second, new="New-pass-456")
        resets = factories.log_of("user_account", sales.id, action="password_reset")
        changes = factories.log_of("user_account", sales.id, action="password_changed")
        lines = resets + changes
        assert [line.actor_id for line in lines] == [administrator.id, administrator.id, sales.id]
        assert not any(secret in f"{line.old}{line.new}" for line in lines for secret in (first, second, "New-pass-456"))

    def test_changing_ones_own_password_ends_the_other_sessions(self, database: str, sales: Actor) -> None:
        here, elsewhere = signed_in(sales), signed_in(sales)
        with reading() as session:
            actor = sign_in.find_actor(session, here)
        assert actor is not None
        change_password(actor, old=factories.PASSWORD, new="New-pass-456")
        assert (is_signed_in(here), is_signed_in(elsewhere)) == (True, False)
        assert bcrypt.checkpw(b"New-pass-456", user_row(sales).password_hash.encode())
        assert not user_row(sales).must_change_password

    @pytest.mark.parametrize(
        ("old", "new", "field"),
        [
            ("wrong", "New-pass-456", "old"),
            (factories.PASSWORD, "weak", "new"),
            (factories.PASSWORD, factories.PASSWORD, "new"),
            ("x" * 500, "New-pass-456", "old"),
            ("a\x00b", "New-pass-456", "old"),
        ],
    )
    def test_a_wrong_weak_or_unchanged_password_is_refused(self, database: str, sales: Actor, old: str, new: str, field: str) -> None:
        token = signed_in(sales)
        with pytest.raises(ValidationFailed) as refusal:
            change_password(sales, old=old, new=new)
        assert set(refusal.value.errors) == {field}
        assert is_signed_in(token)
        assert bcrypt.checkpw(factories.PASSWORD.encode(), user_row(sales).password_hash.encode())

    def test_a_change_checked_before_a_reset_is_refused(self, database: str, administrator: Actor, sales: Actor) -> None:
        with reading() as session:
            change = passwords.check_change(session, sales, old=factories.PASSWORD, new="New-pass-456")
        reset(administrator, sales)
        kept = user_row(sales).password_hash
        with pytest.raises(ValidationFailed) as refusal, transaction(sales) as session:
            passwords.change_password(session, sales, change)
        assert set(refusal.value.errors) == {"old"}
        assert user_row(sales).password_hash == kept

    def test_no_password_hash_is_ever_logged(self, database: str, administrator: Actor, sales: Actor) -> None:
        reset(administrator, sales)
        stored = user_row(sales).password_hash
        assert all(stored not in f"{line.old}{line.new}" and line.field != "password_hash" for line in factories.log_of("user_account"))


class TestPersonalChoices:
    def test_names_follow_a_change_at_once(self, database: str, administrator: Actor, sales: Actor) -> None:
        with reading() as session:
            assert users.user_names(session)[sales.id or 0] == "销售丙"
        update(administrator, sales, name="销售新")
        with reading() as session:
            assert users.user_names(session)[sales.id or 0] == "销售新"

    def test_a_user_chooses_the_language(self, database: str, sales: Actor) -> None:
        for chosen, kept in (("en", "en"), ("xx", "zh_CN")):
            with transaction(sales) as session:
                users.set_language(session, sales, chosen)
            assert user_row(sales).language == kept

    def test_a_new_account_has_the_language_of_the_installation(self, sqlite_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CRM_LANGUAGE", "en")
        config.settings.cache_clear()
        assert factories.make_user().language == "en"


READING = {Permission.CUSTOMER_READ, Permission.DASHBOARD_READ}
SEEING_SALES = {Permission.OPPORTUNITY_READ, Permission.CONTRACT_READ}
WORKING = (
    READING
    | SEEING_SALES
    | {Permission.CUSTOMER_CREATE, Permission.CUSTOMER_EDIT, Permission.FOLLOW_UP_WRITE, Permission.POOL_CLAIM}
    | {Permission.OPPORTUNITY_WRITE, Permission.CONTRACT_WRITE, Permission.TICKET_READ, Permission.CAMPAIGN_READ, Permission.CHURN_READ}
)
ADMINISTERING = {
    Permission.LIBRARY_EDIT,
    Permission.RULE_EDIT,
    Permission.USER_EDIT,
    Permission.ROLE_EDIT,
    Permission.AUDIT_READ,
    Permission.PRODUCT_EDIT,
}
ROLES = {
    "administrator": set(Permission),
    "manager": set(Permission) - ADMINISTERING,
    "sales": WORKING,
    "service": READING | {Permission.TICKET_READ, Permission.TICKET_WRITE},
    "marketing": READING | SEEING_SALES | {Permission.CAMPAIGN_READ, Permission.CAMPAIGN_WRITE},
    "viewer": READING | SEEING_SALES | {Permission.TICKET_READ, Permission.CAMPAIGN_READ},
}


@pytest.mark.parametrize("permission", Permission)
@pytest.mark.parametrize("role", ROLES)
def test_each_role_may_do_what_its_table_says(sqlite_database: str, role: str, permission: Permission) -> None:
    with reading() as session:
        granted = session.execute(select(Role.permissions).where(Role.code == role)).scalar_one()
    assert (permission in granted) is (permission in ROLES[role])
    assert SYSTEM.can(permission)


@pytest.mark.parametrize("role", ["sales", "manager"])
def test_only_an_administrator_touches_accounts(sqlite_database: str, sales: Actor, manager: Actor, role: str) -> None:
    actor, target = {"sales": sales, "manager": manager}[role], sales.id or 0
    verbs = [
        lambda session: users.create_user(session, actor, username="abc", name="x", password_hash=PASSWORD_HASH, role="administrator"),
        lambda session: users.update_user(session, actor, target, name="x", role="administrator", team_id=None, is_active=True),
        lambda session: passwords.reset_password(session, actor, target, password_hash=PASSWORD_HASH),
        lambda session: users.list_users(session, actor),
        lambda session: teams.create_team(session, actor, name="x"),
    ]
    for verb in verbs:
        with pytest.raises(NotAllowed), transaction(actor) as session:
            verb(session)
