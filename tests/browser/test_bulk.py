"""A salesperson filters, saves that as a view, tags everybody it finds and takes it back: in a real browser."""

import re

import pytest
from playwright.sync_api import expect

from crm_core import db
from crm_core.permissions import SYSTEM
from crm_core.services.tags import tags_of
from tests import factories
from tests.browser.conftest import Server
from tests.browser.desk import Desk, zh
from tests.conftest import forget_settings, use_database


def test_a_filter_becomes_a_view_whose_customers_are_tagged_and_untagged(
    server: Server, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_database(monkeypatch, server.folder, "")
    sales = factories.make_user(username="sales")
    made = [factories.make_customer(sales, stage=stage) for stage in ("customer", "customer", "prospect")]

    def tags() -> list[list[str]]:
        with db.reading(SYSTEM) as session:
            return [tags_of(session, one.id) for one in made]

    desk.go("/customers")
    desk.sign_in("sales", factories.PASSWORD)
    desk.go("/customers")
    desk.pick("Customer (won)")
    choose(desk, "view_menu", "Save as a new view…")
    desk.type("Name", "成交客户")
    desk.page.get_by_role("dialog").get_by_role("button", name=zh("Save"), exact=False).first.click()
    desk.page.wait_for_url(re.compile(r"\?view=\d+$"))
    desk.settle()

    desk.page.locator(".st-key-select_mode button").first.click()
    desk.settle()
    desk.page.locator(".st-key-bulk_all button").first.click()
    desk.settle()
    choose(desk, "bulk_menu", "Add tags")
    field = desk.page.get_by_role("dialog").locator("input").first
    field.fill("年度回访")
    field.press("Enter")
    desk.settle()
    desk.type("Reason", "年底回访")
    desk.page.get_by_role("dialog").get_by_role("button", name=zh("Change {count} customers").format(count=2)).dblclick()
    desk.sees(zh("Tags added: {tags}").format(tags="年度回访"))
    desk.settle()
    assert tags() == [["年度回访"], ["年度回访"], []]
    assert len(factories.log_of("customer", made[0].id, field="tags")) == 1

    desk.click("Undo")
    desk.sees(zh("undone for {count}, {left} left").format(count=2, left=0))
    assert tags() == [[], [], []]
    expect(desk.page.locator(".st-key-view_menu button").first).to_contain_text("成交客户")
    forget_settings()


def choose(desk: Desk, menu: str, entry: str) -> None:
    desk.page.locator(f".st-key-{menu} button").first.click()
    desk.page.get_by_text(zh(entry)).last.click()
    desk.settle()
