"""The dialog that changes a customer's type, the contracts and the history on the customer's page, the customer's own remark."""

import pytest
from sqlalchemy import select

from crm_core import clock, db
from crm_core.models import Customer
from crm_core.permissions import SYSTEM, Actor
from crm_core.services.stage_changes import change_stage
from tests import factories
from tests.pages.texts import texts_of
from tests.pages.visit import Visit, zh
from ui import routes

SIGNED = {"contract.product": "排产软件", "contract.amount": "128000", "contract.signed_on": "2024-05-06", "core_need": "x"}


def stored(customer: Customer) -> Customer:
    with db.reading(SYSTEM) as session:
        return session.execute(select(Customer).where(Customer.id == customer.id)).scalar_one()


def moved(actor: Actor, customer: Customer, to: str = "customer") -> None:
    with db.transaction(actor) as session:
        change_stage(session, actor, customer.id, to, SIGNED, version=stored(customer).version, reason="签下首单", feedback="很满意")


def dialog(actor: Actor, customer: Customer, to: str) -> Visit:
    return Visit(actor).go(routes.CUSTOMER, code=customer.code).press("Change type").enter("move.to", to)


def shows(visit: Visit, text: str) -> bool:
    return any(text in one for one in texts_of(visit))


def test_the_dialog_offers_what_can_follow_and_asks_for_what_that_demands(sales: Actor) -> None:
    visit = dialog(sales, factories.make_customer(sales, stage="qualified", wanted_products="网关"), "customer")
    assert visit.widget("move.to").options == [zh(one) for one in ("Customer (won)", "Partner", "Churned", "Prospect")]
    assert (visit.widget("move.contract.product").value, visit.widget("move.contract.signed_on").value) == ("网关", clock.today())
    assert not visit.has("move.churn_reason")
    visit.enter("move.to", "partner").enter("move.to", "customer")
    assert visit.widget("move.contract.product").value == "网关"
    visit.enter("move.to", "churned")
    assert [visit.has(name) for name in ("move.contract.amount", "move.churn_reason", "move.cooperation_amount", "move.reason")] == [
        False,
        True,
        True,
        False,
    ]


def test_a_customer_is_won_and_the_page_shows_the_contract(sales: Actor) -> None:
    customer = factories.make_customer(sales, stage="qualified")
    visit = dialog(sales, customer, "customer").press("Change type")
    assert shows(visit, zh("{label} is required.").format(label=zh("Contract amount")))
    assert stored(customer).stage == "qualified"
    visit.fill(move__contract__product="排产软件", move__contract__amount="12.8万", move__feedback="很满意").press("Change type")
    assert visit.toasts == [zh("The customer's type is now: {stage}.").format(stage=zh("Customer (won)"))]
    assert (stored(customer).stage, stored(customer).cooperation_amount) == ("customer", 128_000)
    visit.open_tab("detail_tab", "Contracts")
    assert all(shows(visit, text) for text in (f"HT{clock.today():%Y%m}001", "排产软件", "¥128,000", clock.today().isoformat()))


def test_who_is_too_late_is_told_who_was_first_and_chooses_anew(sales: Actor, manager: Actor) -> None:
    customer = factories.make_customer(sales, stage="qualified")
    visit = dialog(sales, customer, "partner")
    with db.transaction(manager) as session:
        change_stage(session, manager, customer.id, "customer", SIGNED, version=1)
    visit.press("Change type")
    assert shows(visit, manager.name)
    assert stored(customer).stage == "customer"
    assert visit.widget("move.to").options == [zh("Partner"), zh("Churned")]
    visit.fill(move__reason="转为渠道").press("Change type")
    assert stored(customer).stage == "partner"


def test_the_dialog_begins_anew_each_time_it_is_opened(sales: Actor) -> None:
    customer = factories.make_customer(sales, stage="qualified")
    visit = dialog(sales, customer, "customer").fill(move__contract__product="旧").press("Change type").press("leave_dialog")
    visit.press("Change type")
    assert visit.widget("move.to").value is None
    visit.enter("move.to", "customer")
    assert visit.widget("move.contract.product").value == ""
    assert not shows(visit, zh("{label} is required.").format(label=zh("Contract amount")))


def test_a_customer_without_contracts_says_how_one_comes_about(sales: Actor) -> None:
    customer = factories.make_customer(sales)
    visit = Visit(sales).go(routes.CUSTOMER, code=customer.code).open_tab("detail_tab", "Contracts")
    assert shows(visit, zh("No contracts yet"))


def test_the_change_log_can_be_narrowed_to_a_field_and_a_kind_of_event(sales: Actor) -> None:
    customer = factories.make_customer(sales, stage="qualified")
    moved(sales, customer)
    visit = Visit(sales).go(routes.CUSTOMER, code=customer.code).open_tab("detail_tab", "Change log")
    assert shows(visit, zh("Customer type over time"))
    everything = len(visit.tab.dataframe[0].value)
    visit.enter(f"history_field_{customer.id}", ("customer", "cooperation_amount"))
    values, lines = (frame.value for frame in visit.tab.dataframe)
    assert values[zh("Value")].tolist() == ["¥128,000", zh("(empty)")]
    assert (len(lines), lines[zh("Customer's own remark")].tolist()) == (1, ["很满意"])
    visit.enter(f"history_field_{customer.id}", None).enter(f"history_action_{customer.id}", "created")
    assert 0 < len(visit.tab.dataframe[0].value) < everything
    visit.enter(f"history_field_{customer.id}", ("customer", "stage"))
    assert shows(visit, zh("Nothing of this kind happened to this field."))


@pytest.mark.parametrize("remark", ["感谢及时更新，沟通效率很高", "长" * 501])
def test_an_edit_carries_the_customers_own_remark(sales: Actor, remark: str) -> None:
    customer = factories.make_customer(sales)
    visit = Visit(sales).go(routes.EDIT, code=customer.code).fill(edit__remark="x", edit_feedback=remark).press("Save")
    lines = factories.log_of("customer", customer.id, field="remark")
    assert [line.feedback for line in lines] == ([remark] if len(remark) <= 500 else [])
    assert (visit.page == routes.CUSTOMER) is bool(lines)


def test_a_remark_alone_is_not_swallowed(sales: Actor) -> None:
    customer = factories.make_customer(sales)
    visit = Visit(sales).go(routes.EDIT, code=customer.code).fill(edit_feedback="谢谢").press("Save")
    assert shows(visit, zh("A remark is kept with a change. Change something first, or leave the remark empty."))


def test_an_edit_is_told_of_a_change_of_type_meanwhile(sales: Actor, manager: Actor) -> None:
    customer = factories.make_customer(sales, stage="customer")
    visit = Visit(sales).go(routes.EDIT, code=customer.code).fill(edit__remark="x", edit__cooperation_amount="1", edit_reason="更正")
    with db.transaction(manager) as session:
        change_stage(session, manager, customer.id, "partner", {}, version=customer.version, reason="转为渠道")
    visit.press("Save")
    told = zh("The other person changed {field}: {old} → {new}")
    expected = told.format(field="**" + zh("Customer type") + "**", old=zh("Customer (won)"), new=zh("Partner"))
    assert shows(visit, expected)
    assert not visit.has("conflict_cooperation_amount")  # partners do not show it
    visit.press("Save this choice")
    after = stored(customer)
    assert (after.stage, after.remark, after.cooperation_amount) == ("partner", "x", 860_000)
