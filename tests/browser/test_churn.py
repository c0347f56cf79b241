"""A customer at risk is seen with its reasons, a plan is begun from the page, and what came of it is kept."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy import select, update

from crm_core import clock, db
from crm_core.db import insert_unless_there
from crm_core.models import ChurnPlan, Job, Task
from crm_core.permissions import SYSTEM
from crm_core.services.churn.policy import JOB
from tests import factories
from tests.browser.conftest import Server
from tests.browser.desk import Desk, zh
from tests.conftest import forget_settings, use_database
from tests.core.test_churn import quiet, reckon


def test_a_plan_is_begun_for_a_customer_at_risk_and_ended(server: Server, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    use_database(monkeypatch, server.folder, "")
    sales = factories.make_user(username="sales", name="销售丙")
    with db.transaction(SYSTEM) as session:  # the server's own round of jobs does not come in between
        insert_unless_there(session, Job, name=JOB, due_at=clock.now())
        session.execute(update(Job).where(Job.name == JOB).values(due_at=clock.now() + timedelta(days=1)))
    made = quiet(sales, name="杭州恒远机械有限公司")
    reckon()
    forget_settings()

    desk.go("/churn")
    desk.sign_in("sales", factories.PASSWORD)
    desk.sees(made.name)
    desk.sees("已 400 天没有联系")
    desk.click("Win back", exact=False)
    desk.choose("Template", zh("Return visit"))
    desk.type(zh("Task {number}").format(number=1), "打电话问原因")
    desk.click("Begin plan", exact=False)
    desk.sees(zh("Plan is running"))

    desk.page.reload()
    desk.settle()
    desk.pick("Win-back plans")
    desk.click("End plan", exact=False)
    desk.page.get_by_role("dialog").get_by_text(zh("Won back"), exact=True).click()
    desk.settle()
    desk.click("Save outcome", exact=False)
    expect(desk.page.get_by_text("100%").first).to_be_visible()
    assert "view=plans" in desk.page.url
    use_database(monkeypatch, server.folder, "")
    with db.reading(SYSTEM) as session:
        assert session.execute(select(ChurnPlan.outcome)).scalars().all() == ["won_back"]
        assert "打电话问原因" in session.execute(select(Task.name)).scalars().all()
    forget_settings()
    assert not desk.foreign
