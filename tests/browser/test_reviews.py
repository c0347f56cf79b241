"""审核 in a real browser: submitted, returned, corrected, approved."""

import pytest

from crm_core import db
from crm_core.permissions import SYSTEM
from crm_core.services import drafts, review_rules
from crm_core.services.review_rules import Rule
from crm_core.services.teams import create_team, list_teams, update_team
from tests import factories
from tests.browser.conftest import Server
from tests.browser.desk import Desk, zh
from tests.conftest import forget_settings, use_database

NAME = "杭州恒远精密机械有限公司"


def prepare(server: Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """A salesperson with a filled draft, the head of their team, and a rule that asks the head."""
    use_database(monkeypatch, server.folder, "")
    with db.transaction(SYSTEM) as session:
        team = create_team(session, SYSTEM, name="华东组")
    head = factories.make_user(role="manager", username="manager", name="主管乙", team_id=team)
    sales = factories.make_user(username="sales", name="销售丙", team_id=team)
    values = factories.customer_values(name=NAME) | {"contacts": [factories.contact_values(name="陈立群")]}
    with db.transaction(SYSTEM) as session:
        update_team(session, SYSTEM, team, name=list_teams(session)[team], parent_id=None, head_id=head.id)
        review_rules.save_rule(session, SYSTEM, None, Rule(roles=("sales",)), version=0)
    with db.transaction(sales) as session:
        draft_id = drafts.start_draft(session, sales, values)
    forget_settings()
    return draft_id


def submit(desk: Desk) -> None:
    desk.click("Submit")
    desk.page.get_by_text(zh("Name and phone are right")).click()
    desk.settle()
    desk.click("Save customer")
    desk.page.wait_for_url("**/review?code=*")
    desk.settle()


def test_an_entry_is_submitted_returned_corrected_and_approved(
    server: Server, desk: Desk, second_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft_id = prepare(server, monkeypatch)
    desk.go(f"/intake?draft={draft_id}")
    desk.sign_in("sales", factories.PASSWORD)
    submit(desk)
    desk.sees(zh("Waiting for review"))

    second_desk.go("/reviews")
    second_desk.sign_in("manager", factories.PASSWORD)
    second_desk.sees(NAME)
    second_desk.click("Open", exact=False)
    second_desk.click("Return")
    second_desk.click("The source is not concrete enough.", exact=False)
    second_desk.click("Return to the author", exact=False)
    second_desk.page.wait_for_url("**/reviews")

    desk.go(desk.page.url.removeprefix(desk.url))
    desk.sees(zh("The source is not concrete enough."))
    desk.click("Correct")
    desk.page.wait_for_url("**/intake?draft=*")
    desk.settle()
    desk.sees(zh("The source is not concrete enough."))
    desk.type("Source detail", "2026年长三角智能制造展")
    submit(desk)

    second_desk.go("/reviews")
    second_desk.click("Open", exact=False)
    second_desk.sees("2026年长三角智能制造展")
    second_desk.sees("2023年行业展会")
    second_desk.click("Approve")
    second_desk.page.wait_for_url("**/reviews")
    second_desk.sees(zh("Nothing waits for your review"))

    desk.go("/customers")
    desk.page.wait_for_selector(".rows .name")
    assert desk.complaints == []
    assert second_desk.foreign == []
