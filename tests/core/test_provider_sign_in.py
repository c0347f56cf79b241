"""What the provider says of somebody: how fresh, how sure, whose account."""

from datetime import timedelta
from typing import Any

import pytest

from crm_core import clock, config
from crm_core.clients import Client
from crm_core.db import reading, transaction
from crm_core.errors import SignInRefused
from crm_core.models import User
from crm_core.permissions import SYSTEM
from crm_core.services import provider_sign_in, sign_in
from tests import factories

MAILBOX = "chen@hengyuan.example"


def claims(**over: Any) -> dict[str, Any]:
    """What a provider says of a person a moment ago."""
    said = {"iss": "https://id.example", "sub": "1", "nonce": "n1", "iat": int(clock.now().timestamp()), "email": MAILBOX}
    return said | {"email_verified": True} | over


def sign_in_as(browser: str = "b", **over: Any) -> tuple[str, str] | None:
    identity = provider_sign_in.identity_of(claims(**over))
    assert identity
    with transaction() as session:
        return provider_sign_in.open_session(session, identity, client=Client(browser=browser))


def make_account(email: str, **values: Any) -> str:
    actor = factories.make_user()
    with transaction(SYSTEM) as session:
        user = session.get_one(User, actor.id)
        user.email = email
        for name, value in values.items():
            setattr(user, name, value)
    return actor.username


@pytest.mark.parametrize(("age", "is_fresh"), [(0, True), (299, True), (301, False), (-60, True), (-200, False), (10**9, False)])
def test_what_the_provider_said_is_good_for_five_minutes(age: int, is_fresh: bool) -> None:
    issued_at = int((clock.now() - timedelta(seconds=age)).timestamp())
    assert (provider_sign_in.identity_of(claims(iat=issued_at)) is not None) is is_fresh


def test_without_a_time_it_is_never_fresh() -> None:
    assert provider_sign_in.identity_of(claims(iat=None)) is None


@pytest.mark.parametrize("over", [{"email_verified": value} for value in (False, None, "true", 1)] + [{"email": ""}, {"email": None}])
def test_only_a_verified_mailbox_counts(over: dict[str, Any]) -> None:
    with pytest.raises(SignInRefused):
        provider_sign_in.identity_of(claims(**over))


def test_the_mailbox_finds_its_account_whatever_the_case_and_once(database: str) -> None:
    account = make_account("Chen@Hengyuan.example")
    said_at = int(clock.now().timestamp())
    begun = sign_in_as(iat=said_at)
    assert begun
    assert begun[1] == account
    with transaction() as session:
        assert sign_in.redeem_ticket(session, begun[0], browser="b")
    assert sign_in_as(iat=said_at) is None
    assert sign_in_as(iat=said_at, nonce="n2")


def test_the_mark_of_a_used_identity_is_no_ticket(database: str) -> None:
    make_account(MAILBOX)
    said_at = int(clock.now().timestamp())
    identity = provider_sign_in.identity_of(claims(iat=said_at))
    assert identity
    assert sign_in_as(iat=said_at)
    with transaction() as session:
        assert sign_in.redeem_ticket(session, identity.proof) is None


@pytest.mark.parametrize("others", [[], [{"is_active": False}], [{}, {}], [{"blocked_at": factories.LONG_AGO}]])
def test_no_closed_or_several_accounts_let_nobody_in(database: str, others: list[dict[str, Any]]) -> None:
    for values in others:
        make_account(MAILBOX, **values)
    with pytest.raises(SignInRefused):
        sign_in_as()


@pytest.mark.parametrize(("role", "there", "is_new"), [("viewer", False, True), ("", False, False), ("viewer", True, False)])
def test_new_people_get_an_account_only_where_asked_and_unknown(
    sqlite_database: str, monkeypatch: pytest.MonkeyPatch, role: str, there: bool, is_new: bool
) -> None:
    monkeypatch.setenv("CRM_OIDC_AUTO_CREATE", role)
    config.settings.cache_clear()
    if there:
        make_account(MAILBOX, is_active=False)
    identity = provider_sign_in.identity_of(claims())
    assert identity
    with reading() as session:
        assert provider_sign_in.needs_account(session, identity) is is_new


@pytest.mark.parametrize(
    ("wish", "made"), [("chen", "chen"), ("ch", "userch"), ("陈", "user"), ("Chen.Li+x", "chen.lix"), ("taken", "taken2")]
)
def test_a_new_account_is_called_as_the_provider_calls_it(database: str, monkeypatch: pytest.MonkeyPatch, wish: str, made: str) -> None:
    monkeypatch.setenv("CRM_OIDC_AUTO_CREATE", "viewer")
    config.settings.cache_clear()
    factories.make_user(username="taken")
    identity = provider_sign_in.identity_of(claims(preferred_username=wish, name="陈" * 70))
    assert identity
    with transaction() as session:
        provider_sign_in.create_account(session, identity, password_hash="x")
    begun = sign_in_as(nonce="later")
    assert begun
    assert begun[1] == made


def test_a_role_that_does_not_exist_makes_no_account(sqlite_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_OIDC_AUTO_CREATE", "nothing")
    config.settings.cache_clear()
    identity = provider_sign_in.identity_of(claims())
    assert identity
    with pytest.raises(SignInRefused), transaction() as session:
        provider_sign_in.create_account(session, identity, password_hash="x")
