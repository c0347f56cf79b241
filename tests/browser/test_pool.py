"""The pool in a real browser: a salesperson releases a customer, another one claims it, a manager hands it back."""

import pytest
from playwright.sync_api import expect

from crm_core import db
from crm_core.services import customers
from tests import factories
from tests.browser.conftest import Server
from tests.browser.desk import Desk, zh
from tests.conftest import forget_settings


def test_a_customer_is_released_claimed_by_another_and_handed_back(
    server: Server, desk: Desk, second_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_DATA_DIR", str(server.folder))
    forget_settings()
    administrator = factories.make_user(role="administrator", username="zhoumin", name="周敏")
    first = factories.make_user(username="linxiaolan", name="林晓岚")
    second = factories.make_user(username="chenyu", name="陈宇")
    made = factories.make_customer(first, contacts=[factories.contact_values(phone="13812345678")])

    desk.go("/")
    desk.sign_in(first.username, factories.PASSWORD)
    desk.go(f"/customer?code={made.code}")
    menu(desk, "Release into the pool")
    desk.type("Reason", "客户今年没有预算")
    desk.page.get_by_role("dialog").get_by_role("button", name=zh("Release")).click()
    desk.page.wait_for_url("**/customers**")
    desk.leave()

    second_desk.go("/")
    second_desk.sign_in(second.username, factories.PASSWORD)
    second_desk.go("/pool")
    second_desk.page.locator(".rows .name").first.click()
    card = second_desk.page.get_by_role("dialog")
    expect(card).to_contain_text("138****5678")
    expect(card).to_contain_text("客户今年没有预算")
    second_desk.page.get_by_role("dialog").get_by_role("button", name=zh("Claim")).click()
    second_desk.page.wait_for_url("**/customer?**")
    second_desk.page.get_by_role("radio", name=zh("Contacts")).click()
    second_desk.sees("13812345678")
    second_desk.page.context.clear_cookies()

    second_desk.go("/")
    second_desk.sign_in(administrator.username, factories.PASSWORD)
    second_desk.go(f"/customer?code={made.code}")
    menu(second_desk, "Transfer")
    second_desk.choose("New owner", first.name)
    second_desk.type("Reason", "客户要求原来的销售")
    second_desk.page.get_by_role("dialog").get_by_role("button", name=zh("Transfer")).click()
    second_desk.page.wait_for_url("**/receipt?**")
    second_desk.sees(f"{second.name} → {first.name}")
    expect(second_desk.page.get_by_test_id("stMetricValue").first).to_have_text("1")
    with db.reading(first) as session:
        assert customers.get_customer(session, first, made.code).owner_id == first.id
    forget_settings()


def menu(desk: Desk, entry: str) -> None:
    """Choose an entry of the menu of actions."""
    desk.click("More", exact=False)
    desk.page.get_by_role("menuitem", name=zh(entry), exact=True).click()
    desk.settle()
