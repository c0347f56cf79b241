"""Importing what is no customer: products, accounts with teams, opportunities, contracts; who may, what is refused, what stays history."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from crm_core import clock, numbering
from crm_core.db import reading, transaction
from crm_core.errors import FileRefused, NotAllowed, ValidationFailed
from crm_core.i18n import in_language
from crm_core.models import Contract, Customer, Notice, Opportunity, OpportunityLine, Product, Task, Team, User
from crm_core.permissions import SYSTEM, Actor
from crm_core.services.imports import running
from crm_core.services.imports.kinds import KINDS, offered_kinds
from crm_core.services.imports.mapping import guess_mapping, targets
from crm_core.services.imports.mapping_files import read_plan, write_plan
from crm_core.services.imports.plan import ImportPlan, ImportResult, Incomplete, OnDuplicate
from crm_core.services.imports.reading import read_table
from crm_core.services.imports.running import INTAKES, run_import
from crm_core.services.log_check import check_log
from crm_core.services.opportunity_moves import list_moves
from crm_core.services.opportunity_views import OpportunityQuery, list_opportunities
from crm_core.services.products import list_prices
from crm_core.services.sales_figures import By, Period, win_rate, won_value
from tests import factories

COMPANY = "杭州恒远机械有限公司"
DEALS = "商机编号,客户,产品,商机阶段,金额,归属人,开始日期,成交日期,预计成交日期,输单原因"


@pytest.fixture
def in_english() -> Iterator[None]:
    with in_language("en"):
        yield


def bring_in(kind: str, actor: Actor, header: str, *lines: str, dry_run: bool = False, **plan: Any) -> ImportResult:
    table = read_table(f"{kind}.csv", "\n".join([header, *lines]).encode(), kind)
    plan.setdefault("mapping", guess_mapping(table.headings, kind=kind))
    return run_import(actor, table, ImportPlan(kind=kind, **plan), dry_run=dry_run)


def all_of(model: type[Any]) -> list[Any]:
    with reading(SYSTEM) as session:
        return list(session.execute(select(model).order_by(model.id)).scalars())


def told(result: ImportResult) -> list[tuple[int, str]]:
    return [(note.row, note.field) for note in result.errors]


def test_each_kind_has_an_intake_and_headings_in_both_languages(database: str) -> None:
    assert INTAKES.keys() == KINDS.keys()
    for kind in KINDS:
        for field in targets(None, kind).values():
            assert guess_mapping(field.names()[:1], kind=kind) == {field.names()[0]: field.name} or kind == "customer"


class TestProducts:
    HEADER = "产品编号,产品名称,产品系列,单价,单位,在用"

    def test_a_catalogue_comes_in_with_its_prices(self, database: str, administrator: Actor) -> None:
        result = bring_in("product", administrator, self.HEADER, "A-1,排产软件,软件,1.2万,套,", ",上门服务,服务,800,天,否")
        assert (result.created, result.errors) == (2, [])
        first, second = all_of(Product)
        assert (first.code, first.price, first.category, first.is_active) == ("A-1", Decimal(12000), "软件", True)
        assert (second.code, second.is_active) == ("PRD0001", False)

    def test_a_dry_run_says_the_same_and_writes_nothing(self, database: str, administrator: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(running, "CHUNK", 2)
        lines = [f"P-{number},产品{number},,{number},," for number in (1, 2, 3)] + ["P-1,产品又一,,1,,"]
        dry = bring_in("product", administrator, self.HEADER, *lines, dry_run=True)
        assert all_of(Product) == []
        real = bring_in("product", administrator, self.HEADER, *lines)
        assert (dry.created, dry.skipped) == (real.created, real.skipped) == (3, 1)

    def test_a_product_that_exists_is_skipped_or_gets_its_new_price(self, database: str, administrator: Actor) -> None:
        bring_in("product", administrator, self.HEADER, "A-1,排产软件,软件,100,套,")
        assert bring_in("product", administrator, self.HEADER, "a-1,排产软件,软件,120,套,").skipped == 1
        update: dict[str, Any] = {"on_duplicate": OnDuplicate.UPDATE}
        assert bring_in("product", administrator, self.HEADER, "A-1,排产软件,软件,120,套,", **update).updated == 1
        assert bring_in("product", administrator, self.HEADER, "A-1,排产软件,软件,120,套,", **update).skipped == 1
        assert told(bring_in("product", administrator, self.HEADER, "A-1,改名,软件,-5,套,", **update)) == [(2, "price")]
        (product,) = all_of(Product)
        assert (product.name, product.price) == ("排产软件", Decimal(120))
        with reading(administrator) as session:
            assert [one.price for one in list_prices(session, administrator, product.id)] == [120, 100]

    def test_every_error_is_told_with_row_and_field_and_the_rest_comes_in(self, database: str, administrator: Actor) -> None:
        result = bring_in("product", administrator, self.HEADER, "A-1,,软件,1,套,", "A-1,甲,软件,许多,套,", "A-1,甲,软件,1,套,")
        assert told(result) == [(2, "name"), (3, "price")]
        assert [product.name for product in all_of(Product)] == ["甲"]


class TestAccounts:
    HEADER = "姓名,账号,角色,区域,邮箱,在用"

    def test_people_come_in_with_their_teams_and_a_password_that_nobody_knows(self, database: str, administrator: Actor) -> None:
        result = bring_in(
            "user", administrator, self.HEADER, "李娜,,销售,华东组,li@hengyuan.example,", "Anna Snelling,anna,sales,华东组,,否"
        )
        assert (result.created, result.errors) == (2, [])
        _administrator, first, second = all_of(User)
        assert (first.username, first.email, first.is_active, first.must_change_password) == ("lina", "li@hengyuan.example", True, True)
        assert (second.username, second.is_active) == ("anna", False)
        assert [team.name for team in all_of(Team)] == ["华东组"]
        assert first.team_id == second.team_id

    def test_the_same_file_again_adds_nobody(self, database: str, administrator: Actor) -> None:
        lines = ["李娜,,销售,,,", "李娜,li.na2,销售,,,"]
        assert bring_in("user", administrator, self.HEADER, *lines).created == 2
        again = bring_in("user", administrator, self.HEADER, *lines)
        assert (again.created, again.skipped, len(all_of(User))) == (0, 2, 3)

    def test_nobody_brings_in_a_role_above_their_own(self, database: str, manager: Actor) -> None:
        keeper = Actor(manager.id, manager.name, manager.permissions | {"user:edit"}, manager.scope, manager.team_ids, manager.access)
        result = bring_in(
            "user", keeper, self.HEADER, "李娜,lina,administrator,华东组,,", "王芳,wangfang,销售,华东组,,", "赵六,zhao6,销售,华西组,,"
        )
        assert (result.created, told(result)) == (1, [(2, ""), (4, "")])
        assert [user.username for user in all_of(User)][-1] == "wangfang"

    def test_what_is_wrong_is_told_at_its_field(self, database: str, administrator: Actor) -> None:
        lines = ["李娜,lina,总统,,,", "王芳,wangfang,,,,", "赵六,zhao6,销售,,没有邮箱,", "钱七,q,销售,,,"]
        assert told(bring_in("user", administrator, self.HEADER, *lines)) == [(2, "role"), (3, "role"), (4, "email"), (5, "username")]
        assert [user.username for user in all_of(User)] == ["administrator"]

    def test_a_row_that_fails_leaves_no_team_behind(self, database: str, administrator: Actor) -> None:
        lines = ["王芳,!!,销售,华西组,,", "李娜,lina,销售,华东组,,", "赵六,zhaoliu,销售,华西组,,", "钱七,??,销售,东北组,,"]
        assert told(bring_in("user", administrator, self.HEADER, *lines)) == [(2, "username"), (5, "username")]
        assert [team.name for team in all_of(Team)] == ["华东组", "华西组"]
        with reading(SYSTEM) as session:
            assert check_log(session, SYSTEM).fault is None


class TestOpportunities:
    @pytest.fixture(autouse=True)
    def customer(self, manager: Actor, sales: Actor) -> Customer:
        return factories.make_customer(sales, name=COMPANY)

    @pytest.fixture(autouse=True)
    def product(self, customer: Customer) -> Product:
        return factories.make_product(name="排产软件", code="A-1", price="1000")

    def test_a_closed_one_comes_in_as_history(self, database: str, manager: Actor, customer: Customer) -> None:
        before = len(all_of(Notice)), len(all_of(Task))
        lines = [
            f"M-1,{COMPANY},排产软件,成交,950,销售丙,2023-01-05,2023-03-01,,",
            f"M-2,{customer.code},a-1,Lost,0,sales,2023-02-01,2023-02-10,,价格过高",
            f"M-3,{COMPANY},,初次接洽,2万,,2024-01-05,,2030-01-01,",
        ]
        result = bring_in("opportunity", manager, DEALS, *lines)
        assert (result.created, result.errors) == (3, [])
        won, lost, begun = all_of(Opportunity)
        assert (won.code, won.name, won.amount, won.expected_on) == ("M-1", "排产软件", Decimal(950), date(2023, 3, 1))
        assert (clock.day_of(won.closed_at), clock.day_of(won.stage_since), won.opened_on) == (
            date(2023, 3, 1),
            date(2023, 3, 1),
            date(2023, 1, 5),
        )
        assert (lost.loss_reason, lost.closed_at is None) == ("loss_reason.price", False)
        assert (begun.is_open, begun.amount, begun.name, begun.owner_id) == (True, Decimal(20000), COMPANY, manager.id)
        assert [(line.quantity, line.price) for line in all_of(OpportunityLine)] == [(1, Decimal(950)), (1, Decimal(0))]
        with reading(manager) as session:
            moves = list_moves(session, manager, won.id)
        assert [(clock.day_of(one.at).isoformat(), one.stage, one.days) for one in moves[:1]] == [("2023-01-05", "初次接洽", 55)]
        assert (len(all_of(Notice)), len(all_of(Task))) == before
        assert [line.reason for line in factories.log_of("opportunity", won.id)] == ["导入 opportunity.csv"]

    def test_boards_see_what_came_in_at_once(self, database: str, manager: Actor) -> None:
        def revision() -> int:
            with reading(SYSTEM) as session:
                return numbering.revision(session, "opportunities")

        before = revision()
        bring_in("opportunity", manager, DEALS, f"M-1,{COMPANY},,,5,,,,2030-01-01,")
        assert revision() > before

    def test_the_same_file_again_adds_nothing(self, database: str, manager: Actor) -> None:
        lines = [f"M-1,{COMPANY},,,5,,,,2030-01-01,"] * 2
        first, again = bring_in("opportunity", manager, DEALS, *lines), bring_in("opportunity", manager, DEALS, *lines)
        assert (first.created, first.skipped, again.created, again.skipped) == (1, 1, 0, 2)

    def test_rows_with_one_code_are_one_opportunity_with_several_products(
        self, database: str, manager: Actor, customer: Customer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(running, "CHUNK", 2)  # the rows of M-1 lie in several parts
        factories.make_product(name="网关", code="G-1", price="200")
        factories.make_product(name="培训", code="T-1", price="300")
        lines = [
            f"M-1,{COMPANY},A-1,成交,950,销售丙,2023-01-05,2023-03-01,,",
            f"M-2,{COMPANY},,,5,,,,2030-01-01,",
            f"m-1,{customer.code},网关,,50.5,,,,,",
            "M-1,,T-1,,,,,,,",
            "M-1,,T-1,,,,,,,",
        ]
        dry = bring_in("opportunity", manager, DEALS, *lines, dry_run=True)
        result = bring_in("opportunity", manager, DEALS, *lines)
        assert (result.created, result.updated, result.skipped, result.errors) == (2, 2, 1, [])
        assert (dry.created, dry.updated, dry.skipped) == (2, 2, 1)
        several, single = all_of(Opportunity)
        assert (several.amount, single.amount) == (Decimal("1300.50"), 5)
        assert [(line.opportunity_id, line.position, line.amount) for line in all_of(OpportunityLine)] == [
            (several.id, 0, 950),
            (several.id, 1, Decimal("50.50")),
            (several.id, 2, 300),
        ]
        assert bring_in("opportunity", manager, DEALS, *lines).skipped == 5

    def test_rows_with_one_code_that_do_not_fit_are_told(self, database: str, manager: Actor, sales: Actor) -> None:
        other = factories.make_customer(sales)
        lines = [
            f"M-1,{COMPANY},,,5,,,,2030-01-01,",
            "M-1,,A-1,,,,,,,",
            f"M-2,{COMPANY},A-1,,5,,,,2030-01-01,",
            f"M-2,{other.code},A-1,,5,,,,,",
            f"M-3,{COMPANY},没有的产品,,5,,,,2030-01-01,",
            "M-3,,A-1,,,,,,,",
        ]
        result = bring_in("opportunity", manager, DEALS, *lines)
        assert told(result) == [(2, "product"), (3, ""), (4, ""), (5, "customer"), (6, "product"), (7, "")]
        assert all_of(Opportunity) == []  # whole or not at all: what is there is skipped, so a mended row alone would never come in
        again = bring_in("opportunity", manager, DEALS, lines[0].replace(",,,5", ",A-1,,5"), *lines[1:3])
        assert (again.created, again.updated, again.errors) == (2, 1, [])

    def test_without_a_code_it_gets_the_next_number_and_without_an_amount_the_price(self, database: str, manager: Actor) -> None:
        dry = bring_in("opportunity", manager, DEALS, f",{COMPANY},A-1,,,,,,2030-01-01,", dry_run=True)
        assert (dry.created, all_of(Opportunity)) == (1, [])
        bring_in("opportunity", manager, DEALS, f",{COMPANY},A-1,,,,,,2030-01-01,")
        (made,) = all_of(Opportunity)
        assert made.code.startswith("OPP")
        assert made.amount == 1000

    @pytest.mark.parametrize(
        ("line", "field"),
        [
            ("X,无此公司,,,1,,,,2030-01-01,", "customer"),
            ("X,,,,1,,,,2030-01-01,", "customer"),
            ("X,{},无此产品,,1,,,,2030-01-01,", "product"),
            ("X,{},,无此阶段,1,,,,2030-01-01,", "stage"),
            ("X,{},,,1,无此人,,,2030-01-01,", "owner"),
            ("X,{},,,-1,,,,2030-01-01,", "amount"),
            ("X,{},,,1,,,,不久,", "expected_on"),
            ("X,{},,,1,,,2023-01-01,2030-01-01,", "closed_on"),
            ("X,{},A-1,成交,1,,,,2030-01-01,", "closed_on"),
            ("X,{},A-1,成交,1,,2023-05-01,2023-04-01,,", "closed_on"),
            ("X,{},A-1,成交,1,,,2999-01-01,,", "closed_on"),
            ("X,{},,成交,1,,,2023-04-01,,", "product"),
            ("X,{},,输单,1,,,2023-04-01,,", "loss_reason"),
            ("OPP202601001,{},,,1,,,,2030-01-01,", "code"),
            ("X,{},,,1,销售戊,,,2030-01-01,", "owner"),
        ],
    )
    def test_what_a_form_refuses_is_refused_here(
        self, sqlite_database: str, manager: Actor, stranger: Actor, line: str, field: str
    ) -> None:
        result = bring_in("opportunity", manager, DEALS, line.format(COMPANY))
        assert (told(result), all_of(Opportunity)) == ([(2, field)], [])

    def test_a_customer_outside_the_scope_is_not_found(self, database: str, manager: Actor, stranger: Actor) -> None:
        factories.make_customer(stranger, name="宁波海天塑机有限公司")
        result = bring_in("opportunity", manager, DEALS, "X,宁波海天塑机有限公司,,,1,,,,2030-01-01,")
        assert told(result) == [(2, "customer")]

    def test_two_customers_of_one_name_are_told_apart_by_code(
        self, database: str, manager: Actor, sales: Actor, customer: Customer
    ) -> None:
        factories.make_customer(sales, name=COMPANY, duplicate_reason="分公司")
        result = bring_in("opportunity", manager, DEALS, f"X,{COMPANY},,,1,,,,2030-01-01,", f"Y,{customer.code},,,1,,,,2030-01-01,")
        assert (told(result), result.created) == ([(2, "customer")], 1)

    def test_former_people_keep_what_they_closed_and_get_nothing_open(self, database: str, manager: Actor, sales: Actor) -> None:
        with transaction(SYSTEM) as session:
            session.get_one(User, sales.id).is_active = False
        lines = [f"M-1,{COMPANY},A-1,成交,1,sales,,2023-03-01,,", f"M-2,{COMPANY},A-1,,1,sales,,,2030-01-01,"]
        result = bring_in("opportunity", manager, DEALS, *lines)
        assert (result.created, told(result)) == (1, [(3, "owner")])

    def test_values_for_all_rows_and_words_of_the_file_come_from_the_plan(self, database: str, manager: Actor) -> None:
        plan = {"words": {"stage": {"closed": "输单"}}, "defaults": {"loss_reason": "其他", "customer": COMPANY}}
        result = bring_in("opportunity", manager, DEALS, "X,,,closed,1,,,2023-04-01,,", "Y,,,,1,,,,2030-01-01,", **plan)
        assert (result.created, result.errors) == (2, [])
        assert [one.loss_reason for one in all_of(Opportunity)] == ["loss_reason.other", None]

    def test_who_may_not_work_on_opportunities_or_import_is_refused(self, database: str, manager: Actor, sales: Actor) -> None:
        reader = Actor(manager.id, manager.name, manager.permissions - {"opportunity:write"}, manager.scope)
        assert offered_kinds(reader) == ["customer", "contract"]
        for actor in (reader, sales):
            with pytest.raises(NotAllowed):
                bring_in("opportunity", actor, DEALS, f"X,{COMPANY},,,1,,,,2030-01-01,")
        for kind in ("product", "user"):
            with pytest.raises(NotAllowed):
                bring_in(kind, manager, "名称,价格", "甲,1")

    def test_figures_hold_to_scope_and_period(self, database: str, manager: Actor, stranger: Actor) -> None:
        lines = [f"{day},{COMPANY},A-1,{stage},100,,,{day},,其他" for day, stage in [("2023-03-31", "成交"), ("2023-04-01", "输单")]]
        bring_in("opportunity", manager, DEALS, *lines)
        with reading(manager) as session:
            assert [(one.key, one.won, one.lost) for one in win_rate(session, manager, Period(), by=By.QUARTER)] == [
                ("2023-Q1", 1, 0),
                ("2023-Q2", 0, 1),
            ]
            (first,) = win_rate(session, manager, Period(until=date(2023, 3, 31)))
            assert (first.percent, first.closed) == (100, 1)
            (none,) = win_rate(session, manager, Period(since=date(2023, 4, 2)))
            assert none.percent is None
            assert win_rate(session, manager, Period(since=date(2023, 4, 2)), by=By.MONTH) == []
        with reading(stranger) as session:
            assert won_value(session, stranger, Period()) == []
            assert list_opportunities(session, stranger, OpportunityQuery(state="all")).rows == []


class TestContracts:
    HEADER = "合同编号,客户,产品或服务,合同金额,签订日期,归属人"

    def test_contracts_come_in_and_the_cooperation_follows(self, database: str, manager: Actor, sales: Actor) -> None:
        customer = factories.make_customer(sales, stage="customer", name=COMPANY)
        factories.make_customer(sales, name="宁波海天塑机有限公司")
        lines = [
            f"HY-1,{COMPANY},系统,1000,2023-05-01,销售丙",
            "HY-2,宁波海天塑机有限公司,系统,1,2023-05-01,",
            f"HY-3,{COMPANY},系统,0,2999-05-01,",
        ]
        dry = bring_in("contract", manager, self.HEADER, *lines, dry_run=True)
        assert (dry.created, all_of(Contract)) == (1, [])
        result = bring_in("contract", manager, self.HEADER, *lines)
        assert (result.created, told(result)) == (1, [(3, ""), (4, "amount"), (4, "signed_on")])
        (made,) = all_of(Contract)
        assert (made.number, made.amount, made.owner_id, made.customer_id) == ("HY-1", 1000, sales.id, customer.id)
        assert bring_in("contract", manager, self.HEADER, lines[0]).skipped == 1

    def test_boards_see_what_came_in_before_a_row_that_failed(self, database: str, manager: Actor, sales: Actor) -> None:
        def revision() -> int:
            with reading(SYSTEM) as session:
                return numbering.revision(session, "contracts")

        factories.make_customer(sales, stage="customer", name=COMPANY)
        before = revision()
        lines = [f"HY-1,{COMPANY},系统,1000,2023-05-01,", f"HY-2,{COMPANY},系统,0,2023-05-01,"]
        assert bring_in("contract", manager, self.HEADER, *lines).created == 1
        assert revision() > before


class TestMappingFiles:
    def test_a_plan_is_read_as_it_was_written(self) -> None:
        plan = ImportPlan(
            {"Deal": "code", "Account": "customer"}, {"stage": "成交"}, Incomplete.FAIL, kind="opportunity", words={"stage": {"a": "b"}}
        )
        assert read_plan(write_plan(plan)) == plan

    @pytest.mark.parametrize(
        ("content", "word"),
        [
            (b"not json", "JSON"),
            (b"[]", "mapping"),
            (b'{"mapping": {"a": "name"}, "colour": "red"}', "colour"),
            (b'{"mapping": {"a": 1}}', "mapping"),
            (b'{"mapping": {}, "kind": "invoice"}', "kind"),
            (b'{"mapping": {}, "on_duplicate": "delete"}', "on_duplicate"),
            (b'{"mapping": {"a": "wealth"}}', "wealth"),
            (b'{"mapping": {}, "words": {"stage": "x"}}', "words"),
        ],
    )
    def test_what_is_no_mapping_file_is_refused_with_the_reason(self, content: bytes, word: str, in_english: None) -> None:
        with pytest.raises(FileRefused, match=word):
            read_plan(content)

    def test_a_plan_for_rows_without_what_they_need_or_an_unknown_way_is_refused(self, database: str, administrator: Actor) -> None:
        with pytest.raises(FileRefused):
            bring_in("opportunity", administrator, DEALS, "X", mapping={})
        with pytest.raises(ValidationFailed):
            bring_in("user", administrator, TestAccounts.HEADER, "李娜", on_duplicate=OnDuplicate.UPDATE)


def test_a_day_of_today_is_no_moment_to_come(database: str, administrator: Actor) -> None:
    factories.make_customer(administrator, name=COMPANY)
    today = clock.today()
    bring_in("opportunity", administrator, DEALS, f"X,{COMPANY},,,1,,{today},,{today + timedelta(days=9)},")
    (made,) = all_of(Opportunity)
    assert made.stage_since <= clock.now()
