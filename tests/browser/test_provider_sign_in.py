"""Signing in through the company's OpenID Connect provider, from the button to the page asked for, and what it refuses."""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from joserfc.jwk import RSAKey
from playwright.sync_api import Browser, expect
from sqlalchemy import select

from crm_core import db
from crm_core.models import User
from crm_core.permissions import SYSTEM, Actor
from crm_core.schema import upgrade_database
from tests import factories
from tests.browser.conftest import Server, free_port
from tests.browser.desk import Desk
from tests.conftest import forget_settings, use_database
from tests.provider import CLIENT, CLIENT_SECRET, Provider
from ui.guard import COOKIE
from ui.provider import IDENTITY_COOKIE

LABEL = "恒远统一认证"
MAILBOX = "Chen.Liqun@hengyuan.example"


@dataclass
class Office:
    """A running server, the provider it trusts, and somebody whose account carries the mailbox that the provider knows."""

    server: Server
    provider: Provider
    clerk: Actor


@pytest.fixture(scope="module", params=["", "viewer"], ids=["known people only", "new people too"])
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder, port = tmp_path_factory.mktemp("office"), free_port()
    provider = Provider(free_port()).start()
    chosen = {"BASE_URL": f"http://127.0.0.1:{port}", "OIDC_ISSUER": provider.url, "OIDC_CLIENT_ID": CLIENT, "OIDC_LABEL": LABEL}
    chosen |= {"OIDC_CLIENT_SECRET": CLIENT_SECRET, "OIDC_AUTO_CREATE": request.param}
    with pytest.MonkeyPatch.context() as patch:
        use_database(patch, folder, "")
        upgrade_database()
        server = Server(folder, port=port, environment={f"CRM_{name}": value for name, value in chosen.items()}).start()
        yield Office(server, provider, factories.make_user(username="chenliqun", name="陈立群"))
        server.stop()
        provider.stop()
        assert "Authlib" not in server.console
        forget_settings()


@pytest.fixture
def office(running: Office) -> Office:
    provider = running.provider
    provider.person, provider.tamper, provider.state, provider.signing_key = (
        {"email": MAILBOX.lower(), "email_verified": True},
        {},
        "",
        None,
    )
    change(running.clerk, email=MAILBOX, is_active=True, blocked_at=None)
    return running


@pytest.fixture
def desk(chromium: Browser, office: Office) -> Iterator[Desk]:
    person = Desk(chromium, office.server.url)
    yield person
    person.leave()


known_people = pytest.mark.parametrize("running", [""], indirect=True, ids=["known people only"])
new_people = pytest.mark.parametrize("running", ["viewer"], indirect=True, ids=["new people too"])


def change(actor: Actor, **values: object) -> None:
    with db.transaction(SYSTEM) as session:
        user = session.get_one(User, actor.id)
        for name, value in values.items():
            setattr(user, name, value)


def press(desk: Desk, path: str = "/customers") -> None:
    desk.go(path)
    desk.click(f"使用 {LABEL} 登录")
    desk.page.wait_for_load_state()
    desk.settle()


def is_inside(desk: Desk) -> bool:
    return any(cookie["name"] == COOKIE for cookie in desk.context.cookies())


def is_refused(desk: Desk) -> bool:
    """Whether the page says whom to ask, and nobody is signed in."""
    press(desk)
    expect(desk.page.locator('[data-testid="stAlert"]').get_by_text("管理员")).to_be_visible()
    return not is_inside(desk)


@known_people
def test_a_verified_mailbox_opens_the_account_at_the_page_asked_for_and_leaving_leaves_both(office: Office, desk: Desk) -> None:
    press(desk, "/customers?q=%E6%81%92%E8%BF%9C")
    desk.page.wait_for_selector(".st-key-navigation")
    assert urlsplit(desk.page.url).path == "/customers"
    assert "q=" in desk.page.url
    assert [line.new for line in factories.log_of("user_account", office.clerk.id, action="signed_in_by_provider")] == [LABEL]
    cookies = {cookie["name"]: cookie for cookie in desk.context.cookies()}
    assert all(cookies[name]["httpOnly"] for name in (COOKIE, IDENTITY_COOKIE))

    desk.context.clear_cookies(name=COOKIE)
    desk.go("/customers")
    expect(desk.page.get_by_text(LABEL)).to_be_visible()
    assert not is_inside(desk), "what the provider said lets nobody in a second time"

    press(desk)
    assert is_inside(desk)
    desk.page.goto(f"{desk.url}/auth/leave")
    desk.settle()
    assert {COOKIE, IDENTITY_COOKIE} & {cookie["name"] for cookie in desk.context.cookies()} == set()
    assert office.provider.ended == [CLIENT]


@known_people
def test_an_unknown_mailbox_is_told_whom_to_ask(office: Office, desk: Desk) -> None:
    office.provider.person["email"] = "somebody@new.example"
    assert is_refused(desk)


@new_people
@pytest.mark.parametrize("state", [{"is_active": False}, {"blocked_at": factories.LONG_AGO}], ids=["disabled", "blocked"])
def test_a_closed_account_stays_closed_and_gets_no_second_one(office: Office, desk: Desk, state: dict[str, object]) -> None:
    change(office.clerk, **state)
    assert is_refused(desk)


@new_people
def test_a_new_person_gets_an_account_where_the_operator_wants_it(office: Office, desk: Desk) -> None:
    office.provider.person = {"email": "chenliqun@new.example", "email_verified": True, "name": "新同事"}
    press(desk)
    desk.page.wait_for_selector(".st-key-navigation")
    with db.reading() as session:
        made = session.execute(select(User).where(User.email == "chenliqun@new.example")).scalar_one()
    assert (made.username, made.name, made.must_change_password) == ("chenliqun2", "新同事", False)


FORGED = RSAKey.generate_key(2048, {"kid": "one"}, private=True)
TAMPERINGS = {
    "state": {"state": "another"},
    "nonce": {"tamper": {"nonce": "another"}},
    "audience": {"tamper": {"aud": "another"}},
    "issuer": {"tamper": {"iss": "https://evil.example"}},
    "expired": {"tamper": {"exp": 1}},
    "signature": {"signing_key": FORGED},
}


@known_people
@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_a_tampered_answer_of_the_provider_lets_nobody_in(office: Office, desk: Desk, tampering: str) -> None:
    for name, value in TAMPERINGS[tampering].items():
        setattr(office.provider, name, value)
    press(desk)
    expect(desk.field("Account")).to_be_visible()
    assert {COOKIE, IDENTITY_COOKIE} & {cookie["name"] for cookie in desk.context.cookies()} == set()


@known_people
def test_an_identity_cookie_from_elsewhere_opens_nothing(office: Office, desk: Desk) -> None:
    desk.context.add_cookies([{"name": IDENTITY_COOKIE, "value": "forged", "url": office.server.url}])
    desk.go("/customers")
    expect(desk.field("Account")).to_be_visible()
    assert not is_inside(desk)
