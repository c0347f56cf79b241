"""A follow-up in a real browser: written in one line, its next step is a task, the task is done, and the next one is written."""

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from crm_core import db
from crm_core.models import FollowUp, Task, TaskState
from crm_core.permissions import SYSTEM
from tests import factories
from tests.browser.conftest import Server
from tests.browser.desk import Desk, zh
from tests.conftest import forget_settings, use_database

LINE = "电话沟通报价，明天上门送方案"


def test_a_follow_up_becomes_a_task_which_is_done_and_the_next_one_is_written(
    server: Server, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_database(monkeypatch, server.folder, "")
    sales = factories.make_user(username="sales", name="销售丙")
    customer = factories.make_customer(sales)
    desk.go(f"/customer?code={customer.code}")
    desk.sign_in("sales", factories.PASSWORD)
    desk.sees(zh("No next step"))

    desk.field("Write a follow-up in one line").fill(LINE)
    desk.field("Write a follow-up in one line").press("Enter")
    desk.settle()
    expect(desk.field("Content")).to_have_value(LINE)
    open_tab(desk, "Tasks")
    open_tab(desk, "Follow-ups")
    expect(desk.field("Content")).to_have_value(LINE)
    save = desk.page.get_by_role("button", name=zh("Save follow-up"))
    save.dblclick()
    desk.settle()
    expect(save).to_have_count(0)
    expect(desk.page.get_by_text(zh("No next step"), exact=True)).to_have_count(0)

    open_tab(desk, "Tasks")
    desk.sees("送方案")
    desk.click("Done", exact=False)
    desk.type("Completion note", "已送达")
    desk.page.get_by_role("dialog").get_by_role("button", name=zh("Done")).click()
    desk.settle()

    open_tab(desk, "Follow-ups")
    desk.sees(zh("No next step"))
    desk.field("Write a follow-up in one line").fill("上门送方案，下周三回访")
    desk.field("Write a follow-up in one line").press("Enter")
    desk.settle()
    desk.click("Save follow-up")
    expect(desk.page.get_by_text(zh("No next step"), exact=True)).to_have_count(0)
    with db.reading(SYSTEM) as session:
        written = list(session.execute(select(FollowUp.content).order_by(FollowUp.id)).scalars())
        states = list(session.execute(select(Task.state).order_by(Task.id)).scalars())
    forget_settings()
    assert written == [LINE, "上门送方案，下周三回访"]
    assert states == [TaskState.DONE, TaskState.OPEN]


def open_tab(desk: Desk, name: str) -> None:
    desk.page.get_by_role("radio", name=zh(name)).click()
    desk.settle()
