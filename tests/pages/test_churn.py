"""The page of churn warnings: the list, a plan begun and ended, the proof, the rules, the customer's page and the workbench."""

import pytest
from sqlalchemy import select

from crm_core import db
from crm_core.models import ChurnPlan, Customer, Role, Task
from crm_core.permissions import SYSTEM, Actor, Permission
from crm_core.services.churn import policy
from tests import factories
from tests.core.test_churn import make, quiet, reckon, touch
from tests.pages.texts import texts_of
from tests.pages.visit import Visit, zh
from ui import routes


@pytest.fixture
def at_risk(sales: Actor) -> Customer:
    """A customer at high risk and one at low, with their scores."""
    made = quiet(sales, name="杭州恒远机械有限公司")
    touch(make(sales, name="宁波海岳物流有限公司"), 3)
    reckon()
    return made


def shown(visit: Visit) -> str:
    return "\n".join(texts_of(visit))


def only() -> ChurnPlan:
    with db.reading(SYSTEM) as session:
        return session.execute(select(ChurnPlan)).scalar_one()


def test_a_plan_is_begun_and_ended_on_the_page(sales: Actor, at_risk: Customer) -> None:
    visit = Visit(sales).go(routes.CHURN)
    assert at_risk.name in shown(visit)
    assert "宁波海岳" not in shown(visit)
    visit.press("Win back").enter("plan_step_0_0", "先打电话").press("Begin plan")
    assert visit.toasts
    assert zh("Plan is running") in shown(visit)
    assert not visit.has("Win back")
    with db.reading(sales) as session:
        names = session.execute(select(Task.name).order_by(Task.id)).scalars().all()
    assert (len(names), names[0], only().started_by_id) == (3, "先打电话", sales.id)
    visit = Visit(sales).go(routes.CHURN, view="plans").press("End plan")
    visit.enter("Outcome", "won_back").press("Save outcome")
    assert only().outcome == "won_back"
    assert "100%" in shown(visit)


def test_the_list_is_filtered_and_a_row_opens_the_customer(sales: Actor, at_risk: Customer) -> None:
    visit = Visit(sales).go(routes.CHURN, band="low")
    assert "宁波海岳" in shown(visit)
    assert at_risk.name not in shown(visit)
    visit.go(routes.CHURN, tier="C")
    assert zh("No customer matches") in shown(visit)
    assert visit.press("Clear all filters").query == {}
    assert visit.press(f"risk_open_{at_risk.id}").page == routes.CUSTOMER
    assert zh("High risk") in shown(visit)


def test_empty_states_say_why_there_is_nothing(sales: Actor, stranger: Actor, at_risk: Customer) -> None:
    assert zh("Nobody is at risk") in shown(Visit(stranger).go(routes.CHURN))
    assert zh("No win-back plan yet") in shown(Visit(stranger).go(routes.CHURN, view="plans"))
    proof = shown(Visit(stranger).go(routes.CHURN, view="proof"))
    assert zh("Too little history for a proof") in proof
    assert "NaN" not in proof


def test_before_the_first_scores_the_page_says_when_they_come(sales: Actor) -> None:
    assert zh("No scores yet") in shown(Visit(sales).go(routes.CHURN))


def test_who_may_not_edit_customers_begins_no_plan_and_who_sees_no_warnings_sees_no_line(sales: Actor, at_risk: Customer) -> None:
    viewer = factories.make_user(role="viewer")
    clerk = factories.make_user(role="service")
    with db.transaction(SYSTEM) as session:
        role = session.execute(select(Role).where(Role.code == "service")).scalar_one()
        role.permissions = [*role.permissions, Permission.CHURN_READ]
    assert not Visit(viewer).go(routes.CHURN).has("Win back")
    visit = Visit(clerk).go(routes.CHURN)
    assert at_risk.name in shown(visit)
    assert not visit.has("Win back")
    assert zh("High risk") in shown(Visit(clerk).go(routes.CUSTOMER, code=at_risk.code))
    marketing = factories.make_user(role="marketing")
    assert zh("High risk") not in shown(Visit(marketing).go(routes.CUSTOMER, code=at_risk.code))


def test_own_customers_at_high_risk_stand_on_the_workbench(sales: Actor, colleague: Actor, at_risk: Customer) -> None:
    visit = Visit(sales).go(routes.HOME)
    assert visit.has(f"open_risk_{at_risk.id}")
    assert visit.press("all_at_risk").page == routes.CHURN
    assert not Visit(colleague).go(routes.HOME).has(f"open_risk_{at_risk.id}")


def test_the_administrator_edits_rules_and_templates(administrator: Actor) -> None:
    visit = Visit(administrator).go(routes.CHURN_RULES)
    visit.fill(churn_rules__high_from=75, churn_rules__amount="200000")
    visit.fill(churn_rules__name__2="高层拜访", churn_rules__steps__2="2 约总经理\n\n6 拜访").press("Save")
    with db.reading(SYSTEM) as session:
        rules, _version = policy.get_churn_policy(session)
    assert (rules.high_from, rules.amount_from) == (75, 200_000)
    assert [one.name for one in rules.plans][-1] == "高层拜访"
    assert [(step.workdays, step.name) for step in rules.plans[-1].steps] == [(2, "约总经理"), (6, "拜访")]
    visit.fill(churn_rules__steps__0="打电话").press("Save")
    assert "打电话" in visit.refusals[0]


def test_a_plan_is_begun_from_the_customers_page_too_and_only_one(sales: Actor, at_risk: Customer) -> None:
    visit = Visit(sales).go(routes.CUSTOMER, code=at_risk.code).pick("customer_menu", "winback")
    visit.press("Begin plan")
    assert only().customer_id == at_risk.id
    visit.go(routes.CUSTOMER, code=at_risk.code).pick("customer_menu", "winback")
    assert only().name in shown(visit)
    assert not visit.has("Begin plan")
