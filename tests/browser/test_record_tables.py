"""The tables of records: a name opens its record, the browser's own ways lead back, the navigation follows; in a real browser."""

import re

import pytest
from playwright.sync_api import expect

from tests import factories
from tests.browser.conftest import Server
from tests.browser.desk import Desk, zh
from tests.conftest import forget_settings, use_database


def test_a_customer_is_opened_by_key_the_way_back_leads_to_the_same_list_and_the_header_searches_from_anywhere(
    server: Server, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_database(monkeypatch, server.folder, "")
    sales = factories.make_user(username="sales")
    made = [factories.make_customer(sales, stage=stage) for stage in ("customer", "prospect", "customer")]
    desk.go("/")
    desk.sign_in("sales", factories.PASSWORD)
    desk.go("/customers?stage=customer")
    names = desk.page.locator(".rows .name")
    expect(names).to_have_count(2)
    names.first.focus()
    desk.page.keyboard.press("ArrowDown")
    desk.page.keyboard.press("Enter")
    desk.page.wait_for_url(re.compile(rf"/customer\?code={made[0].code}$"))
    desk.settle()
    desk.sees(made[0].name)
    expect(desk.page.locator(".navigation [aria-current]")).to_have_text(re.compile(zh("Customer list")))

    desk.page.go_back()
    desk.settle()
    assert desk.page.url.endswith("/customers?stage=customer")
    expect(names).to_have_count(2)
    desk.page.go_forward()
    desk.settle()
    desk.sees(made[0].name)

    desk.page.locator(".navigation a", has_text=zh("Customer pool")).click()
    desk.settle()
    desk.sees(zh("The pool is empty"))
    assert desk.page.url.endswith("/pool")

    desk.page.keyboard.press("/")
    desk.page.keyboard.type(f"{made[1].code}/")  # in a field a slash is a letter
    search = desk.page.locator(".st-key-header_tools input")
    expect(search).to_have_value(f"{made[1].code}/")
    desk.page.keyboard.press("Backspace")
    desk.page.keyboard.press("Enter")
    desk.settle()
    assert desk.page.url.endswith(f"/customers?q={made[1].code}")
    expect(names).to_have_text([re.compile(made[1].name)])
    assert desk.complaints == []
    forget_settings()


def test_ticked_customers_stay_ticked_while_names_open_in_tabs_of_their_own(
    server: Server, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_database(monkeypatch, server.folder, "")
    sales = factories.make_user(username="sales")
    for _place in range(3):
        factories.make_customer(sales)
    desk.go("/")
    desk.sign_in("sales", factories.PASSWORD)
    desk.go("/customers")
    desk.page.locator(".st-key-select_mode button").first.click()
    desk.settle()
    boxes = desk.page.locator(".rows input")
    boxes.first.check()
    desk.settle().sees(zh("{count} customers are selected on this page.").format(count=3))
    boxes.last.uncheck()
    desk.settle().sees(zh("{count} customers are selected on this page.").format(count=2))
    with desk.context.expect_page() as opened:
        desk.page.locator(".rows .name").first.click()
    opened.value.wait_for_url(re.compile("customer\\?code="))
    assert boxes.nth(1).is_checked()
    assert not boxes.last.is_checked()
    desk.page.locator(".st-key-stage_bar button").first.click()
    desk.settle()
    assert desk.page.locator(".rows input:checked").count() == 0
    forget_settings()
