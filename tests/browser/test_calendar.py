"""The calendar in a real browser: a task is dragged to another day with the mouse, moved on with a key, and opened."""

from datetime import date, datetime, timedelta

import pytest
from playwright.sync_api import Locator, expect

from crm_core import clock, db
from crm_core.models import Task
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import tasks
from tests import factories
from tests.browser.conftest import Server
from tests.browser.desk import Desk, zh
from tests.conftest import forget_settings, use_database

NAME = "<b>寄样品</b> & **报价**"


def due_of(number: int) -> datetime:
    with db.reading(SYSTEM) as session:
        return session.get_one(Task, number).due_at


def give(actor: Actor, due_at: datetime) -> int:
    with db.transaction(actor) as session:
        return tasks.create_task(session, actor, name=NAME, assignee_id=actor.id or 0, due_at=due_at).id


def test_a_task_is_dragged_moved_by_keys_and_opened(server: Server, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    use_database(monkeypatch, server.folder, "")
    sales = factories.make_user(username="sales", name="销售丙")
    first = clock.today() + timedelta(days=1)
    monday = first + timedelta(days=-first.weekday() % 7)
    at_three = timedelta(hours=15)
    task = give(sales, clock.start_of_day(monday) + at_three)
    desk.go(f"/calendar?calendar_view=week&calendar_day={monday}")
    desk.sign_in("sales", factories.PASSWORD)

    drag(desk, shown(desk, monday), day(desk, monday + timedelta(days=2)))
    expect(shown(desk, monday + timedelta(days=2))).to_be_visible()
    desk.settle()
    assert due_of(task) == clock.start_of_day(monday + timedelta(days=2)) + at_three

    shown(desk, monday + timedelta(days=2)).focus()
    desk.page.keyboard.press("Shift+ArrowRight")
    expect(shown(desk, monday + timedelta(days=3))).to_be_focused()
    desk.settle()
    assert due_of(task) == clock.start_of_day(monday + timedelta(days=3)) + at_three

    desk.page.keyboard.press("Enter")
    desk.settle()
    expect(desk.page.get_by_role("dialog").get_by_role("button", name=zh("Done"))).to_be_visible()
    forget_settings()
    assert desk.foreign == []


def day(desk: Desk, shown_day: date) -> Locator:
    return desk.page.locator(f'.day[data-day="{shown_day}"]')


def shown(desk: Desk, shown_day: date) -> Locator:
    """The task on a day; its name stands there as it was typed."""
    return day(desk, shown_day).locator(".task", has_text=NAME)


def drag(desk: Desk, what: Locator, to: Locator) -> None:
    start, end = what.bounding_box(), to.bounding_box()
    assert start
    assert end
    mouse = desk.page.mouse
    mouse.move(start["x"] + start["width"] / 2, start["y"] + start["height"] / 2)
    mouse.down()
    mouse.move(end["x"] + end["width"] / 2, end["y"] + end["height"] / 2, steps=8)
    mouse.up()
    desk.settle()
