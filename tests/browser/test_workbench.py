"""The start page in a real browser: a task is put off where it stands, and a notice leads to what it is about."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from crm_core import clock, db
from crm_core.models import Task
from crm_core.permissions import SYSTEM
from crm_core.services import tasks
from tests import factories
from tests.browser.conftest import Server
from tests.browser.desk import Desk, zh
from tests.conftest import forget_settings, use_database
from tests.core.test_follow_ups import write


def test_a_task_is_put_off_where_it_stands_and_a_notice_opens_its_customer(
    server: Server, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_database(monkeypatch, server.folder, "")
    sales, chief = factories.make_user(username="sales", name="销售丙"), factories.make_user(role="administrator")
    customer = factories.make_customer(sales, name="北辰仪表有限公司")
    with db.transaction(sales) as session:
        task = tasks.create_task(
            session, sales, name="寄送样品", assignee_id=sales.id, due_at=clock.now() + timedelta(minutes=5), customer_id=customer.id
        )
        due_at, task_id = task.due_at, task.id
    desk.go("/")
    desk.sign_in("sales", factories.PASSWORD)
    duty = desk.page.locator(f'[data-row="duty_{task_id}"]')
    expect(duty).to_contain_text("寄送样品")
    duty.get_by_role("button").last.focus()
    desk.page.keyboard.press("Enter")
    entry = duty.get_by_role("menuitem", name=zh("Put off by one day"))
    for _press in range(10):
        if entry.evaluate("entry => entry.matches(':focus')"):
            break
        desk.page.keyboard.press("ArrowDown")
    desk.page.keyboard.press("Enter")
    desk.settle()
    desk.sees(zh("The task was put off."))
    expect(duty).to_have_count(0)

    write(chief, customer, mentions=(sales.id,))
    bell = desk.page.locator(".st-key-header_tools .bell")
    desk.page.reload()
    desk.settle()
    expect(bell).to_contain_text("1")
    bell.click()
    desk.settle()
    desk.page.locator(".st-key-header_tools .notices").get_by_role("button", name=zh("Open")).first.click()
    desk.settle()
    expect(desk.page.locator("h1")).to_contain_text("北辰仪表有限公司")
    expect(bell).not_to_contain_text("1")
    with db.reading(SYSTEM) as session:
        assert session.get_one(Task, task_id).due_at >= due_at + timedelta(days=1)
    forget_settings()
