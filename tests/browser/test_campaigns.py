"""A campaign's entrance in a real browser: the code is switched on, a visitor checks in on a phone, the reception sees it."""

import pytest
from playwright.sync_api import Browser, expect

from crm_core import db
from crm_core.models import Step
from crm_core.services import participations
from crm_core.services.bulk_targets import Selection
from tests import factories
from tests.browser.conftest import Server
from tests.browser.desk import Desk, zh
from tests.conftest import forget_settings, use_database
from tests.core.test_campaigns import rows_of

PHONE = "13812345678"


def test_a_participant_checks_in_on_a_phone_and_the_reception_sees_it(
    server: Server, desk: Desk, chromium: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_database(monkeypatch, server.folder, "")
    sales = factories.make_user(username="sales", name="销售丙")
    marketing = factories.make_user(role="marketing", username="marketing", name="市场庚")
    customer = factories.make_customer(sales, contacts=[factories.contact_values(name="李明轩", phone=PHONE)])
    campaign = factories.make_campaign(marketing)
    with db.transaction(marketing) as session:
        participations.add_selection(session, marketing, campaign.id, Selection((customer.code,)))

    desk.go(f"/campaign?campaign={campaign.code}")
    desk.sign_in("marketing", factories.PASSWORD)
    desk.click("Switch the code on")
    link = desk.page.get_by_role("link", name=zh("Open the page")).get_attribute("href") or ""

    phone = Desk(chromium, server.url, width=390, height=844)
    phone.go(link.removeprefix(server.url))
    phone.sees(campaign.name)
    expect(phone.page.get_by_text(customer.name)).to_have_count(0)
    phone.field("Your name").fill("李明轩")
    phone.field("Last four digits of your phone").fill("0000")
    phone.click("Check in")
    phone.sees(zh("Nobody is registered with this name and these digits. Check both, or ask at the reception."))
    phone.field("Last four digits of your phone").fill(PHONE[-4:])
    phone.click("Check in")
    phone.sees(zh("Welcome! You are checked in."))
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 390
    assert (phone.foreign, phone.complaints) == ([], [])
    phone.leave()

    desk.go(f"/campaign?campaign={campaign.code}")
    desk.sees(zh("checked in by code"))
    (row,) = rows_of(campaign)
    forget_settings()
    assert (row.step, row.is_self_checked) == (Step.ATTENDED, True)
