"""A custom field in a real browser: added by an administrator, entered, found by its filter, read on the customer's page."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import Server
from tests.browser.desk import Desk, zh
from tests.browser.test_first_day import begin, confirm, fill_enterprise


def test_a_field_that_an_administrator_adds_is_entered_found_and_read(server: Server, desk: Desk) -> None:
    desk.begin(server.employ())
    desk.go("/fields").click("Add field")
    desk.choose("What it holds", zh("One choice"))
    desk.type("Name", "服务等级")
    desk.type("Choices", "金牌\n银牌")
    desk.page.get_by_text(zh("Shown in the customer list"), exact=True).click()
    desk.settle()
    desk.click("Add")
    desk.sees("服务等级")

    begin(desk, "Enterprise", "Prospect")
    fill_enterprise(desk)
    desk.choose("服务等级", "金牌")
    confirm(desk)
    desk.sees("服务等级")
    desk.sees("金牌")

    desk.go("/customers?x_fuwudengji=yinpai").sees(zh("No customer matches"))
    desk.go("/customers").click("Filters", exact=False)
    box = desk.page.locator('[data-testid="stMultiSelect"]').filter(has_text="服务等级")
    box.locator("input").click()
    desk.page.get_by_role("option").filter(has_text="金牌").click()
    desk.page.wait_for_url(re.compile("x_fuwudengji=jinpai"))
    desk.settle().sees(zh("{total} customers").format(total="1"))
    expect(desk.page.locator(".rows .name").first).to_be_visible()
    assert desk.foreign == []
