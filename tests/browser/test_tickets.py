"""A complaint in a real browser: entered, told to the owner, taken, answered, resolved, rated, and what it comes to for the customer."""

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from crm_core import db
from crm_core.models import Ticket, TicketAnswer, TicketState
from crm_core.permissions import SYSTEM
from tests import factories
from tests.browser.conftest import Server
from tests.browser.desk import Desk, zh
from tests.conftest import forget_settings, use_database


def test_a_complaint_goes_from_its_entry_to_the_satisfaction_of_the_customer(
    server: Server, desk: Desk, second_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_database(monkeypatch, server.folder, "")
    sales = factories.make_user(username="sales", name="销售丙")
    factories.make_user(role="service", username="clerk", name="客服己")
    customer = factories.make_customer(sales)

    desk.go(f"/customer?code={customer.code}")
    desk.sign_in("clerk", factories.PASSWORD)
    open_tab(desk, "Tickets")
    desk.click("Add ticket")
    dialog = desk.page.get_by_role("dialog")
    desk.type("Title", "设备停机")
    desk.choose("Ticket type", zh("Complaint"))
    desk.choose("Ticket category", "产品质量")
    desk.choose("Ticket source", "电话")
    desk.type("Ticket description", "三号线今天早上停机，重启无效。")
    dialog.get_by_role("button", name=zh("Add ticket")).dblclick()
    desk.page.wait_for_url("**/ticket?ticket=TKT*")
    desk.settle()

    second_desk.go("/")
    second_desk.sign_in("sales", factories.PASSWORD)
    second_desk.sees(zh("Complaint of one of your customers"))
    second_desk.page.get_by_role("button", name=zh("Open")).first.click()
    second_desk.page.wait_for_url("**/ticket?ticket=TKT*")
    second_desk.settle()
    second_desk.sees("三号线今天早上停机")
    expect(second_desk.page.get_by_role("button", name=zh("Send"))).to_have_count(0)

    desk.click("Take it")
    desk.field("Answer or note").fill("工程师下午到现场。")
    desk.page.get_by_role("button", name=zh("Send")).dblclick()
    desk.settle()
    desk.sees("工程师下午到现场。")
    desk.click("Resolve")
    desk.type("Solution", "更换了电机，试运行正常。")
    dialog.get_by_role("button", name=zh("Resolve")).click()
    expect(dialog).to_have_count(0)
    desk.settle()
    desk.click("Record satisfaction")
    desk.pick(f"4 · {zh('Satisfied')}")
    dialog.get_by_role("button", name=zh("Save")).click()
    expect(dialog).to_have_count(0)
    desk.settle()

    desk.go(f"/customer?code={customer.code}")
    figures = desk.page.locator(".st-key-service_figures")
    expect(figures).to_contain_text(zh("Complaints") + " 1")
    expect(figures).to_contain_text(zh("{score} of 5 ({count})").format(score="4.0", count=1))
    with db.reading(SYSTEM) as session:
        (ticket,) = session.execute(select(Ticket)).scalars()
        answers = session.execute(select(TicketAnswer.content)).scalars().all()
    forget_settings()
    assert (ticket.state, ticket.satisfaction, answers) == (TicketState.RESOLVED, 4, ["工程师下午到现场。"])


def open_tab(desk: Desk, name: str) -> None:
    desk.page.get_by_role("radio", name=zh(name)).click()
    desk.settle()
