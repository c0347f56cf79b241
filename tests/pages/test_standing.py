"""Tag rules, tiers, status, verification and tasks as people use them on their pages."""

from datetime import timedelta

from sqlalchemy import select

from crm_core import db
from crm_core.clock import today
from crm_core.models import Customer, Task
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import activity, derived, hand_tiers, tag_rules, tags, verification
from crm_core.services.activity import ActivityPolicy
from crm_core.services.measures import Condition
from tests import factories
from tests.pages.texts import texts_of
from tests.pages.visit import Visit, zh
from ui import routes


def stored(customer: Customer) -> Customer:
    with db.reading(SYSTEM) as session:
        return session.get_one(Customer, customer.id)


def says(visit: Visit, words: str) -> bool:
    return any(words in text for text in texts_of(visit))


def test_an_administrator_makes_a_rule_and_sees_first_what_it_does(administrator: Actor) -> None:
    other, customer = factories.make_customer(administrator, stage="qualified"), factories.make_customer(administrator)
    with db.transaction(administrator) as session:
        tags.set_tags(session, administrator, other.code, ["新线索"])
    visit = Visit(administrator).go(routes.TAG_RULES).press("Add rule")
    visit.enter("rule_field_0", "stage").enter("rule_value_stage_0", ["prospect"]).enter("rule_tag", "新线索")
    assert says(visit, zh("{get} customers would get the tag, {lose} would lose it.").format(get=1, lose=0))
    visit.press("Save")
    with db.reading(SYSTEM) as session:
        assert tags.tags_of(session, customer.id) == ["新线索"]
    visit.press("Edit").press("Add condition").enter("rule_field_1", "kind").enter("rule_value_kind_1", ["individual"])
    assert says(visit, zh("{get} customers would get the tag, {lose} would lose it.").format(get=0, lose=1))
    visit.press("rule_remove_1").press("Save").press("Delete").press("Delete")
    with db.reading(SYSTEM) as session:
        assert tags.tags_of(session, customer.id) == []


def test_a_rule_without_a_tag_cannot_be_saved(administrator: Actor) -> None:
    visit = Visit(administrator).go(routes.TAG_RULES).press("Add rule")
    assert visit.widget("Save").disabled
    assert says(visit, zh("Choose a tag, or type a new one."))


def test_a_rule_that_somebody_else_changed_is_not_overwritten(administrator: Actor) -> None:
    def save(version: int) -> None:
        condition = Condition("incomplete", "is_not" if version else "is")
        with db.transaction(SYSTEM) as session:
            tag_rules.save_rule(session, SYSTEM, version or None, tag="x", conditions=[condition], version=version)

    save(0)
    visit = Visit(administrator).go(routes.TAG_RULES).press("Edit").enter("Rule is on", False)
    save(1)
    visit.press("Save")
    assert visit.refusals


def test_who_saves_thresholds_second_sees_what_the_first_saved(administrator: Actor) -> None:
    visit = Visit(administrator).go(routes.STANDING).enter("activity_lost", 400)
    with db.transaction(SYSTEM) as session:
        activity.save_activity_policy(session, SYSTEM, ActivityPolicy(60, 300), version=0)
    visit.press("activity_save")
    assert [visit.widget(name).value for name in ("activity_dormant", "activity_lost")] == [60, 300]
    assert visit.toasts == [zh("Somebody else saved the rules meanwhile. These are theirs; enter your change again.")]
    visit.enter("activity_lost", 400).press("activity_save")
    with db.reading(SYSTEM) as session:
        assert activity.get_activity_policy(session)[0] == ActivityPolicy(60, 400)


def test_thresholds_show_whom_they_move_before_they_are_saved(administrator: Actor) -> None:
    bought = {"first_cooperated_on": today() - timedelta(days=9), "last_cooperated_on": today() - timedelta(days=5)}
    customer = factories.make_customer(administrator, stage="customer", cooperation_amount="300000", **bought)
    visit = Visit(administrator).go(routes.STANDING).enter("tier_a", "20万")
    assert says(visit, zh("With these amounts {count} customers change their tier:").format(count=1))
    assert stored(customer).tier == "B"
    visit.press("tier_save")
    assert stored(customer).tier == "A"
    visit.enter("tier_a", "1")
    assert visit.refusals
    assert visit.widget("tier_save").disabled
    visit.go(routes.STANDING).enter("activity_dormant", 3).press("activity_save")
    assert stored(customer).activity == "dormant"
    visit.enter("verify_high", 1).press("verify_save")
    assert (stored(customer).verify_on or today()) <= today() + timedelta(days=31)


def test_a_tier_is_set_by_hand_with_its_reason(sales: Actor) -> None:
    customer = factories.make_customer(sales)
    visit = Visit(sales).go(routes.CUSTOMER, code=customer.code).press("Set tier").enter("tier_choice", "A").press("Save")
    assert visit.refusals
    visit.enter("tier_reason", "战略客户").press("Save")
    assert (stored(customer).tier, stored(customer).tier_reason) == ("A", "战略客户")


def test_a_verification_that_finds_a_mistake_leads_through_its_correction(sales: Actor) -> None:
    customer = factories.make_customer(sales)
    with db.transaction(SYSTEM) as session:
        session.get_one(Customer, customer.id).verify_on = today()
        session.flush()
        verification.open_due(session)
    visit = Visit(sales).go(routes.CUSTOMER, code=customer.code)
    assert says(visit, zh("Verification due since {day}").format(day=today()))
    visit.press("Verify").enter("verify_wrong", ["address"]).enter("verify_note", "搬家了").press("Record verification")
    assert not says(visit, zh("Verification due since {day}").format(day=today()))
    visit.go(routes.TASKS)
    (number,) = (node.key for node in visit.elements("button") if (node.key or "").startswith("task_done_"))
    visit.press(number).enter("task_note", "改好了").press("Done")
    assert visit.refusals
    Visit(sales).go(routes.EDIT, code=customer.code).fill(edit__address="新街 1 号").press("Save")
    visit.press("Done")
    with db.reading(sales) as session:
        assert factories.own_tasks(session, sales) == []
        assert session.execute(select(Task.done_note).where(Task.kind == "correction")).scalar_one() == "改好了"


def test_a_manager_passes_a_task_on_and_a_salesperson_cannot(manager: Actor, sales: Actor, colleague: Actor) -> None:
    Visit(sales).go(routes.TASKS).press("Add task").enter("task_name", "回访").press("Add task")
    visit = Visit(sales).go(routes.TASKS)
    assert visit.has("Done")
    assert not visit.has("Pass on")
    visit = Visit(manager).go(routes.TASKS).enter("tasks_whose", "all").press("Pass on")
    visit.enter("task_assignee", colleague.id).press("Pass on")
    with db.reading(colleague) as session:
        assert [task.name for task in factories.own_tasks(session, colleague)] == ["回访"]


def test_the_list_is_filtered_by_status(sales: Actor) -> None:
    factories.make_customer(sales)
    with db.transaction(SYSTEM) as session:
        derived.derive_all(session)
    assert len(Visit(sales).go(routes.CUSTOMERS, activity="active").rows) == 1
    assert len(Visit(sales).go(routes.CUSTOMERS, activity="dormant").rows) == 0


def test_a_tier_that_somebody_else_set_meanwhile_is_not_overwritten(sales: Actor, manager: Actor) -> None:
    customer = factories.make_customer(sales)
    visit = Visit(sales).go(routes.CUSTOMER, code=customer.code).pick("customer_menu", "tier")
    visit.fill(tier_choice="C", tier_reason="x")
    with db.transaction(manager) as session:
        hand_tiers.set_tier(session, manager, customer.id, "A", reason="战略客户", until=None)
    assert len(visit.press("Save").refusals) == 1
    assert (stored(customer).tier, stored(customer).tier_reason) == ("A", "战略客户")
    visit.go(routes.CUSTOMER, code=customer.code).pick("customer_menu", "tier").fill(tier_choice="C", tier_reason="x").press("Save")
    assert stored(customer).tier == "C"
