"""A manager looks at a masked number in a real browser, and the change log tells of it."""

import pytest
from playwright.sync_api import Browser, expect

from crm_core import db
from crm_core.permissions import SYSTEM
from crm_core.services.teams import create_team
from tests import factories
from tests.browser.conftest import Server
from tests.browser.desk import Desk, zh
from tests.conftest import forget_settings, use_database


def test_a_manager_reveals_an_identity_number_and_the_log_has_the_look(
    server: Server, chromium: Browser, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = factories.random_identity_number()
    use_database(monkeypatch, server.folder, "")
    with db.transaction(SYSTEM) as session:
        team = create_team(session, SYSTEM, name="华东组")
    factories.make_user(role="manager", username="manager", name="主管乙", team_id=team)
    sales = factories.make_user(username="sales", team_id=team)
    customer = factories.make_customer(sales, kind="individual", identity_number=number)
    forget_settings()
    desk.go(f"/customer?code={customer.code}")
    desk.sign_in("manager", factories.PASSWORD)
    assert number not in desk.page.content()
    desk.click("Identity number", exact=False)
    desk.click("To prepare a contract or invoice", exact=False)
    expect(desk.page.get_by_role("dialog").get_by_text(number)).to_be_visible()
    desk.go(f"/customer?code={customer.code}")
    assert number not in desk.page.content()
    desk.page.get_by_role("radio", name=zh("Change log")).click()
    desk.settle()
    (line,) = factories_log(server, customer.id)
    assert line == ("identity_number", zh("To prepare a contract or invoice"), "主管乙")


def factories_log(server: Server, customer_id: int) -> list[tuple[str | None, str | None, str]]:
    return [(line.field, line.reason, line.actor_name) for line in factories.log_of("customer", customer_id, action="viewed")]
