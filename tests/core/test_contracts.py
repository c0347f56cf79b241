"""Contracts: numbers, days, products, corrections, voiding; who sees them and their files."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import event, select, update

from crm_core import clock
from crm_core.db import CrmSession, engine, reading, transaction
from crm_core.errors import Conflict, IllegalTransition, NotAllowed, NotFound, ValidationFailed
from crm_core.i18n import in_language
from crm_core.models import Contract, ContractLine, Customer, Notice, Product, ProductPrice
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import attachments, contract_reminders, contracts, history, payments, transfers
from crm_core.services.contract_sheets import Sheet, get_sheet
from crm_core.services.contract_views import ContractQuery, list_contracts, list_of_customer
from crm_core.services.file_store import store_file
from crm_core.services.opportunities import Line, create_opportunity
from crm_core.services.opportunity_moves import win_opportunity
from crm_core.services.timeline import list_events
from tests import factories

TERMS = {"product": "排产系统", "amount": "100000", "signed_on": "2024-05-06"}


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    """Sentences as they stand in the source."""
    with in_language("en"):
        yield


@pytest.fixture
def customer(database: str, sales: Actor) -> Customer:
    """One that was won, with 860,000 yuan entered from before."""
    return factories.make_customer(sales, stage="customer")


def sign(actor: Actor, customer: Customer, **over: Any) -> Contract:
    asked = {name: over.pop(name) for name in ("lines", "opportunity_id", "owner_id") if name in over}
    with transaction(actor) as session:
        return contracts.add_contract(session, actor, customer.id, TERMS | over, **asked)


def stored(model: Any, key: int) -> Any:
    with reading(SYSTEM) as session:
        return session.get_one(model, key)


def sheet_of(actor: Actor, contract: Contract) -> Sheet:
    with reading(actor) as session:
        return get_sheet(session, actor, contract.id)


def edit(actor: Actor, contract: Contract, reason: str = "更正", **changes: Any) -> Contract:
    asked = {name: changes.pop(name) for name in ("lines", "owner_id") if name in changes}
    with transaction(actor) as session:
        version = stored(Contract, contract.id).version
        return contracts.update_contract(session, actor, contract.id, changes, version=version, reason=reason, **asked)


def void(actor: Actor, contract: Contract, reason: str = "重签") -> Contract:
    with transaction(actor) as session:
        return contracts.void_contract(session, actor, contract.id, version=stored(Contract, contract.id).version, reason=reason)


def make_product(session: CrmSession, name: str, price: int = 100, **over: Any) -> int:
    product = Product(code=f"P{factories.unique_number()}", name=name, **over)
    session.add(product)
    session.flush()
    session.add(ProductPrice(product_id=product.id, price=Decimal(price), valid_from=date(2020, 1, 1)))
    return product.id


def won_opportunity(customer: Customer, product: Product, quantity: int = 1, price: int = 5000) -> int:
    with transaction(SYSTEM) as session:
        values = {"name": "二期扩容", "expected_on": clock.today()}
        one = create_opportunity(session, SYSTEM, customer.id, values, lines=[Line(product.id, quantity, price)])
        win_opportunity(session, SYSTEM, one.id, seen=one.stage_id)
        return one.id


class TestSigning:
    def test_one_more_contract_adds_to_what_was_entered_and_counts_for_the_owner(self, customer: Customer, sales: Actor) -> None:
        made = sign(sales, customer, starts_on="2024-05-07", ends_on="2025-05-06", remark="一年")
        after = stored(Customer, customer.id)
        assert made.number.startswith("HT")
        assert (made.owner_id, made.ends_on, made.remark) == (sales.id, date(2025, 5, 6), "一年")
        assert (after.cooperation_amount, after.entered_amount) == (960_000, 860_000)
        assert after.last_cooperated_on == date(2024, 5, 6)

    @pytest.mark.parametrize(
        ("over", "field"),
        [
            ({"amount": "-5"}, "amount"),
            ({"amount": "0"}, "amount"),
            ({"amount": "1e15"}, "amount"),
            ({"signed_on": "2199-01-01"}, "signed_on"),
            ({"starts_on": "2024-06-01", "ends_on": "2024-05-31"}, "ends_on"),
            ({"ends_on": "2024-05-05"}, "ends_on"),
            ({"ends_on": "9999-12-31"}, "ends_on"),
            ({"number": "<b>"}, "number"),
            ({"number": "HT202405001"}, "number"),
            ({"product": ""}, "product"),
            ({"owner_id": 999_999}, "owner_id"),
            ({"opportunity_id": 999_999}, "opportunity_id"),
        ],
    )
    def test_what_cannot_be_is_told_at_its_field_and_nothing_is_kept(
        self, customer: Customer, sales: Actor, over: dict[str, Any], field: str
    ) -> None:
        with pytest.raises(ValidationFailed) as refused:
            sign(sales, customer, **over)
        assert list(refused.value.errors) == [field]
        assert stored(Customer, customer.id).cooperation_amount == 860_000

    def test_a_number_of_ones_own_is_taken_once(self, customer: Customer, sales: Actor) -> None:
        assert sign(sales, customer, number=" 采-2024/7 ").number == "采-2024/7"
        with pytest.raises(ValidationFailed) as refused:
            sign(sales, customer, number="采-2024/7")
        assert "taken by another contract" in refused.value.errors["number"][0]

    @pytest.mark.parametrize("stage", ["prospect", "qualified", "churned"])
    def test_who_is_not_won_is_sent_to_the_change_of_type(self, database: str, sales: Actor, stage: str) -> None:
        with pytest.raises(IllegalTransition, match="Change type"):
            sign(sales, factories.make_customer(sales, stage=stage))

    def test_products_give_the_amount_and_the_name(self, customer: Customer, sales: Actor) -> None:
        with transaction(SYSTEM) as session:
            gateway, service = make_product(session, "采集网关"), make_product(session, "年度运维")
        lines = [
            {"product_id": gateway, "quantity": "20", "price": "1234.56"},
            {"product_id": None, "quantity": "", "price": ""},
            {"product_id": service, "quantity": "1.5", "price": "100.01"},
        ]
        made = sign(sales, customer, product="", amount="1", lines=lines)
        assert (made.amount, made.product) == (Decimal("24841.22"), "采集网关、年度运维")
        assert [line.amount for line in sheet_of(sales, made).lines] == [Decimal("24691.20"), Decimal("150.02")]
        edit(sales, made, lines=[{"product_id": gateway, "quantity": 1, "price": 10}])
        assert stored(Contract, made.id).amount == 10
        (line,) = factories.log_of("contract", made.id, field="lines")
        assert "年度运维" in (line.old or "")
        edit(sales, made, remark="不动产品")
        assert len(sheet_of(sales, made).lines) == 1

    @pytest.mark.parametrize(
        ("row", "field"),
        [
            ({"quantity": "0", "price": "1"}, "lines.0.quantity"),
            ({"quantity": "-1", "price": "1"}, "lines.0.quantity"),
            ({"quantity": "1.005", "price": "1"}, "lines.0.quantity"),
            ({"quantity": "1", "price": "-1"}, "lines.0.price"),
            ({"quantity": "", "price": ""}, "lines.0.quantity"),
            ({"quantity": "1", "price": "0"}, "lines"),
            ({"quantity": "1", "price": "1", "product_id": 999_999}, "lines.0.product_id"),
            ({"quantity": "1", "price": "1", "product_id": None}, "lines.0.product_id"),
            ({"quantity": "", "price": "80", "product_id": None}, "lines.0.product_id"),
            ({"quantity": "1_0", "price": "1"}, "lines.0.quantity"),
            ({"quantity": "1", "price": "0.001"}, "lines.0.price"),
        ],
    )
    def test_a_product_line_that_cannot_be_is_told_at_its_place(
        self, customer: Customer, sales: Actor, row: dict[str, Any], field: str
    ) -> None:
        with transaction(SYSTEM) as session:
            product_id = make_product(session, "采集网关")
        with pytest.raises(ValidationFailed) as refused:
            sign(sales, customer, lines=[{"product_id": product_id, **row}])
        assert field in refused.value.errors

    def test_a_retired_product_is_kept_where_it_is_and_not_sold_anew(self, customer: Customer, sales: Actor) -> None:
        with transaction(SYSTEM) as session:
            product_id = make_product(session, "旧网关")
        line = {"product_id": product_id, "quantity": 1, "price": 10}
        made = sign(sales, customer, lines=[line])
        with transaction(SYSTEM) as session:
            session.get_one(Product, product_id).is_active = False
        edit(sales, made, lines=[line | {"quantity": 2}])
        with pytest.raises(ValidationFailed):
            sign(sales, customer, lines=[line])

    def test_a_won_opportunity_proposes_its_contract_with_its_products(self, customer: Customer, sales: Actor) -> None:
        won = won_opportunity(customer, factories.make_product(name="采集网关"), 3, 200)
        with reading(sales) as session:
            proposal = contracts.propose_from(session, sales, won)
        assert (proposal.values["amount"], proposal.values["product"], proposal.stage) == (600, "采集网关", "customer")
        made = sign(sales, customer, lines=[vars(line) for line in proposal.lines], opportunity_id=won)
        assert (made.opportunity_id, made.amount) == (won, 600)
        with pytest.raises(ValidationFailed):
            sign(sales, customer, opportunity_id=factories.make_opportunity(sales, customer).id)


class TestCorrecting:
    def test_a_correction_needs_a_reason_and_renews_the_figures(self, customer: Customer, sales: Actor) -> None:
        made = sign(sales, customer)
        with pytest.raises(ValidationFailed) as refused:
            edit(sales, made, reason="", amount="120000")
        assert list(refused.value.errors) == ["reason"]
        edit(sales, made, amount="120000", signed_on="2020-01-02")
        after = stored(Customer, customer.id)
        assert (after.cooperation_amount, after.first_cooperated_on) == (980_000, date(2020, 1, 2))
        (line,) = factories.log_of("contract", made.id, field="amount")
        assert (line.old, line.new, line.reason, line.customer_id) == ("100000.00", "120000.00", "更正", customer.id)

    def test_what_was_empty_is_filled_without_a_reason(self, customer: Customer, sales: Actor) -> None:
        made = sign(sales, customer)
        assert edit(sales, made, reason="", ends_on="2030-01-01").ends_on == date(2030, 1, 1)

    def test_of_two_who_correct_the_second_is_told(self, customer: Customer, sales: Actor) -> None:
        made = sign(sales, customer)
        edit(sales, made, remark="甲")
        with pytest.raises(Conflict) as conflict, transaction(sales) as session:
            contracts.update_contract(session, sales, made.id, {"remark": "乙"}, version=made.version, reason="更正")
        assert conflict.value.theirs["remark"] == "甲"

    def test_the_amount_stays_above_what_was_planned_and_received(self, customer: Customer, sales: Actor) -> None:
        made = sign(sales, customer)
        with transaction(sales) as session:
            payments.record_payment(session, sales, made.id, {"received_on": clock.today(), "amount": "60000"})
            payments.set_plan(session, sales, made.id, [{"due_on": "2030-01-01", "amount": "90000"}], version=made.version)
        for amount, told in (("59999.99", "¥60,000 were received"), ("89999", "¥90,000 are planned")):
            with pytest.raises(ValidationFailed) as refused:
                edit(sales, made, amount=amount)
            assert told in refused.value.errors["amount"][0]
        assert edit(sales, made, amount="90000").amount == 90_000

    def test_a_void_one_counts_nowhere_and_counts_again_once_restored(self, customer: Customer, sales: Actor) -> None:
        made = sign(sales, customer)
        with pytest.raises(ValidationFailed):
            void(sales, made, reason=" ")
        void(sales, made)
        after = stored(Customer, customer.id)
        assert (after.cooperation_amount, after.last_cooperated_on) == (860_000, date(2023, 11, 20))
        with pytest.raises(IllegalTransition):
            edit(sales, made, amount="1")
        with transaction(sales) as session:
            contracts.restore_contract(session, sales, made.id, version=stored(Contract, made.id).version)
        assert stored(Customer, customer.id).cooperation_amount == 960_000

    def test_one_for_which_money_came_is_not_made_void(self, customer: Customer, sales: Actor) -> None:
        made = sign(sales, customer)
        with transaction(sales) as session:
            payments.record_payment(session, sales, made.id, {"received_on": clock.today(), "amount": "1"})
        with pytest.raises(IllegalTransition, match="¥1 were received"):
            void(sales, made)

    def test_a_transfer_of_the_customer_leaves_the_contract_with_whom_it_counts_for(
        self, customer: Customer, sales: Actor, administrator: Actor, colleague: Actor
    ) -> None:
        made = sign(sales, customer)
        with transaction(administrator) as session:
            transfers.transfer(session, administrator, [customer.id], to=colleague.id or 0, reason="交接")
        assert stored(Contract, made.id).owner_id == sales.id
        assert edit(colleague, made, remark="接手").owner_id == sales.id


class TestSeeing:
    def test_nobody_sees_or_changes_contracts_of_customers_outside_their_scope(
        self, customer: Customer, sales: Actor, colleague: Actor
    ) -> None:
        made = sign(sales, customer)
        with pytest.raises(NotFound):
            sheet_of(colleague, made)
        for act in (lambda: edit(colleague, made, remark="x"), lambda: void(colleague, made)):
            with pytest.raises(NotFound):
                act()
        with reading(colleague) as session:
            assert list_contracts(session, colleague, ContractQuery()).total == 0
            assert list_of_customer(session, colleague, customer.id).rows == []

    def test_service_sees_neither_contracts_nor_their_files_nor_their_changes(self, customer: Customer, sales: Actor) -> None:
        made, service = sign(sales, customer), factories.make_user(role="service")
        with transaction(sales) as session:
            file = store_file(factories.PDF)
            kept = attachments.add_attachment(
                session, sales, file=file, type="attachment_type.other", customer_id=customer.id, contract_id=made.id
            )
        assert [one.id for one in sheet_of(sales, made).files] == [kept.id]
        with pytest.raises(NotAllowed):
            sheet_of(service, made)
        with reading(service) as session:
            assert attachments.list_attachments(session, service, customer_id=customer.id) == []
            assert [line.entity for line in history.list_changes(session, service, customer.id).rows if line.entity == "contract"] == []
            assert [one.kind for one in list_events(session, service, customer.id).events if one.kind == "contract"] == []
            with pytest.raises(NotFound):
                attachments.open_attachment(session, service, kept.id)
        with reading(sales) as session:
            assert attachments.open_attachment(session, sales, kept.id).digest == kept.digest
            assert "contract" in [line.entity for line in history.list_changes(session, sales, customer.id).rows]

    def test_the_list_is_searched_and_filtered_and_its_totals_count_all_pages(self, customer: Customer, sales: Actor) -> None:
        with transaction(SYSTEM) as session:
            product_id = make_product(session, "采集网关")
        today = clock.today()
        running = sign(sales, customer, ends_on=today + timedelta(days=200), number="A-1")
        ending = sign(sales, customer, ends_on=today + timedelta(days=20), product="维护", signed_on="2023-01-01")
        ended = sign(sales, customer, ends_on=today - timedelta(days=1))
        sold = sign(sales, customer, product="设备", lines=[{"product_id": product_id, "quantity": 1, "price": 5}])
        gone = void(sales, sign(sales, customer))
        with transaction(sales) as session:
            plan = [{"due_on": today - timedelta(days=3), "amount": "30000"}, {"due_on": today + timedelta(days=3), "amount": "1"}]
            payments.set_plan(session, sales, running.id, plan, version=running.version)
            payments.record_payment(session, sales, running.id, {"received_on": today, "amount": "10000"})

        def found(**asked: Any) -> set[int]:
            with reading(sales) as session:
                return {row.id for row in list_contracts(session, sales, ContractQuery(**asked)).rows}

        assert found() == {running.id, ending.id, ended.id, sold.id}
        assert found(state="running") == {running.id, ending.id, sold.id}
        assert (found(state="ending"), found(state="ending", ending_days=10)) == ({ending.id}, set())
        assert (found(state="ended"), found(state="void")) == ({ended.id}, {gone.id})
        assert (found(phrase="a-1"), found(phrase="维护"), found(phrase="采集")) == ({running.id}, {ending.id}, {sold.id})
        assert found(phrase=customer.name[2:6], is_overdue=True) == {running.id}
        assert found(signed_from=date(2023, 1, 1), signed_until=date(2023, 12, 31)) == {ending.id}
        assert (found(owners=(sales.id,)) == found(), found(owners=(0,))) == (True, set())
        with reading(sales) as session:
            totals = list_contracts(session, sales, ContractQuery(page=9)).totals
        assert (totals.count, totals.amount, totals.received, totals.overdue) == (4, 300_005, 10_000, 20_000)


class TestReminders:
    def run(self) -> None:
        with transaction(SYSTEM) as session:
            contract_reminders.tell_contracts(session)

    def told(self, actor: Actor) -> list[str]:
        with reading(SYSTEM) as session:
            rows = select(Notice.kind).where(Notice.user_id == actor.id, Notice.kind.in_(("contract_ending", "payment_overdue")))
            return sorted(session.execute(rows).scalars())

    def test_each_end_and_each_overdue_payment_is_told_once_to_the_owner(self, customer: Customer, sales: Actor) -> None:
        today = clock.today()
        made = sign(sales, customer, ends_on=today + timedelta(days=30))
        sign(sales, customer, ends_on=today + timedelta(days=31))
        with transaction(sales) as session:
            plan = [{"due_on": today - timedelta(days=days), "amount": "100"} for days in (5, 1, 0)]
            payments.set_plan(session, sales, made.id, plan, version=made.version)
            paid = payments.record_payment(session, sales, made.id, {"received_on": today, "amount": "100"})
        self.run()
        assert self.told(sales) == ["contract_ending", "payment_overdue"]
        with transaction(sales) as session:
            payments.remove_payment(session, sales, paid.id, version=1, reason="退回")
        self.run()
        assert self.told(sales) == ["contract_ending", "payment_overdue", "payment_overdue"]
        edit(sales, made, ends_on=today + timedelta(days=29))
        self.run()
        self.run()
        assert self.told(sales) == ["contract_ending", "contract_ending", "payment_overdue", "payment_overdue"]

    def test_who_may_not_see_contracts_and_void_ones_are_passed_over(self, customer: Customer, sales: Actor, administrator: Actor) -> None:
        service = factories.make_user(role="service")
        void(sales, sign(sales, customer, ends_on=clock.today()))
        sign(sales, customer, ends_on=clock.today())
        with transaction(SYSTEM) as session:
            session.execute(update(Customer).where(Customer.id == customer.id).values(owner_id=service.id))
        self.run()
        assert (self.told(service), self.told(sales)) == ([], [])


def test_lines_are_gone_with_their_contract(customer: Customer, sales: Actor) -> None:
    with transaction(SYSTEM) as session:
        product_id = make_product(session, "采集网关")
    made = sign(sales, customer, lines=[{"product_id": product_id, "quantity": 1, "price": 5}])
    with transaction(SYSTEM) as session:
        session.delete(session.get_one(Contract, made.id))
    with reading(SYSTEM) as session:
        assert session.execute(select(ContractLine.id)).first() is None


def test_signing_asks_the_database_no_more_than_saving_a_customer_does(customer: Customer, sales: Actor) -> None:
    sign(sales, customer)
    statements: list[str] = []

    def note(*arguments: Any) -> None:
        statements.append(arguments[2])

    event.listen(engine(), "before_cursor_execute", note)
    sign(sales, customer)
    event.remove(engine(), "before_cursor_execute", note)
    assert len(statements) <= 22
