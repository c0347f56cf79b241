"""The boards in a real browser: an open one follows somebody else's change, and a bar opens the rows behind it."""

import re

import pytest
from playwright.sync_api import expect

from crm_core import clock
from tests import factories
from tests.browser.conftest import Server
from tests.browser.desk import Desk, zh
from tests.conftest import forget_settings, use_database
from tests.core.test_contracts import sign


def test_an_open_board_follows_others_and_its_bars_open_the_rows(server: Server, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    use_database(monkeypatch, server.folder, "")
    sales = factories.make_user(username="sales", name="销售丙")
    customer = factories.make_customer(sales, stage="customer")
    desk.go("/overview?board=sales")
    desk.sign_in("sales", factories.PASSWORD)
    expect(desk.page.get_by_text(zh("Nothing to show"))).to_be_visible()

    sign(sales, customer, product="排产系统", amount="120000", signed_on=clock.today())
    forget_settings()
    amount = desk.page.locator(".st-key-figures_sales .value", has_text="¥120,000")
    expect(amount.first).to_be_visible(timeout=20_000)

    bar = desk.page.locator(".st-key-chart_sales_by_owner .bars .point").first
    expect(bar).to_be_visible()
    box = bar.bounding_box()
    assert box
    desk.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    desk.page.wait_for_url(re.compile(r"/contracts\?owner=\d+&from="))
    desk.sees("排产系统")
    assert desk.foreign == []
