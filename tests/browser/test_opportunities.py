"""Opportunities are dragged from stage to stage; of two who drag one card the second is told, and what ends asks for its reasons."""

import pytest
from playwright.sync_api import Browser, Locator, expect

from crm_core import db
from crm_core.models import Opportunity
from crm_core.permissions import SYSTEM
from crm_core.services import opportunity_stages
from tests import factories
from tests.browser.conftest import Server
from tests.browser.desk import Desk, zh
from tests.conftest import forget_settings, use_database

NAME = "<b>排产</b> & **二期**"


def test_a_card_is_dragged_and_whoever_drags_it_too_late_is_told(
    server: Server, desk: Desk, chromium: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_database(monkeypatch, server.folder, "")
    manager = factories.make_user(username="manager", name="主管乙", role="administrator")
    sales = factories.make_user(username="sales", name="销售丙")
    factories.make_product(name="排产软件", price="1200")
    made = factories.make_opportunity(sales, factories.make_customer(sales), name=NAME)
    with db.reading(SYSTEM) as session:
        first, second, third, won, lost = (stage.id for stage in opportunity_stages.list_stages(session))
    other = Desk(chromium, server.url)
    for window, person in ((desk, sales), (other, manager)):
        window.go("/opportunities")
        window.sign_in(person.username, factories.PASSWORD)

    drag(desk, card(desk, first), column(desk, second))
    expect(card(desk, second)).to_be_visible()
    assert stage_of(made) == second

    drag(other, card(other, first), column(other, third))
    other.sees("销售丙")
    expect(card(other, second)).to_be_visible()
    assert stage_of(made) == second

    card(desk, second).focus()
    desk.page.keyboard.press("Shift+ArrowRight")
    expect(card(desk, third)).to_be_focused()
    desk.settle()
    assert stage_of(made) == third

    drag(desk, card(desk, third), column(desk, won))
    dialog = desk.page.get_by_role("dialog")
    dialog.get_by_role("button", name=zh("Win"), exact=True).click()
    desk.settle()
    desk.sees(zh("A won opportunity says what was sold. Add at least one product, then win it."))
    assert stage_of(made) == third
    dialog.get_by_role("button", name=zh("Cancel")).click()
    desk.settle()

    drag(desk, card(desk, third), column(desk, lost))
    desk.choose("Why it was lost", "价格过高")
    dialog.get_by_role("button", name=zh("Mark as lost")).click()
    desk.settle()
    expect(card(desk, lost)).to_be_visible()
    assert stage_of(made) == lost
    forget_settings()
    other.leave()
    assert desk.foreign == []


def stage_of(made: Opportunity) -> int:
    with db.reading(SYSTEM) as session:
        return session.get_one(Opportunity, made.id).stage_id


def column(desk: Desk, stage_id: int) -> Locator:
    return desk.page.locator(f'.column[data-column="{stage_id}"]')


def card(desk: Desk, stage_id: int) -> Locator:
    """The card in a column; its name stands there as it was typed."""
    return column(desk, stage_id).locator(".card", has_text=NAME)


def drag(desk: Desk, what: Locator, to: Locator) -> None:
    start, end = what.bounding_box(), to.bounding_box()
    assert start
    assert end
    mouse = desk.page.mouse
    mouse.move(start["x"] + start["width"] / 2, start["y"] + start["height"] / 2)
    mouse.down()
    mouse.move(end["x"] + end["width"] / 2, end["y"] + 150, steps=8)
    mouse.up()
    desk.settle()
