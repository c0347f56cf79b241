"""Imports of products, accounts, opportunities and contracts are taken back as those of customers are."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from crm_core import clock
from crm_core.db import reading, transaction
from crm_core.errors import IllegalTransition, NotAllowed
from crm_core.models import Batch, Contract, Customer, Opportunity, Product, Team, User
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import contracts, holds, opportunities, payments, products, review_rules, users
from crm_core.services.archive import archive_customer
from crm_core.services.imports import running, undoing
from crm_core.services.imports.kinds import KINDS, offered_kinds
from crm_core.services.imports.plan import OnDuplicate
from crm_core.services.imports.taking_back import WAYS
from crm_core.services.imports.undoing import Imported, Undoing
from tests import factories
from tests.core.test_import_kinds import COMPANY, all_of, bring_in
from tests.core.test_import_undo import listed

PRODUCTS = "产品编号,产品名称,单价"
ACCOUNTS = "姓名,账号,角色,区域"
DEALS = "商机编号,客户,金额,预计成交日期"
CONTRACTS = "合同编号,客户,产品或服务,合同金额,签订日期"


def imported(kind: str, actor: Actor, header: str, *lines: str) -> Imported:
    result = bring_in(kind, actor, header, *lines)
    assert result.errors == []
    return listed(actor)[0]


def undo(actor: Actor, one: Imported) -> Undoing:
    """The undo, which does what was announced."""
    with reading(actor) as session:
        told = undoing.preview_undo(session, actor, one.id)
    with transaction(actor) as session:
        done = undoing.undo_import(session, actor, one.id)
    assert (told.going.keys(), told.teams, told.left) == (done.going.keys(), done.teams, done.left)
    assert [line.action for line in factories.log_of("import_batch", one.id)] == ["imported", "undone"]
    return done


def left_of(done: Undoing) -> list[tuple[str, str]]:
    return [(row["name"], row["why"]) for row in done.left]


def names_of(rows: Sequence[Any]) -> list[str]:
    return [row.name for row in rows]


def test_each_kind_can_be_taken_back() -> None:
    assert WAYS.keys() == KINDS.keys()


class TestProducts:
    def test_products_are_removed_unless_they_are_used_or_were_changed(
        self, database: str, administrator: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(running, "CHUNK", 2)
        lines = ["A-1,排产软件,100", "G-1,网关,200", "T-1,培训,300"]
        one = imported("product", administrator, PRODUCTS, *lines)
        assert (one.kind, one.created, one.has_updates) == ("product", 3, False)
        first, second, third = all_of(Product)
        factories.make_opportunity(administrator, factories.make_customer(administrator), products=[first])
        with transaction(administrator) as session:
            products.set_price(session, administrator, second.id, price=1)
        done = undo(administrator, one)
        assert (list(done.going), left_of(done)) == ([third.id], [("排产软件", "used"), ("网关", "changed")])
        assert names_of(all_of(Product)) == ["排产软件", "网关"]
        (removed,) = factories.log_of("product", third.id, action="deleted")
        assert "product.csv" in (removed.reason or "")
        assert bring_in("product", administrator, PRODUCTS, *lines).created == 1
        with pytest.raises(IllegalTransition):
            undo(administrator, one)

    def test_what_was_there_and_was_updated_stays_as_it_is_now(self, database: str, administrator: Actor) -> None:
        factories.make_product(code="A-1", name="排产软件", price="100")
        result = bring_in("product", administrator, PRODUCTS, "A-1,排产软件,120", "G-1,网关,1", on_duplicate=OnDuplicate.UPDATE)
        assert (result.created, result.updated) == (1, 1)
        (one,) = listed(administrator)
        assert one.has_updates
        undo(administrator, one)
        assert [(product.name, product.price) for product in all_of(Product)] == [("排产软件", 120)]


class TestOpportunities:
    def test_opportunities_go_to_the_recycle_bin(self, database: str, manager: Actor, sales: Actor) -> None:
        home, away = factories.make_customer(sales, name=COMPANY), factories.make_customer(sales)
        codes = [("M-1", home), ("M-2", home), ("M-3", home), ("M-4", home), ("M-5", away)]
        one = imported("opportunity", manager, DEALS, *(f"{code},{customer.code},5,2030-01-01" for code, customer in codes))
        going, changed, dropped, signed, _archived = all_of(Opportunity)
        with transaction(manager) as session:
            opportunities.edit_opportunity(session, manager, changed.id, {"amount": "6"}, version=changed.version)
            opportunities.delete_opportunity(session, manager, dropped.id, version=dropped.version)
            archive_customer(session, manager, away.id, reason="停业")
        with transaction(SYSTEM) as session:
            values = {"number": "X", "product": "系统", "amount": 1, "signed_on": clock.today()}
            session.add(Contract(customer_id=home.id, opportunity_id=signed.id, **values))
        done = undo(manager, one)
        assert list(done.going) == [going.id]
        assert [(row["code"], row["why"]) for row in done.left] == [
            ("M-2", "changed"),
            ("M-3", "bin"),
            ("M-4", "used"),
            ("M-5", "customer"),
        ]
        (line,) = factories.log_of("opportunity", going.id, field="deleted_at")
        assert "opportunity.csv" in (line.reason or "")
        with transaction(manager) as session:
            opportunities.restore_opportunity(session, manager, going.id)


class TestContracts:
    @pytest.fixture
    def customer(self, sales: Actor) -> Customer:
        return factories.make_customer(sales, stage="customer", name=COMPANY)

    def test_contracts_leave_no_trace_in_figures_and_the_mended_file_comes_in(
        self, database: str, manager: Actor, customer: Customer
    ) -> None:
        product = factories.make_product(code="A-1", name="排产软件", price="100")
        wrong = [f"HY-1,{COMPANY},A-1,9500000,2023-05-01", f"HY-2,{COMPANY},系统,10000,2023-06-01"]
        one = imported("contract", manager, CONTRACTS, *wrong)
        done = undo(manager, one)
        assert (len(done.going), done.left, all_of(Contract)) == (2, [], [])
        with reading(SYSTEM) as session:
            now = session.get_one(Customer, customer.id)
            assert products.count_uses(session, product.id)["contracts"] == 0
        figures = ("first_cooperated_on", "last_cooperated_on", "cooperation_amount")
        assert [getattr(now, name) for name in figures] == [getattr(customer, name) for name in figures]
        (line,) = factories.log_of("contract", next(iter(done.going)), action="deleted")
        assert (line.customer_id, line.subject) == (customer.id, "HY-1")
        assert bring_in("contract", manager, CONTRACTS, wrong[0].replace("9500000", "95")).created == 1

    def test_contracts_that_were_paid_corrected_or_are_held_stay(
        self, database: str, administrator: Actor, sales: Actor, customer: Customer
    ) -> None:
        held = factories.make_customer(sales, stage="customer", name="宁波海天塑机有限公司")
        names = [("HY-1", COMPANY), ("HY-2", COMPANY), ("HY-3", held.name), ("HY-4", COMPANY)]
        one = imported("contract", administrator, CONTRACTS, *(f"{number},{name},系统,100,2023-05-01" for number, name in names))
        paid, corrected, _kept, going = all_of(Contract)
        with transaction(administrator) as session:
            payments.record_payment(session, administrator, paid.id, {"amount": "1", "received_on": clock.today()})
            version = session.get_one(Contract, corrected.id).version
            contracts.update_contract(session, administrator, corrected.id, {"amount": "90"}, version=version, reason="更正")
            holds.set_hold(session, administrator, held.id, is_on_hold=True, reason="诉讼")
        done = undo(administrator, one)
        assert (list(done.going), left_of(done)) == ([going.id], [("HY-1", "used"), ("HY-2", "changed"), ("HY-3", "held")])
        with reading(SYSTEM) as session:
            now = session.get_one(Customer, customer.id)
        assert now.cooperation_amount == (customer.cooperation_amount or Decimal(0)) + 190


class TestAccounts:
    def test_accounts_that_nobody_used_go_with_their_teams(self, database: str, administrator: Actor) -> None:
        lines = ["李娜,lina,销售,华东组", "王芳,wangfang,销售,华东组", "赵六,zhaoliu,销售,华西组"]
        one = imported("user", administrator, ACCOUNTS, *lines)
        done = undo(administrator, one)
        assert (len(done.going), len(done.teams), done.left) == (3, 2, [])
        assert ([user.username for user in all_of(User)], all_of(Team)) == (["administrator"], [])
        assert bring_in("user", administrator, ACCOUNTS, *lines).created == 3

    def test_an_account_that_works_already_stays_with_its_team(self, database: str, administrator: Actor) -> None:
        names = ("lina", "wangfang", "zhaoliu", "qianqi", "sunba")
        one = imported("user", administrator, ACCOUNTS, *(f"{name},{name},主管,组{name}" for name in names))
        signed_in, owning, named, changed, going = [user for user in all_of(User) if user.username in names]
        with transaction(SYSTEM) as session:
            session.get_one(User, signed_in.id).last_sign_in_at = clock.now()
        factories.make_customer(factories.actor_of(owning.id))
        with transaction(administrator) as session:
            rule = review_rules.Rule(by=review_rules.By.PEOPLE, people=(named.id,))
            review_rules.save_rule(session, administrator, None, rule, version=review_rules.get_rules(session)[1])
            users.update_user(session, administrator, changed.id, name="钱七", role="manager", team_id=changed.team_id, is_active=True)
        done = undo(administrator, one)
        assert list(done.going) == [going.id]
        people, teams = left_of(done)[:4], left_of(done)[4:]
        assert people == [("lina", "signed_in"), ("wangfang", "used"), ("zhaoliu", "used"), ("qianqi", "changed")]
        assert teams == [("组lina", "members"), ("组wangfang", "members"), ("组zhaoliu", "members"), ("组qianqi", "members")]
        assert len(all_of(Team)) == 4

    def test_nobody_takes_back_accounts_above_their_own(self, database: str, administrator: Actor, manager: Actor) -> None:
        one = imported("user", administrator, ACCOUNTS, "李娜,lina,管理员,华东组")
        keeper = Actor(manager.id, manager.name, manager.permissions | {"user:edit"}, administrator.scope, manager.team_ids, manager.access)
        assert left_of(undo(keeper, one))[0] == ("李娜", "above")


def test_who_may_not_import_a_kind_neither_sees_nor_undoes_it(database: str, administrator: Actor, manager: Actor, sales: Actor) -> None:
    factories.make_customer(sales, stage="customer", name=COMPANY)
    imported("product", administrator, PRODUCTS, "A-1,排产软件,100")
    one = imported("contract", administrator, CONTRACTS, f"HY-1,{COMPANY},系统,1,2023-05-01")
    reader = Actor(manager.id, manager.name, manager.permissions - {"contract:write"}, administrator.scope)
    assert (offered_kinds(reader), listed(reader)) == (["customer", "opportunity"], [])
    with pytest.raises(NotAllowed), transaction(reader) as session:
        undoing.undo_import(session, reader, one.id)
    assert len(listed(administrator)) == 2


def test_a_receipt_from_before_kinds_were_told_is_one_of_customers(database: str, administrator: Actor) -> None:
    customer = factories.make_customer(administrator)
    one = imported("product", administrator, PRODUCTS, "A-1,排产软件,100")
    with transaction(SYSTEM) as session:
        receipt = session.execute(select(Batch)).scalar_one()
        receipt.what = {"import": one.id}
        receipt.at = clock.now()
        receipt.before = [{"id": customer.id, "code": customer.code, "name": customer.name}]
    assert listed(administrator)[0].kind == "customer"
    assert list(undo(administrator, one).going) == [customer.id]
