"""Two customers become one and two again, one is deleted and comes back, in a real browser."""

import pytest
from playwright.sync_api import Browser, expect

from crm_core import db
from crm_core.permissions import SYSTEM
from crm_core.services.teams import create_team
from tests import factories
from tests.browser.conftest import Server
from tests.browser.desk import Desk, zh
from tests.conftest import forget_settings, use_database

KEPT, MERGED = "杭州恒远机械有限公司", "恒远机械（杭州）有限公司"


def test_a_manager_merges_two_takes_them_apart_deletes_one_and_restores_it(
    server: Server, chromium: Browser, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_database(monkeypatch, server.folder, "")
    with db.transaction(SYSTEM) as session:
        team = create_team(session, SYSTEM, name="华东组")
    factories.make_user(role="manager", username="manager", name="主管乙", team_id=team)
    sales = factories.make_user(username="sales", team_id=team)
    people = [factories.contact_values(phone="13800001111")]
    kept, merged = (factories.make_customer(sales, name=name, contacts=people) for name in (KEPT, MERGED))
    forget_settings()

    desk.go("/duplicates")
    desk.sign_in("manager", factories.PASSWORD)
    desk.click("Scan now")  # the server's own scan at its start may have been before there was anybody
    desk.sees(zh("similar name"))
    desk.click("Compare and merge")
    desk.sees(zh("What differs"))
    desk.click("Merge")
    expect(desk.page.get_by_role("heading", name=KEPT)).to_be_visible()
    desk.go(f"/customer?code={merged.code}")
    expect(desk.page.get_by_role("heading", name=KEPT)).to_be_visible()

    desk.click("Undo merge")
    desk.page.get_by_role("dialog").get_by_role("button", name=zh("Undo merge")).click()
    desk.settle()
    desk.go(f"/customer?code={merged.code}")
    expect(desk.page.get_by_role("heading", name=MERGED)).to_be_visible()

    desk.click("More", exact=False)
    desk.page.get_by_text(zh("Delete customer"), exact=True).first.click()
    desk.settle()
    desk.field("Reason").fill("重复录入")
    desk.page.get_by_role("dialog").get_by_role("button", name=zh("Delete")).click()
    desk.settle()
    desk.go("/bin")
    desk.sees("重复录入")
    desk.click("Restore")
    desk.go(f"/customer?code={merged.code}")
    expect(desk.page.get_by_role("heading", name=MERGED)).to_be_visible()
    assert kept.code != merged.code
    assert desk.foreign == []
