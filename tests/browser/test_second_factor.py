"""Signing in with more than a password, in a real browser: the forced change, the app, the recovery code, the trusted browser."""

import re
import time

import pyotp
from playwright.sync_api import expect

from tests.browser.conftest import Server
from tests.browser.desk import PASSWORD, Desk, zh

OWN_PASSWORD = "Better#2026"


def enter_code(desk: Desk, code: str) -> None:
    desk.sees(zh("Enter the code that your app shows now, or one of your recovery codes."))
    desk.field("Code").fill(code)
    desk.page.locator('[data-testid="stFormSubmitButton"] button').click()


def begin_sign_in(desk: Desk) -> None:
    desk.page.context.clear_cookies(name="kemai_session")
    desk.go("/customers")
    desk.field("Account").fill("zhoumin")
    desk.field("Password").fill(PASSWORD)
    desk.page.locator('[data-testid="stFormSubmitButton"] button').click()
    desk.settle()


def is_in(desk: Desk) -> None:
    desk.page.wait_for_selector(".st-key-navigation", timeout=30_000)
    desk.settle()


def set_up_factor(desk: Desk) -> tuple[pyotp.TOTP, list[str]]:
    """Enrol an app in the personal settings; the app and the recovery codes."""
    desk.go("/settings")
    desk.page.get_by_role("tab", name=zh("Two-step verification")).click()
    desk.settle()
    desk.click("Set up", exact=False)
    expect(desk.page.locator('[data-testid="stImage"] img')).to_have_js_property("complete", True)
    app = pyotp.TOTP(desk.page.locator('[data-testid="stCode"]').inner_text().replace(" ", "").strip())
    desk.field("Code that the app shows").fill(app.now())
    desk.page.locator('[data-testid="stFormSubmitButton"] button').click()
    desk.sees(zh("I have kept them"))
    codes = desk.page.locator('[data-testid="stCode"]').inner_text().split()
    desk.click("I have kept them", exact=False)
    return app, codes


def next_code(app: pyotp.TOTP) -> str:
    """The code after the present one, which is used up; the drift of one step allows it at once."""
    return app.at(int(time.time()) + 30)


def test_the_app_and_a_recovery_code_sign_in_and_a_trusted_browser_is_not_asked(server: Server, desk: Desk, second_desk: Desk) -> None:
    desk.begin(server.employ())
    app, codes = set_up_factor(desk)
    assert len(codes) == 10

    begin_sign_in(desk)
    enter_code(desk, "000000")
    desk.sees(zh("This code does not let you in. Enter the one your app shows now; after five failures wait some minutes."))
    desk.page.get_by_text(zh("Trust this browser for {days} days").format(days=30)).click()
    enter_code(desk, next_code(app))
    is_in(desk)
    begin_sign_in(desk)
    is_in(desk)

    begin_sign_in(second_desk)
    enter_code(second_desk, codes[0])
    is_in(second_desk)
    begin_sign_in(second_desk)
    enter_code(second_desk, codes[0])
    second_desk.sees(zh("This code does not let you in. Enter the one your app shows now; after five failures wait some minutes."))
    second_desk.page.reload()
    second_desk.settle()
    expect(second_desk.field("Password")).to_be_visible()
    assert desk.foreign == []
    assert desk.complaints == []


def test_a_one_time_password_has_to_be_replaced_before_anything_else(server: Server, desk: Desk, second_desk: Desk) -> None:
    desk.begin(server.employ())
    desk.go("/users")
    desk.click("Add account", exact=False)
    desk.type("Account", "linxiaolan")
    desk.type("Full name", "林晓岚")
    desk.choose("Role", zh("Sales"))
    desk.click("Create account", exact=False)
    account, password = desk.page.get_by_role("dialog").locator('[data-testid="stCode"]').inner_text().split()
    second_desk.go("/customers").sign_in(account, password)
    second_desk.page.wait_for_url(re.compile("settings"))
    second_desk.go("/customers")
    second_desk.page.wait_for_url(re.compile("settings"))
    second_desk.field("Present password").fill(password)
    second_desk.field("New password").fill(OWN_PASSWORD)
    second_desk.field("New password once more").fill(OWN_PASSWORD)
    second_desk.click("Change password", exact=False)
    second_desk.sees(zh("The password was changed. Other sessions of your account have ended."))
    second_desk.go("/customers")
    second_desk.page.wait_for_url(re.compile("customers"))
