"""A report in a real browser: asked for, built beside the page, and downloaded as a workbook."""

from io import BytesIO
from pathlib import Path

import pytest
from openpyxl import load_workbook
from playwright.sync_api import expect

from crm_core.services.reports import building
from tests import factories
from tests.browser.conftest import Server
from tests.browser.desk import Desk, zh
from tests.conftest import forget_settings, use_database


def test_a_report_is_asked_for_built_and_downloaded(server: Server, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    use_database(monkeypatch, server.folder, "")
    manager = factories.make_user(username="manager", role="manager", name="主管乙")
    customer = factories.make_customer(manager)
    desk.go("/reports")
    desk.sign_in("manager", factories.PASSWORD)
    desk.click("New report")
    desk.page.get_by_role("button", name=zh("Customers entered")).click()
    desk.settle()
    desk.type("What is it for?", "季度会")
    desk.click("Build report")
    desk.sees(zh("Waits for its turn"))
    building.build_next()
    link = desk.page.get_by_role("link", name=zh("Download"))
    expect(link).to_be_visible()
    with desk.page.expect_download() as started:
        link.click()
    workbook = load_workbook(BytesIO(Path(started.value.path()).read_bytes()))
    forget_settings()
    assert workbook[zh("Customers entered")]["B2"].value == customer.name
    assert desk.foreign == []
