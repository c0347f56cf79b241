"""The boards in a real browser: an open one follows somebody else's change, a bar opens the rows behind it; published figures on it."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from crm_core import clock
from tests import factories
from tests.browser.conftest import Server
from tests.browser.desk import Desk, zh
from tests.conftest import forget_settings, use_database
from tests.core.test_contracts import sign
from tests.core.test_insight import lay_maven


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
    expect(amount.first).to_be_visible(timeout=10_000)

    for title in ("Contract amount along time", "Contract amount by owner", "Why opportunities were lost"):
        expect(desk.page.get_by_role("heading", name=zh(title), level=3, exact=True)).to_have_count(1)
    bar = desk.page.locator(".st-key-head_chart_sales_by_owner .bars .point").first
    expect(bar).to_be_visible()
    box = bar.bounding_box()
    assert box
    desk.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    desk.page.wait_for_url(re.compile(r"/contracts\?owner=\d+&from="))
    desk.sees("排产系统")
    assert desk.foreign == []


def test_the_published_figures_of_a_whole_crm_are_read_off_the_board(server: Server, desk: Desk, shared: Path) -> None:
    person = server.employ()
    with server.records():
        lay_maven(shared, person)
    desk.go("/overview?board=sales&span=range&from=2017-01-01&until=2017-12-31")
    desk.sign_in()
    cards = desk.page.locator(".st-key-figures_sales .figure")
    for label, value, parts in (
        ("Won value", "¥10,005,534", ""),
        ("Win rate", "63.15%", "4,238 ÷ 6,711"),
        ("Mean won value", "¥2,360.91", ""),
    ):
        card = cards.filter(has_text=zh(label)).first
        expect(card).to_contain_text(value)
        expect(card).to_contain_text(parts)
    desk.page.locator(".st-key-head_chart_sales_by_quarter button").click()
    table = desk.page.locator(".st-key-head_chart_sales_by_quarter .chart_table")
    for quarter, amount in (("2017-Q1", "¥1,134,672"), ("2017-Q2", "¥3,086,111"), ("2017-Q3", "¥2,982,255"), ("2017-Q4", "¥2,802,496")):
        expect(table.get_by_role("row").filter(has_text=quarter)).to_contain_text(amount)
