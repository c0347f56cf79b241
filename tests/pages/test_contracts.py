"""The page of contracts, the sheet of one of them with its payments, the customer's tab, and the targets."""

from datetime import timedelta

import pytest

from crm_core import clock, db
from crm_core.models import Contract, Customer
from crm_core.permissions import Actor
from crm_core.services import contracts, payments, targets
from crm_core.services.contract_views import list_of_customer
from tests import factories
from tests.core.test_contracts import make_product, sheet_of, sign, stored, won_opportunity
from tests.pages.test_stage_changes import shows
from tests.pages.visit import Visit, zh
from ui import routes


@pytest.fixture
def customer(any_database: str, sales: Actor) -> Customer:
    return factories.make_customer(sales, stage="customer")


def put(actor: Actor, contract: Contract, *, planned: int = 0, received: int = 0) -> None:
    with db.transaction(actor) as session:
        plan = [{"due_on": clock.today() - timedelta(days=2), "amount": planned}] if planned else []
        payments.set_plan(session, actor, contract.id, plan, version=contract.version)
        if received:
            payments.record_payment(session, actor, contract.id, {"received_on": clock.today(), "amount": received, "note": "定金"})


def opened(actor: Actor, contract: Contract) -> Visit:
    return Visit(actor).go(routes.CONTRACTS, contract=str(contract.id))


class TestList:
    def test_all_contracts_stand_there_with_their_totals_and_filters_in_the_address(self, customer: Customer, sales: Actor) -> None:
        made = sign(sales, customer, product="排产系统")
        sign(sales, customer, product="年度维护", amount="50000")
        put(sales, made, planned=30_000, received=10_000)
        visit = Visit(sales).go(routes.CONTRACTS)
        assert [metric.value for metric in visit.tab.metric] == ["2", "¥150,000", "¥10,000", "¥20,000"]
        visit.enter("overdue", True)
        assert (shows(visit, "排产系统"), shows(visit, "年度维护"), visit.query["overdue"]) == (True, False, "1")
        assert shows(Visit(sales).go(routes.CONTRACTS, q="年度"), "年度维护")

    def test_where_nothing_is_the_page_says_how_a_contract_comes_about_and_clears_filters(self, any_database: str, sales: Actor) -> None:
        assert shows(Visit(sales).go(routes.CONTRACTS), zh("No contracts yet"))
        visit = Visit(sales).go(routes.CONTRACTS, state="void")
        assert shows(visit, zh("No contract matches"))
        assert shows(visit.press("Clear all filters"), zh("No contracts yet"))

    def test_service_opens_neither_page_nor_tab(self, customer: Customer, sales: Actor) -> None:
        service = factories.make_user(role="service")
        sign(sales, customer)
        for page in (routes.CONTRACTS, routes.TARGETS):
            assert Visit(service).go(page).refusals
        visit = Visit(service).go(routes.CUSTOMER, code=customer.code)
        assert zh("Contracts") not in [tab.label for tab in visit.tab.tabs]


class TestSheet:
    def test_a_payment_is_recorded_up_to_what_is_left(self, customer: Customer, sales: Actor) -> None:
        made = sign(sales, customer)
        put(sales, made, planned=30_000)
        visit = opened(sales, made)
        assert shows(visit, zh("Overdue"))
        visit.press("contract_pay")
        assert visit.widget("payment_amount").value == "30000"
        visit.enter("payment_amount", "100000.01").press("Record payment")
        assert shows(
            visit, zh("Of {amount}, {left} are left to be received. Enter at most that.").format(amount="¥100,000", left="¥100,000")
        )
        visit.enter("payment_amount", "30000").press("Record payment")
        assert visit.toasts == [zh("The payment is recorded.")]
        assert sheet_of(sales, made).received == 30_000

    def test_a_payment_is_corrected_and_removed_for_a_reason(self, customer: Customer, sales: Actor) -> None:
        made = sign(sales, customer)
        put(sales, made, received=10_000)
        (payment,) = sheet_of(sales, made).payments
        visit = opened(sales, made).press(f"payment_correct_{payment.id}").enter("payment_amount", "5").press("Save")
        assert shows(visit, zh("Say why the payment is changed."))
        visit.enter("payment_reason", "记错").press("Save")
        assert sheet_of(sales, made).received == 5
        opened(sales, made).press(f"payment_remove_{payment.id}").enter("payment_reason", "退回").press("Remove")
        assert sheet_of(sales, made).payments == []

    def test_who_plans_or_corrects_second_is_told_and_overwrites_nothing(self, customer: Customer, sales: Actor, manager: Actor) -> None:
        made = sign(sales, customer)
        put(sales, made, planned=30_000, received=10_000)
        (payment,) = sheet_of(sales, made).payments
        planning = opened(sales, made).press("Plan payments").enter("payment_planned_0", "1")
        correcting = opened(sales, made).press(f"payment_correct_{payment.id}").enter("payment_amount", "5").enter("payment_reason", "记错")
        with db.transaction(manager) as session:
            version = stored(Contract, made.id).version
            payments.set_plan(session, manager, made.id, [{"due_on": clock.today(), "amount": 40_000}], version=version)
            values = {"received_on": clock.today(), "amount": 7}
            payments.correct_payment(session, manager, payment.id, values, version=payment.version, reason="记错")
        for visit in (planning, correcting):
            assert visit.press("Save").refusals
        sheet = sheet_of(sales, made)
        assert ([one.amount for one in sheet.plan], sheet.received) == ([40_000], 7)

    def test_a_plan_is_entered_row_by_row(self, customer: Customer, sales: Actor) -> None:
        made = sign(sales, customer)
        visit = opened(sales, made).press("Plan payments").enter("payment_due_0", clock.today()).enter("payment_planned_0", "100001")
        visit.press("Save")
        assert shows(visit, zh("{planned} are planned, the contract is worth {amount}. Take {excess} away.").format(
            planned="¥100,001", amount="¥100,000", excess="¥1"
        ))  # fmt: skip
        visit.enter("payment_planned_0", "100000").press("payment_row").press("Save")
        assert [one.amount for one in sheet_of(sales, made).plan] == [100_000]

    def test_it_is_corrected_made_void_and_restored(self, customer: Customer, sales: Actor) -> None:
        made = sign(sales, customer)
        visit = opened(sales, made).press("Edit").fill(contract__amount="120000").press("Save")
        assert shows(visit, zh("Say why an existing value is corrected."))
        visit.fill(contract__reason="补充协议").press("Save")
        assert stored(Contract, made.id).amount == 120_000
        visit = opened(sales, made).press("Make void").enter("contract_void_reason", "重签").press("Make void")
        assert stored(Customer, customer.id).cooperation_amount == 860_000
        opened(sales, made).press("contract_restore")
        assert stored(Customer, customer.id).cooperation_amount == 980_000

    def test_who_comes_second_sees_what_is_saved_now(self, customer: Customer, sales: Actor, manager: Actor) -> None:
        made = sign(sales, customer)
        visit = opened(sales, made).press("Edit").fill(contract__remark="乙", contract__reason="更正")
        with db.transaction(manager) as session:
            contracts.update_contract(session, manager, made.id, {"remark": "甲"}, version=made.version, reason="更正")
        visit.press("Save")
        assert shows(visit, manager.name)
        assert visit.widget("contract.remark").value == "甲"
        assert shows(visit, "乙")

    def test_a_file_of_the_contract_stands_with_it(self, customer: Customer, sales: Actor) -> None:
        made = sign(sales, customer)
        opened(sales, made).press("Add a file").upload("合同.pdf", factories.PDF).press("Save")
        assert len(sheet_of(sales, made).files) == 1

    def test_who_only_reads_finds_no_buttons_and_an_unknown_contract_is_told(self, customer: Customer, sales: Actor) -> None:
        made, viewer = sign(sales, customer), factories.make_user(role="marketing")
        visit = opened(viewer, made)
        assert shows(visit, made.number)
        assert not visit.has("contract_pay")
        assert Visit(sales).go(routes.CONTRACTS, contract="999").refusals


class TestOfCustomer:
    def test_one_more_contract_is_signed_with_products(self, customer: Customer, sales: Actor) -> None:
        with db.transaction(sales) as session:
            product_id = make_product(session, "采集网关", price=1234)
        visit = Visit(sales).go(routes.CUSTOMER, code=customer.code).open_tab("detail_tab", "Contracts").press("contract_new")
        visit.press("Sign contract")
        assert shows(visit, zh("{label} is required.").format(label=zh("Contract amount")))
        visit.press("contract_line_add").enter("contract_line_product_id_0", product_id)
        assert (visit.widget("contract_line_price_0").value, visit.has("contract.amount")) == ("1234", False)
        visit.enter("contract_line_quantity_0", "2").press("Sign contract")
        assert stored(Customer, customer.id).cooperation_amount == 862_468
        visit.open_tab("detail_tab", "Contracts")
        assert shows(visit, "采集网关")
        assert shows(visit, zh("besides them {amount} entered from before").format(amount="¥860,000"))

    def test_the_list_signs_one_for_a_customer_that_is_looked_for_and_won(self, any_database: str, sales: Actor) -> None:
        won, open_one = factories.make_customer(sales, stage="customer"), factories.make_customer(sales)
        visit = Visit(sales).go(routes.CONTRACTS).press("contract_new")
        assert shows(visit, zh("Choose the customer first."))
        visit.enter("contract_customer_phrase", open_one.code).fill(contract__product="网关", contract__amount="5").press("Sign contract")
        assert any("尚未成交" in refusal for refusal in visit.refusals)
        visit.enter("contract_customer_phrase", won.code).press("Sign contract")
        with db.reading(sales) as session:
            assert [row.product for row in list_of_customer(session, sales, won.id).rows] == ["网关"]

    @pytest.mark.parametrize(("stage", "button"), [("customer", "Sign contract"), ("qualified", "Change type")])
    def test_a_won_opportunity_opens_one_dialog_that_signs_its_contract(
        self, any_database: str, sales: Actor, stage: str, button: str
    ) -> None:
        customer = factories.make_customer(sales, stage=stage)
        won = won_opportunity(customer, factories.make_product())
        visit = Visit(sales).go(routes.OPPORTUNITIES, opportunity=str(won)).press("opportunity_sign")
        assert visit.page == routes.CONTRACTS
        visit.press(button)
        after = stored(Customer, customer.id)
        assert (after.stage, after.cooperation_amount) == ("customer", 865_000 if stage == "customer" else 5_000)
        assert visit.toasts
        with db.reading(sales) as session:
            (row,) = list_of_customer(session, sales, customer.id).rows
        assert stored(Contract, row.id).opportunity_id == won
        sheet = Visit(sales).go(routes.OPPORTUNITIES, opportunity=str(won))
        assert not sheet.has("opportunity_sign")
        assert sheet.press(f"opportunity_contract_{row.id}").page == routes.CONTRACTS


class TestTargets:
    def test_people_are_ranked_and_teams_summed(self, customer: Customer, sales: Actor, administrator: Actor) -> None:
        sign(sales, customer, amount="333", signed_on=clock.today())
        month, year = clock.today().month, clock.today().year
        with db.transaction(administrator) as session:
            targets.save_targets(session, administrator, year, "signed", {("user", sales.id or 0): {month: "1000"}}, seen={})
        visit = Visit(administrator).go(routes.TARGETS)
        (ranking,) = [one.value for one in visit.tab.dataframe if zh("Rank") in one.value.columns]
        assert ranking.iloc[0].tolist() == [1, sales.name, "¥1,000", "¥333", "¥667", 33.3]
        assert shows(Visit(administrator).go(routes.TARGETS, year="2001"), zh("No targets and no contracts in this time"))

    def test_the_grid_is_for_those_who_set_targets(self, any_database: str, sales: Actor, administrator: Actor) -> None:
        assert Visit(administrator).go(routes.TARGETS).has("targets_save")
        assert not Visit(sales).go(routes.TARGETS).has("targets_save")
