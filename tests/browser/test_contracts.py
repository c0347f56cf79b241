"""A contract in a real browser: signed on the customer's page, a payment recorded, another one overdue."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from crm_core import clock, db
from crm_core.permissions import SYSTEM
from crm_core.services import contract_views, payments
from tests import factories
from tests.browser.conftest import Server
from tests.browser.desk import Desk, zh
from tests.conftest import forget_settings, use_database


def test_a_contract_is_signed_paid_in_part_and_seen_to_be_overdue(server: Server, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    use_database(monkeypatch, server.folder, "")
    sales = factories.make_user(username="sales", name="销售丙")
    customer = factories.make_customer(sales, stage="customer")
    desk.go(f"/customer?code={customer.code}")
    desk.sign_in("sales", factories.PASSWORD)

    desk.page.get_by_role("radio", name=zh("Contracts")).click()
    desk.settle()
    desk.click("New contract")
    desk.type("Contract amount", "12万")
    desk.type("Product or service", "数据采集网关")  # last: behind the amount Tab opens the calendar
    desk.click("Sign contract")
    desk.sees("HT")
    desk.sees("数据采集网关")

    desk.page.get_by_role("button", name="数据采集网关").first.click()
    desk.settle()
    desk.click("Record payment")
    desk.type("Amount received", "150000")
    desk.click("Record payment")
    desk.sees(zh("Of {amount}, {left} are left to be received. Enter at most that.").format(amount="¥120,000", left="¥120,000"))
    desk.type("Amount received", "50000")
    desk.click("Record payment")
    desk.sees(zh("{amount} received").format(amount="¥50,000"))

    with db.transaction(SYSTEM) as session:
        (row,) = contract_views.list_of_customer(session, SYSTEM, customer.id).rows
        plan = [{"due_on": clock.today() - timedelta(days=1), "amount": 80_000}]
        payments.set_plan(session, SYSTEM, row.id, plan, version=1)
    desk.go("/contracts?overdue=1")
    late = desk.page.locator("[data-testid=stMain]").get_by_text(zh("{amount} overdue").format(amount="¥30,000"))
    expect(late.first).to_be_visible()
    with db.reading(SYSTEM) as session:
        (row,) = contract_views.list_of_customer(session, SYSTEM, customer.id).rows
    forget_settings()
    assert (row.amount, row.received, row.overdue) == (120_000, 50_000, 30_000)
    assert desk.foreign == []
