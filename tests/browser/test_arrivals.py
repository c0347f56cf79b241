"""Signing in from elsewhere: the warning by mail, the link in it, and sessions that others end."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Server, free_port
from tests.browser.desk import Desk, zh
from tests.browser.test_first_day import setup_code
from tests.mailbox import MailBox

SHANGHAI = "202.96.209.5"


@pytest.fixture
def mailbox() -> Iterator[MailBox]:
    box = MailBox().open()
    yield box
    box.close()


@pytest.fixture
def server(sqlite_template: Path, tmp_path: Path, mailbox: MailBox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server that sends mail and stands behind a proxy on this host."""
    monkeypatch.delenv("CRM_DATABASE_URL", raising=False)
    port = free_port()
    environment = {**mailbox.environment, "CRM_TRUSTED_PROXIES": "127.0.0.1", "CRM_BASE_URL": f"http://127.0.0.1:{port}"}
    running = Server(tmp_path, port=port, environment=environment).prepare(sqlite_template).start()
    yield running
    running.stop()
    assert "Traceback" not in running.console, running.console


def at_sign_in(desk: Desk) -> None:
    expect(desk.page.locator("input[type=password]")).to_be_visible(timeout=20_000)


def mail_in(mailbox: MailBox) -> str:
    end = time.monotonic() + 30
    while not mailbox.mails:
        assert time.monotonic() < end, "no mail came"
        time.sleep(0.1)
    return mailbox.mails[0].get_content()


def choose_mailbox(server: Server, address: str) -> None:
    import sqlite3

    with sqlite3.connect(server.folder / "crm.db") as connection:
        connection.execute("UPDATE user_account SET alert_email = ?", (address,))


def test_a_sign_in_from_another_city_is_told_by_mail_and_its_link_blocks_the_account(
    server: Server, mailbox: MailBox, desk: Desk, second_desk: Desk, chromium: Browser
) -> None:
    desk.go("/").set_up(setup_code(server))
    choose_mailbox(server, "zhoumin@example.com")
    second_desk.context.set_extra_http_headers({"X-Forwarded-For": f"8.8.8.8, {SHANGHAI}"})
    second_desk.go("/customers").sign_in()
    mail = mail_in(mailbox)
    assert "上海市" in mail
    assert SHANGHAI in mail
    desk.go("/customers")
    expect(desk.page.locator(".st-key-header_tools .bell")).to_contain_text("1")
    link = re.search(r"http\S+", mail)
    assert link
    third = Desk(chromium, server.url)
    third.go(link[0].removeprefix(server.url))
    desk.go("/customers")
    desk.sees(zh("Customer list"))
    third.click("Block my account")
    third.sees(zh("The account is blocked and all its sessions have ended. An administrator will give you a new one-time password."))
    third.leave()
    for one in (desk, second_desk):
        one.page.reload()
        at_sign_in(one)
    desk.field("Account").fill("zhoumin")
    desk.field("Password").fill("Kemai#2026")
    desk.page.locator('[data-testid="stFormSubmitButton"] button').click()
    expect(desk.page.get_by_test_id("stAlert")).to_be_visible(timeout=20_000)
    at_sign_in(desk)
    assert desk.foreign == second_desk.foreign == third.foreign == []


def test_a_session_that_another_browser_ends_is_at_the_sign_in_form_with_its_next_action(
    server: Server, desk: Desk, second_desk: Desk
) -> None:
    desk.go("/").set_up(setup_code(server))
    second_desk.go("/customers").sign_in()
    desk.go("/settings")
    desk.page.get_by_role("tab", name=zh("Devices")).click()
    desk.settle()
    desk.sees("Chrome · Linux")
    desk.click("End session")
    second_desk.page.get_by_role("link", name=zh("Customer intake")).click()
    at_sign_in(second_desk)
    desk.page.reload()
    desk.settle()
    desk.sees(zh("Personal settings"))
