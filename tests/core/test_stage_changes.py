"""客户类型变更: which type follows which, what each move demands, and what it leaves behind; on both databases."""

import ast
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from sqlalchemy import func, select

from crm_core import clock
from crm_core.db import reading, transaction
from crm_core.errors import Conflict, IllegalTransition, NotAllowed, NotFound, ValidationFailed
from crm_core.fields import fields_of
from crm_core.i18n import _, in_language
from crm_core.models import MOVES, STAGES, Contract, Customer, Demand, LifecycleStage, StageChange
from crm_core.permissions import BUILT_IN_ROLES, SYSTEM, Actor, Permission
from crm_core.services.contract_views import list_of_customer
from crm_core.services.customer_changes import update_customer
from crm_core.services.customers import create_customer, delete_customer, get_customer
from crm_core.services.library import get_library
from crm_core.services.stage_changes import Stay, asked_fields, change_stage, list_stays, targets_of
from tests import factories
from tests.core.sentences import is_sentence
from tests.core.test_concurrency import at_once
from tests.test_architecture import part_of, sources, tree

ANSWERS: dict[str, Any] = {
    "core_need": "替换现有的排产系统",
    "first_cooperated_on": "2021-03-01",
    "last_cooperated_on": "2023-11-20",
    "cooperation_amount": "860000",
    "churn_reason": "loss_reason.competitor",
    "churn_note": "改用同城供应商",
}
SIGNED: dict[str, Any] = {"contract.product": "排产软件年度服务", "contract.amount": "12.8万", "contract.signed_on": "2024-05-06"}
MAY_CHANGE = [(before, to) for before, moves in MOVES.items() for to in moves]


def move(actor: Actor, customer: Customer, to: str, *, version: int | None = None, reason: str = "", **values: Any) -> StageChange:
    """Change the type in a transaction of its own; `contract_amount` stands for `contract.amount`."""
    given = {name.replace("contract_", "contract."): value for name, value in values.items() if name != "feedback"}
    with transaction(actor) as session:
        return change_stage(
            session,
            actor,
            customer.id,
            to,
            given,
            version=version or stored(customer).version,
            reason=reason,
            feedback=values.get("feedback", ""),
        )


def signed(**over: Any) -> dict[str, Any]:
    """What a move to 成交 is given, as keywords of `move`."""
    return {"core_need": "替换现有的排产系统"} | {name.replace(".", "_"): value for name, value in SIGNED.items()} | over


def stored(customer: Customer) -> Customer:
    with reading(SYSTEM) as session:
        return session.execute(select(Customer).where(Customer.id == customer.id)).scalar_one()


def demanded(customer: Customer, to: str) -> set[str]:
    """Everything that a move has to be given: fields, those of a contract, the reason."""
    present = stored(customer)
    with reading(SYSTEM) as session:
        asked = set(asked_fields(SYSTEM, get_library(session), present, to))
    demands = MOVES[LifecycleStage(present.stage)][LifecycleStage(to)]
    contract = set(SIGNED) if Demand.CONTRACT in demands else set()
    return asked | contract | ({"reason"} if Demand.REASON in demands else set())


def stays(actor: Actor, customer: Customer) -> list[Stay]:
    with reading(actor) as session:
        return list_stays(session, actor, customer.id)


class TestTable:
    @pytest.mark.parametrize(("before", "to"), MAY_CHANGE)
    def test_a_move_is_refused_without_what_it_demands_and_made_with_it(
        self, database: str, sales: Actor, before: LifecycleStage, to: LifecycleStage
    ) -> None:
        customer = factories.make_customer(sales, stage=before)
        if needed := demanded(customer, to):
            self.refused_without(sales, customer, to, needed)
        change = move(sales, customer, to, reason="商务进展", **signed(**ANSWERS))
        after = stored(customer)
        assert (after.stage, after.is_incomplete) == (to, False)
        assert (change.from_stage, change.to_stage, change.actor_id) == (before, to, sales.id)
        assert (change.contract_id is not None) is (Demand.CONTRACT in MOVES[before][to])
        (line,) = factories.log_of("customer", customer.id, field="stage")
        assert (line.old, line.new, line.reason, line.actor_id) == (before, to, "商务进展", sales.id)

    @staticmethod
    def refused_without(actor: Actor, customer: Customer, to: str, needed: set[str]) -> None:
        """Each thing is named at once, and without any single one nothing changes."""
        everything = signed(**ANSWERS, reason="商务进展")
        for left_out in ([], *([name] for name in sorted(needed))):
            given = {name: value for name, value in everything.items() if left_out and name.replace("_", ".", 1) not in left_out}
            given = {name: value for name, value in given.items() if name not in left_out}
            with pytest.raises(ValidationFailed) as refused:
                move(actor, customer, to, **given)
            assert set(refused.value.errors) == (set(left_out) or needed)
            assert all(is_sentence(sentence) for sentences in refused.value.errors.values() for sentence in sentences)
        assert stored(customer).stage == customer.stage
        assert len(stays(actor, customer)) == 1
        assert factories.log_of("customer", customer.id, field="stage") == []

    @pytest.mark.parametrize("before", STAGES)
    def test_any_other_move_is_refused_with_the_moves_there_are(self, database: str, sales: Actor, before: LifecycleStage) -> None:
        customer = factories.make_customer(sales, stage=before)
        for to in set(STAGES) - set(MOVES[before]):
            with in_language("zh_CN"), pytest.raises(IllegalTransition) as refused:
                move(sales, customer, to, reason="x", **signed(**ANSWERS))
            with in_language("zh_CN"):
                assert all(_(STAGES[one]) in str(refused.value) for one in targets_of(before))
        assert stored(customer).stage == before

    def test_what_is_no_type_is_refused(self, database: str, sales: Actor) -> None:
        customer = factories.make_customer(sales)
        for to in ("", "none", "Customer", "流失客户"):
            with pytest.raises(IllegalTransition):
                move(sales, customer, to)

    def test_the_sequence_of_the_manual(self) -> None:
        assert Demand.CONTRACT in MOVES[LifecycleStage.QUALIFIED][LifecycleStage.CUSTOMER]
        assert all(Demand.LOSS in moves[LifecycleStage.CHURNED] for moves in MOVES.values() if LifecycleStage.CHURNED in moves)
        assert LifecycleStage.QUALIFIED not in MOVES[LifecycleStage.CUSTOMER]
        assert all(Demand.REASON in demands for demands in MOVES[LifecycleStage.CHURNED].values())
        assert set(MOVES) == set(STAGES)


class TestQualified:
    def test_a_prospect_needs_a_core_need_and_one_that_has_it_needs_nothing(self, database: str, sales: Actor) -> None:
        bare, told = factories.make_customer(sales), factories.make_customer(sales, core_need="寻求物流合作")
        assert demanded(bare, "qualified") == {"core_need"}
        assert demanded(told, "qualified") == set()
        move(sales, told, "qualified", core_need="别的需求")
        assert stored(told).core_need == "寻求物流合作"  # it was not asked for

    def test_a_free_industry_counts_as_one(self, database: str, sales: Actor) -> None:
        customer = factories.make_customer(sales, industry="低空经济数据服务", core_need="x")
        assert demanded(customer, "qualified") == set()
        move(sales, customer, "qualified")
        assert stored(customer).industry_text == "低空经济数据服务"

    def test_what_an_incomplete_record_lacks_is_asked_for_too(self, database: str, sales: Actor) -> None:
        customer = factories.make_customer(sales)
        with transaction(SYSTEM) as session:
            row = session.get_one(Customer, customer.id)
            row.employees, row.industry, row.is_incomplete = None, None, True
        assert demanded(customer, "qualified") == {"core_need", "employees", "industry"}
        move(sales, customer, "qualified", core_need="x", employees="employees.50_99", industry="低空经济")
        after = stored(customer)
        assert (after.employees, after.industry, after.industry_text, after.is_incomplete) == ("employees.50_99", None, "低空经济", False)


class TestCustomer:
    @pytest.mark.parametrize("before", ["prospect", "qualified"])
    def test_a_signed_contract_is_kept_with_its_number_and_feeds_the_cooperation(self, database: str, sales: Actor, before: str) -> None:
        customer = factories.make_customer(sales, stage=before)
        change = move(sales, customer, "customer", **signed())
        with reading(sales) as session:
            (contract,) = list_of_customer(session, sales, customer.id).rows
        assert contract.number == f"HT{clock.today():%Y%m}001"
        assert (contract.product, contract.amount, contract.signed_on) == ("排产软件年度服务", Decimal("128000.00"), date(2024, 5, 6))
        assert (contract.owner_id, contract.id) == (sales.id, change.contract_id)
        after = stored(customer)
        assert (after.first_cooperated_on, after.last_cooperated_on) == (date(2024, 5, 6), date(2024, 5, 6))
        assert after.cooperation_amount == Decimal("128000.00")
        (line,) = factories.log_of("contract", contract.id, action="created")
        assert (line.subject, line.customer_id) == (contract.number, customer.id)

    def test_what_was_entered_before_stays_in_the_sum_and_the_days_only_stretch(self, database: str, sales: Actor) -> None:
        customer = factories.make_customer(sales, stage="churned")  # 2021-03-01 to 2023-11-20, 860,000
        move(sales, customer, "customer", reason="降价后回来", **signed(contract_signed_on="2022-07-01", contract_amount="0.01"))
        after = stored(customer)
        assert (after.first_cooperated_on, after.last_cooperated_on) == (date(2021, 3, 1), date(2023, 11, 20))
        assert after.cooperation_amount == Decimal("860000.01")
        move(sales, customer, "churned", **ANSWERS)
        move(sales, customer, "customer", reason="又回来", **signed(contract_signed_on="2019-01-31"))
        after = stored(customer)
        assert (after.first_cooperated_on, after.last_cooperated_on) == (date(2019, 1, 31), date(2023, 11, 20))
        assert after.cooperation_amount == Decimal("988000.01")
        with reading(sales) as session:
            agreed = list_of_customer(session, sales, customer.id).agreed
        assert agreed
        assert (agreed.count, agreed.amount, agreed.first, agreed.last) == (
            2,
            Decimal("128000.01"),
            date(2019, 1, 31),
            date(2022, 7, 1),
        )

    def test_an_amount_that_is_none_is_refused(self, database: str, sales: Actor) -> None:
        amounts = ["", "0", "0.00", "0.001", "-1", "nan", "NaN", "inf", "-Infinity", "1e400", "1" * 15, "abc", "１２３x", None]
        self.refused(sales, "contract.amount", amounts)

    def test_a_day_of_signing_that_is_none_or_still_to_come_is_refused(self, database: str, sales: Actor) -> None:
        tomorrow = clock.today() + timedelta(days=1)
        days = ["", "1899-12-31", "2024-02-30", "gestern", "0001-01-01", "9999-12-31", None, tomorrow]
        customer = self.refused(sales, "contract.signed_on", days)
        move(sales, customer, "customer", **signed(contract_signed_on=clock.today()))
        assert stored(customer).last_cooperated_on == clock.today()

    def test_a_product_has_to_be_named_and_short(self, database: str, sales: Actor) -> None:
        self.refused(sales, "contract.product", ["", "  ", "\u200b", "长" * 201])

    @staticmethod
    def refused(actor: Actor, name: str, values: Sequence[object]) -> Customer:
        customer = factories.make_customer(actor, stage="qualified")
        for value in values:
            with pytest.raises(ValidationFailed) as refused:
                move(actor, customer, "customer", **signed(**{name.replace(".", "_"): value}))
            assert list(refused.value.errors) == [name], value
            assert is_sentence(refused.value.errors[name][0])
        with reading(SYSTEM) as session:
            assert session.execute(select(func.count(Contract.id))).scalar_one() == 0
        assert (stored(customer).stage, stored(customer).cooperation_amount) == ("qualified", None)
        return customer

    def test_a_sum_that_no_column_holds_is_refused(self, database: str, sales: Actor) -> None:
        customer = factories.make_customer(sales, stage="churned", cooperation_amount="99999999999999")
        with pytest.raises(ValidationFailed) as refused:
            move(sales, customer, "customer", reason="x", **signed(contract_amount="1"))
        assert list(refused.value.errors) == ["contract.amount"]

    def test_numbers_of_contracts_begin_anew_every_month(self, database: str, sales: Actor, set_clock: Any) -> None:
        for day, number in (("2026-11-30", "HT202611001"), ("2026-11-30", "HT202611002"), ("2026-12-01", "HT202612001")):
            set_clock(datetime.fromisoformat(f"{day}T04:00:00").replace(tzinfo=UTC))
            customer = factories.make_customer(sales, stage="qualified")
            move(sales, customer, "customer", **signed())
            with reading(sales) as session:
                assert [row.number for row in list_of_customer(session, sales, customer.id).rows] == [number]

    @pytest.mark.parametrize(
        ("name", "wrong", "right"),
        [
            ("first_cooperated_on", "2024-05-07", "2024-05-06"),
            ("last_cooperated_on", "2024-05-05", "2024-05-06"),
            ("cooperation_amount", "127999.99", "128000"),
        ],
    )
    def test_nobody_corrects_the_cooperation_against_the_contracts(
        self, database: str, sales: Actor, name: str, wrong: str, right: str
    ) -> None:
        customer = factories.make_customer(sales, stage="qualified")
        move(sales, customer, "customer", **signed())
        with transaction(sales) as session:  # room on both sides
            wide = {"first_cooperated_on": "2020-01-01", "last_cooperated_on": "2025-01-01", "cooperation_amount": "999999"}
            update_customer(session, sales, customer.id, wide, version=stored(customer).version, reason="历史合作")
        for value, is_right in ((wrong, False), (right, True)):
            with transaction(sales) as session:
                save = partial(update_customer, session, sales, customer.id, version=stored(customer).version, reason="更正")
                if is_right:
                    save({name: value})
                    continue
                with pytest.raises(ValidationFailed) as refused:
                    save({name: value})
                assert is_sentence(refused.value.errors[name][0])


class TestLoss:
    def test_a_loss_keeps_its_reason_on_the_customer_and_in_the_history(self, database: str, sales: Actor) -> None:
        customer = factories.make_customer(sales, stage="customer")
        with in_language("zh_CN"):
            move(sales, customer, "churned", churn_reason="loss_reason.price", churn_note="续约报价高")
            assert stays(sales, customer)[0].reason == "价格过高: 续约报价高"
        after = stored(customer)
        assert (after.churn_reason, after.churn_note) == ("loss_reason.price", "续约报价高")
        assert (after.core_need, after.cooperation_amount) == ("替换现有的排产系统", Decimal(860000))

    def test_a_second_loss_is_told_anew(self, database: str, sales: Actor) -> None:
        customer = factories.make_customer(sales, stage="churned", core_need="x")
        move(sales, customer, "qualified", reason="重新询价")
        assert stored(customer).churn_reason == "loss_reason.price"  # what belongs to the old type stays stored
        assert demanded(customer, "churned") == {"churn_reason", "churn_note"}
        move(sales, customer, "churned", **{name: ANSWERS[name] for name in ("churn_reason", "churn_note")})
        assert stored(customer).churn_reason == "loss_reason.competitor"
        assert [stay.stage for stay in stays(sales, customer)] == ["churned", "qualified", "churned"]

    def test_only_a_reason_of_the_list_counts(self, database: str, sales: Actor) -> None:
        with pytest.raises(ValidationFailed) as refused:
            move(sales, factories.make_customer(sales, stage="customer"), "churned", churn_reason="坏心情", churn_note="x")
        assert list(refused.value.errors) == ["churn_reason"]

    def test_who_never_bought_is_asked_for_the_cooperation(self, database: str, sales: Actor) -> None:
        customer = factories.make_customer(sales, stage="qualified")
        assert demanded(customer, "churned") == {
            "first_cooperated_on", "last_cooperated_on", "cooperation_amount", "churn_reason", "churn_note",
        }  # fmt: skip


class TestWays:
    def test_no_other_way_through_services_alters_the_type(self, database: str, sales: Actor) -> None:
        customer = factories.make_customer(sales)
        with transaction(sales) as session:
            update_customer(session, sales, customer.id, {"stage": "customer", "remark": "x"}, version=1, reason="x")
        after = stored(customer)
        assert (after.stage, after.remark) == ("prospect", "x")

    def test_only_the_service_of_types_sets_one(self) -> None:
        """Entering aside: no other module assigns the type of a record or updates it in a statement."""
        found = set()
        for module in sources():
            for node in ast.walk(tree(module)):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AugAssign) else []
                if any(isinstance(target, ast.Attribute) and target.attr == "stage" for target in targets):
                    found.add(module)
                is_values = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "values"
                if is_values and any(keyword.arg == "stage" for keyword in node.keywords):  # type: ignore[attr-defined]
                    found.add(module)
        assert {module for module in found if part_of(module) != "migrations"} == {"crm_core.services.stage_changes"}

    @pytest.mark.parametrize("role", BUILT_IN_ROLES)
    def test_who_edits_customers_changes_types(self, database: str, role: str) -> None:
        actor = factories.make_user(role=role)
        owner = actor if Permission.CUSTOMER_CREATE in actor.permissions else factories.make_user(role="sales")
        customer = factories.make_customer(owner, core_need="x")
        if Permission.CUSTOMER_EDIT in BUILT_IN_ROLES[role].permissions:
            move(actor, customer, "qualified")
            return
        with pytest.raises(NotAllowed):
            move(actor, customer, "qualified")
        assert stored(customer).stage == "prospect"

    def test_nobody_moves_or_reads_what_lies_outside_their_scope(self, database: str, sales: Actor, stranger: Actor) -> None:
        customer = factories.make_customer(sales, stage="qualified")
        move(sales, customer, "customer", **signed())
        with pytest.raises(NotFound):
            move(stranger, customer, "partner", reason="x")
        with reading(stranger) as session:
            assert list_stays(session, stranger, customer.id) == []
            found = list_of_customer(session, stranger, customer.id)
        assert (found.rows, found.agreed) == ([], None)

    def test_what_is_deleted_does_not_move(self, database: str, manager: Actor) -> None:
        customer = factories.make_customer(manager, core_need="x")
        with transaction(manager) as session:
            delete_customer(session, manager, customer.id)
        with pytest.raises(NotFound):
            move(manager, customer, "qualified")

    def test_a_role_that_may_not_change_a_value_is_not_asked_for_it(self, database: str, sales: Actor) -> None:
        customer = factories.make_customer(sales)
        with reading(sales) as session:
            seen, entries = get_customer(session, sales, customer.code), get_library(session)
        assert set(asked_fields(sales, entries, seen, "qualified")) == {"core_need"}

    def test_what_a_type_does_not_show_keeps_its_value_when_the_record_is_edited(self, database: str, sales: Actor) -> None:
        customer = factories.make_customer(sales, stage="churned")
        move(sales, customer, "partner", reason="转为渠道")
        with transaction(sales) as session:
            changes = {"churn_reason": None, "cooperation_amount": "1", "remark": "x"}
            update_customer(session, sales, customer.id, changes, version=stored(customer).version, reason="x")
        after = stored(customer)
        assert (after.churn_reason, after.cooperation_amount, after.remark) == ("loss_reason.price", Decimal(860000), "x")


class TestAtOnce:
    def test_of_two_who_move_at_once_one_wins_and_the_other_is_told(self, database: str, sales: Actor, manager: Actor) -> None:
        customer = factories.make_customer(sales, stage="qualified")
        ways = [partial(move, sales, customer, "customer", version=1, **signed()), partial(move, manager, customer, "partner", version=1)]
        outcomes = at_once(ways * 2)
        assert sum(isinstance(one, StageChange) for one in outcomes) == 1
        conflicts = [one for one in outcomes if isinstance(one, Conflict)]
        assert len(conflicts) == 3
        assert {one.theirs["stage"] for one in conflicts} == {stored(customer).stage}
        assert len(stays(SYSTEM, customer)) == 2
        with reading(SYSTEM) as session:
            assert session.execute(select(func.count(Contract.id))).scalar_one() == (stored(customer).stage == "customer")

    def test_an_edit_meanwhile_is_told_too_and_an_edit_after_a_move(self, database: str, sales: Actor) -> None:
        customer = factories.make_customer(sales, core_need="x")
        with transaction(sales) as session:
            update_customer(session, sales, customer.id, {"remark": "x"}, version=1)
        with pytest.raises(Conflict) as told:
            move(sales, customer, "qualified", version=1)
        move(sales, customer, "qualified", version=told.value.version)
        with transaction(sales) as session, pytest.raises(Conflict):
            update_customer(session, sales, customer.id, {"remark": "y"}, version=told.value.version)

    def test_twenty_contracts_at_once_get_numbers_without_gap_or_twin(self, database: str, sales: Actor) -> None:
        customers = [factories.make_customer(sales, stage="qualified") for _place in range(20)]
        outcomes = at_once([partial(move, sales, customer, "customer", version=1, **signed()) for customer in customers])
        assert [one for one in outcomes if isinstance(one, Exception)] == []
        with reading(SYSTEM) as session:
            numbers = sorted(session.execute(select(Contract.number)).scalars())
        assert numbers == [f"HT{clock.today():%Y%m}{place:03d}" for place in range(1, 21)]


class TestHistory:
    def test_the_history_tells_each_type_with_its_days(self, database: str, sales: Actor, set_clock: Any) -> None:
        steps: list[tuple[str, str, Mapping[str, Any]]] = [
            ("2026-02-01", "qualified", {"core_need": "x"}),
            ("2026-03-03", "customer", signed()),
            ("2026-06-01", "churned", {"churn_reason": "loss_reason.price", "churn_note": "贵"}),
        ]
        set_clock(datetime(2026, 1, 1, 4, tzinfo=UTC))
        customer = factories.make_customer(sales)
        for day, to, values in steps:
            set_clock(datetime.fromisoformat(f"{day}T04:00:00").replace(tzinfo=UTC))
            move(sales, customer, to, **values)
        set_clock(datetime(2026, 6, 11, 5, tzinfo=UTC))
        found = stays(sales, customer)
        assert [(stay.stage, stay.days, stay.who) for stay in found] == [
            ("churned", 10, sales.name),
            ("customer", 90, sales.name),
            ("qualified", 30, sales.name),
            ("prospect", 31, sales.name),
        ]
        assert [bool(stay.contract) for stay in found] == [False, True, False, False]
        assert [stay.until for stay in found] == [None, *(stay.since for stay in found[:-1])]

    def test_the_first_row_is_the_entry(self, database: str, sales: Actor) -> None:
        with transaction(sales) as session:
            made = create_customer(session, sales, factories.customer_values(), [factories.contact_values()]).customer
        with reading(SYSTEM) as session:
            row = session.execute(select(StageChange)).scalar_one()
        assert (row.customer_id, row.from_stage, row.to_stage) == (made.id, None, "prospect")

    def test_the_customers_own_remark_stands_at_every_line_of_a_move(self, database: str, sales: Actor) -> None:
        customer = factories.make_customer(sales, stage="qualified")
        move(sales, customer, "customer", feedback=" 感谢及时更新 ", **signed())
        lines = [*factories.log_of("customer", customer.id, action="changed"), *factories.log_of("contract", action="created")]
        own = [line for line in lines if line.actor_id]
        assert len(own) == 5
        assert {line.feedback for line in own} == {"感谢及时更新"}

    def test_a_remark_that_is_too_long_is_refused(self, database: str, sales: Actor) -> None:
        with pytest.raises(ValidationFailed) as refused:
            move(sales, factories.make_customer(sales, core_need="x"), "qualified", feedback="长" * 501)
        assert list(refused.value.errors) == ["feedback"]


def test_every_field_of_a_contract_that_is_asked_is_declared() -> None:
    required = [name for name, field in fields_of(Contract).items() if field.is_required({})]
    assert [f"contract.{name}" for name in required] == list(SIGNED)
