"""A customer's way in a real browser: won with a contract, lost, and back again."""

import pytest
from playwright.sync_api import expect

from crm_core import db
from crm_core.permissions import SYSTEM
from crm_core.services.stage_changes import list_stays
from tests import factories
from tests.browser.conftest import Server
from tests.browser.desk import Desk, zh
from tests.conftest import forget_settings, use_database


def test_a_customer_is_won_lost_and_won_back(server: Server, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    use_database(monkeypatch, server.folder, "")
    sales = factories.make_user(username="sales", name="销售丙")
    customer = factories.make_customer(sales, stage="qualified", wanted_products="数据采集网关")
    desk.go(f"/customer?code={customer.code}")
    desk.sign_in("sales", factories.PASSWORD)

    choose_type(desk, "Customer (won)")
    press_change(desk)
    desk.sees(zh("{label} is required.").format(label=zh("Contract amount")))
    desk.type("Contract amount", "12.8万")
    press_change(desk)
    desk.sees("¥128,000")

    choose_type(desk, "Churned")
    desk.choose("Reason of loss", "价格过高")
    desk.type("Explanation of the loss", "续约报价高于同行")
    desk.type("Customer's own remark", "“功能没问题”")
    press_change(desk)
    desk.sees("续约报价高于同行")

    choose_type(desk, "Customer (won)")
    desk.type("Contract amount", "20000")
    desk.type("Reason", "折后价被接受")
    press_change(desk)
    desk.sees("¥148,000")

    desk.page.get_by_role("radio", name=zh("Contracts")).click()
    desk.sees(zh("{count} contracts, {amount} in all").format(count=2, amount="¥148,000"))
    desk.page.get_by_role("radio", name=zh("Change log")).click()
    desk.settle()
    expect(desk.page.get_by_text("折后价被接受").first).to_be_visible()
    with db.reading(SYSTEM) as session:
        found = [stay.stage for stay in list_stays(session, SYSTEM, customer.id)]
    forget_settings()
    assert found == ["customer", "churned", "customer", "qualified"]


def choose_type(desk: Desk, label: str) -> None:
    desk.click("More", exact=False)
    desk.page.get_by_text(zh("Change type"), exact=True).first.click()
    desk.settle()
    desk.pick(label)


def press_change(desk: Desk) -> None:
    desk.page.get_by_role("dialog").get_by_role("button", name=zh("Change type")).click()
    desk.settle()
