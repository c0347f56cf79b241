"""Reports and pivots in the browser: asking for a report, downloading it, schedules, saved pivots, and what is refused."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select
from starlette.requests import Request

from app import send_report
from crm_core import clock, db
from crm_core.models import ChangeLog, Customer
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import contracts, saved_views
from crm_core.services.reports import building, making, schedules
from crm_core.services.saved_views import PIVOT
from tests import factories
from tests.pages.visit import Visit, open_session, zh
from ui import routes
from ui.guard import COOKIE


def reports(actor: Actor) -> list[making.Listed]:
    with db.reading(actor) as session:
        return making.list_reports(session, actor)


def shown(visit: Visit) -> Iterator[str]:
    return (one.value for one in (*visit.tab.markdown, *visit.tab.caption))


def sign(actor: Actor, customer: Customer, amount: int) -> None:
    with db.transaction(actor) as session:
        contracts.add_contract(session, actor, customer.id, {"product": "维护", "amount": amount, "signed_on": clock.today()})


def download(number: int, token: str = "") -> Any:
    cookie = f"{COOKIE}={token}".encode()
    scope = {"type": "http", "method": "GET", "headers": [(b"cookie", cookie)], "path_params": {"report_id": number}}
    return send_report(Request(scope))


class TestReports:
    def test_one_is_asked_for_built_and_downloaded(self, any_database: str, manager: Actor) -> None:
        factories.make_customer(manager)
        visit = Visit(manager).go(routes.REPORTS)
        assert any(zh("No reports yet") in text for text in shown(visit))
        visit.press("report_new").fill(report_name="=季报", report_reason="季度会").press("Build report")
        assert visit.toasts == [zh("The report is being built. It appears in the list when it is ready.")]
        assert any(zh("Waits for its turn") in text for text in shown(visit))
        assert building.build_next()
        (one,) = reports(manager)
        visit.go(routes.REPORTS)
        drawn = [message.delta.new_element for message in visit.messages if message.HasField("delta")]
        assert [one.link_button.url for one in drawn if one.WhichOneof("type") == "link_button"] == [f"/files/reports/{one.id}"]
        answer = download(one.id, open_session(manager.username))
        assert (answer.status_code, answer.body[:2]) == (200, b"PK")
        assert "attachment" in answer.headers["content-disposition"]
        visit.press(f"report_delete_{one.id}").press("Delete")
        assert reports(manager) == []

    def test_what_is_missing_is_told_at_its_field(self, any_database: str, manager: Actor) -> None:
        visit = Visit(manager).go(routes.REPORTS).press("report_new").press("Build report")
        assert any(zh("Say what the report is for: it is noted in the audit log.")[:8] in text for text in shown(visit))
        visit.enter("report_days", "own")
        assert visit.widget("Build report").disabled
        assert reports(manager) == []

    def test_a_file_is_given_to_its_owner_only(self, any_database: str, manager: Actor, administrator: Actor, sales: Actor) -> None:
        Visit(manager).go(routes.REPORTS).press("report_new").fill(report_reason="季度会").press("Build report")
        building.build_next()
        (one,) = reports(manager)
        codes = {who.username: download(one.id, open_session(who.username)).status_code for who in (administrator, sales)}
        assert codes == {administrator.username: 404, sales.username: 403}
        assert download(one.id).status_code == 401

    def test_who_may_not_export_finds_an_explanation(self, any_database: str, sales: Actor) -> None:
        visit = Visit(sales).go(routes.REPORTS)
        assert not visit.has("report_new")
        assert visit.refusals

    def test_a_schedule_is_made_paused_and_deleted(self, any_database: str, manager: Actor) -> None:
        visit = Visit(manager).go(routes.REPORTS).open_tab("reports_tab", "Scheduled")
        visit.press("schedule_new").press("Save schedule")
        assert any(zh("Choose receivers who may see dashboards and export customers.")[:6] in text for text in shown(visit))
        visit.fill(report_receivers=[manager.id], report_reason="周会").press("Save schedule")
        with db.reading(manager) as session:
            (one,) = schedules.list_schedules(session, manager)
        assert (one.rhythm.name, one.receivers) == ("weekly", (manager.id,))
        visit.press(f"schedule_pause_{one.id}")
        assert any(zh("Paused") in node.proto.body for node in visit.elements() if hasattr(node.proto, "body"))
        visit.press(f"schedule_delete_{one.id}").press("Delete")
        assert any(zh("No scheduled reports yet") in text for text in shown(visit))


class TestPivot:
    def test_it_counts_and_its_choice_stands_in_the_address(self, any_database: str, sales: Actor) -> None:
        sign(sales, factories.make_customer(sales, stage="customer", tier="A"), 1200)
        visit = Visit(sales).go(routes.PIVOT, subject="contracts", row="tier", measure="sum")
        table = visit.tab.dataframe[0].value
        assert table.to_numpy().tolist() == [["A类大客户", 1200.0], [zh("Total"), 1200.0]]
        visit.enter("column", "owner")
        assert visit.query == {"subject": "contracts", "row": "tier", "column": "owner", "measure": "sum"}
        visit.enter("subject", "customers")
        assert visit.query["row"] == "tier"
        assert "measure" in visit.query

    def test_nothing_is_explained_and_filters_can_be_cleared(self, any_database: str, sales: Actor) -> None:
        factories.make_customer(sales)
        visit = Visit(sales).go(routes.PIVOT, tier="A")
        assert any(zh("Nothing to count") in text for text in shown(visit))
        visit.press("Clear all filters")
        assert len(visit.tab.dataframe) == 1

    def test_what_a_role_may_not_see_is_not_offered(self, any_database: str) -> None:
        service = factories.make_user(role="service")
        visit = Visit(service).go(routes.PIVOT, subject="contracts")
        assert visit.tab.session_state["subject"] == "customers"
        assert not visit.has("pivot_export")

    def test_it_is_saved_shared_and_opened_by_a_colleague_in_their_own_scope(
        self, any_database: str, sales: Actor, colleague: Actor
    ) -> None:
        factories.make_customer(sales)
        visit = Visit(sales).go(routes.PIVOT, row="source")
        visit.press("Save as a new pivot…").fill(pivot_name="来源", pivot_shared=True).press("Save")
        with db.reading(sales) as session:
            (view,) = saved_views.list_views(session, sales, PIVOT).values()
            assert saved_views.list_views(session, sales) == {}
        assert (view.name, view.is_shared, dict(view.query)) == ("来源", True, {"row": ["source"]})
        theirs = Visit(colleague).go(routes.PIVOT, view=str(view.id))
        assert theirs.tab.session_state["row"] == "source"
        assert not theirs.tab.dataframe
        visit.press("Rename this pivot…").fill(pivot_new_name="客户来源").press("Save")
        visit.press("Delete this pivot…").press("Delete")
        with db.reading(sales) as session:
            assert saved_views.list_views(session, sales, PIVOT) == {}

    def test_it_is_exported_with_a_reason(self, any_database: str, manager: Actor) -> None:
        factories.make_customer(manager)
        visit = Visit(manager).go(routes.PIVOT).press("pivot_export").press("Make the workbook")
        assert visit.refusals == [zh("Say what the workbook is for: it is noted in the audit log.")]
        visit.fill(pivot_reason="周会").press("Make the workbook")
        with db.reading(SYSTEM) as session:
            line = session.execute(select(ChangeLog).where(ChangeLog.entity == "pivot")).scalar_one()
        assert (line.action, line.reason, line.actor_id) == ("exported", "周会", manager.id)


@pytest.mark.parametrize("address", [{"row": "phone", "subject": "x"}, {"measure": "sum", "subject": "follow_ups"}, {"since": "99"}])
def test_an_address_typed_by_hand_opens_what_there_is(any_database: str, sales: Actor, address: dict[str, str]) -> None:
    assert not Visit(sales).go(routes.PIVOT, **address).refusals
