"""A rule is made, shows what it would do, and its tag appears on the customer with the reason."""

import pytest
from playwright.sync_api import Browser, expect

from tests import factories
from tests.browser.conftest import Server
from tests.browser.desk import Desk, zh
from tests.conftest import forget_settings, use_database


def test_a_rule_previews_itself_and_its_tag_tells_why(
    server: Server, chromium: Browser, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_database(monkeypatch, server.folder, "")
    boss = factories.make_user(role="administrator", username="boss")
    customer = factories.make_customer(boss)
    forget_settings()
    desk.go("/tag-rules")
    desk.sign_in("boss", factories.PASSWORD)
    desk.click("Add rule", exact=False)
    dialog = desk.page.get_by_role("dialog")
    dialog.locator('[data-testid="stNumberInput"] input').fill("0")
    dialog.locator('[data-testid="stNumberInput"] input').press("Tab")
    desk.settle()
    tag = dialog.locator('[data-testid="stSelectbox"] input').first
    tag.fill("待联系")
    tag.press("Enter")
    desk.settle()
    desk.sees(zh("{get} customers would get the tag, {lose} would lose it.").format(get=1, lose=0))
    desk.click("Save")
    desk.go(f"/customer?code={customer.code}")
    desk.page.get_by_text("待联系").first.hover()
    reason = f"{zh('Days since the last contact')} {zh('is at least')} 0"
    expect(desk.page.get_by_text(reason, exact=False).first).to_be_visible(timeout=10_000)
