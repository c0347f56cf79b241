"""Imports of what is no customer meet cells that nobody expects, each other, and people who delete what they are about to name."""

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from io import BytesIO
from typing import Any

import openpyxl
import pytest

from crm_core.db import transaction
from crm_core.models import Contract, ContractLine, Customer, Opportunity
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import customers
from crm_core.services.imports import running
from crm_core.services.imports.failed_rows import failed_rows_workbook
from crm_core.services.imports.mapping import guess_mapping
from crm_core.services.imports.plan import ImportPlan, ImportResult, OnDuplicate
from crm_core.services.imports.reading import read_table
from crm_core.services.imports.running import run_import
from crm_core.services.products import delete_product
from tests import factories
from tests.core.test_concurrency import at_once
from tests.core.test_import_kinds import COMPANY, all_of, bring_in, told

LONG = "长" * 10_000
CONTRACTS = "合同编号,客户,产品或服务,合同金额,签订日期"
ROWS: dict[str, tuple[str, str, str]] = {
    "contract": ("合同编号,客户,产品或服务,合同金额,签订日期,归属人", "N-{n},COMPANY,系统,5,2023-05-01,", "-5"),
    "opportunity": ("商机编号,客户,商机名称,产品,商机阶段,归属人,预计金额,预计成交日期", "N-{n},COMPANY,系统,,,,5,2030-01-01", "-5"),
    "product": ("产品编号,产品名称,产品系列,单位,在用,单价", "N-{n},系统{n},,,,5", "-5"),
    "user": ("姓名,账号,角色,区域,邮箱,在用", "李{n},li.{n},sales,,,", ""),
}
"""A heading, a row that comes in, and an amount that does not."""


@pytest.mark.parametrize("kind", ROWS)
@pytest.mark.parametrize("cell", [LONG, '=HYPERLINK("http://x")', "🙂🙂"])
def test_a_strange_cell_is_kept_as_text_or_fails_its_row_with_a_reason(database: str, administrator: Actor, kind: str, cell: str) -> None:
    factories.make_customer(administrator, stage="customer", name=COMPANY)
    header, row, _negative = ROWS[kind]
    plain, lines = row.replace("COMPANY", COMPANY), []
    for place in range(len(plain.split(","))):
        cells = plain.format(n=place).split(",")
        cells[place] = '"' + cell.replace('"', '""') + '"'
        lines.append(",".join(cells))
    table = read_table("x.csv", "\n".join([header, *lines, plain.format(n="last")]).encode(), kind)
    plan = ImportPlan(guess_mapping(table.headings, kind=kind), kind=kind)
    result = run_import(administrator, table, plan)
    failed = {note.row for note in result.errors}
    assert (result.created, result.failed) == (len(lines) + 1 - len(failed), len(failed))
    assert failed
    assert all(note.message and len(note.message) < 300 for note in result.errors)
    assert all(note.field == guess_mapping(table.headings, kind=kind)[table.headings[note.row - 2]] for note in result.errors)
    sheet = openpyxl.load_workbook(BytesIO(failed_rows_workbook(table, result, kind=kind))).active
    assert sheet
    told_of = [cell for row in sheet.iter_rows(min_row=2) for cell in row if cell.value]
    assert sheet.max_row == len(failed) + 1
    assert [one for one in told_of if one.data_type == "f"] == []


@pytest.mark.parametrize("kind", ["contract", "opportunity", "product"])
def test_a_negative_amount_fails_its_row(database: str, administrator: Actor, kind: str) -> None:
    factories.make_customer(administrator, stage="customer", name=COMPANY)
    header, row, negative = ROWS[kind]
    line = row.replace("COMPANY", COMPANY).format(n=1).replace(",5", f",{negative}")
    result = bring_in(kind, administrator, header, line)
    assert (result.created, [row for row, _field in told(result)]) == (0, [2])
    assert told(result)[0][1] in ("amount", "price")


@pytest.mark.parametrize("kind", ["product", "user"])
def test_in_use_is_yes_or_no_and_no_guess(database: str, administrator: Actor, kind: str) -> None:
    header, row, _negative = ROWS[kind]
    cells = dict(zip(header.split(","), row.format(n=1).split(","), strict=True)) | {"在用": "也许"}
    result = bring_in(kind, administrator, header, ",".join(cells.values()))
    assert (result.created, told(result)) == (0, [(2, "is_active")])


def test_two_files_with_the_same_numbers_at_once_make_each_contract_once(database: str, administrator: Actor) -> None:
    factories.make_product(code="A-1", name="排产软件", price="100")
    names = ("杭州恒远机械有限公司", "宁波海天塑机有限公司", "温州东瓯阀门有限公司")
    for name in names:
        factories.make_customer(administrator, stage="customer", name=name)
    lines = [line for number, name in enumerate(names) for line in (f"HY-{number},{name},A-1,10,2023-05-01", f"HY-{number},,A-1,20,")]
    imports: list[Callable[[], ImportResult]] = [
        partial(bring_in, "contract", administrator, CONTRACTS, *lines),
        # The other way round: whoever locked the customers one after the other would wait for each other.
        partial(bring_in, "contract", administrator, CONTRACTS, *(lines[place] for place in (4, 5, 2, 3, 0, 1))),
    ]
    first, second = at_once(imports)
    assert isinstance(first, ImportResult)
    assert isinstance(second, ImportResult)
    assert sorted([first.created, second.created]) == [0, 3]
    assert (first.skipped + second.skipped, first.failed + second.failed) == (6, 0)
    assert sorted(one.number for one in all_of(Contract)) == ["HY-0", "HY-1", "HY-2"]
    assert {one.amount for one in all_of(Contract)} == {Decimal(30)}
    assert len(all_of(ContractLine)) == 6


@pytest.mark.parametrize(
    ("kind", "header", "line", "model"),
    [
        ("contract", CONTRACTS, "HY-{n},{customer},系统,10,2023-05-01", Contract),
        ("opportunity", "商机编号,客户,预计金额,预计成交日期", "M-{n},{customer},5,2030-01-01", Opportunity),
    ],
)
def test_a_customer_that_is_deleted_meanwhile_fails_its_rows_and_no_others(
    database: str, administrator: Actor, monkeypatch: pytest.MonkeyPatch, kind: str, header: str, line: str, model: type[Any]
) -> None:
    monkeypatch.setattr(running, "CHUNK", 1)
    gone, stays = (factories.make_customer(administrator, stage="customer") for _number in range(2))
    lines = [line.format(n=number, customer=one.code) for number, one in enumerate((stays, gone, stays))]
    table = read_table("x.csv", "\n".join([header, *lines]).encode(), kind)

    def delete_after_the_first(done: int, _total: int) -> None:
        if done == 1:
            with transaction(administrator) as session:
                customers.delete_customer(session, administrator, gone.id)

    plan = ImportPlan(guess_mapping(table.headings, kind=kind), kind=kind)
    result = run_import(administrator, table, plan, progress=delete_after_the_first)
    assert (result.created, told(result)) == (2, [(3, "customer")])
    assert {one.customer_id for one in all_of(model)} == {stays.id}


def test_a_customer_that_is_deleted_before_its_update_is_no_error(
    database: str, administrator: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "CHUNK", 1)
    people = [factories.make_customer(administrator, name=name) for name in (COMPANY, "宁波海天塑机有限公司")]
    table = read_table("x.csv", ("客户名称,备注\n" + "\n".join(f"{one.name},新" for one in people)).encode())

    def delete_the_second(done: int, _total: int) -> None:
        if done == 1:
            with transaction(administrator) as session:
                customers.delete_customer(session, administrator, people[1].id)

    plan = ImportPlan(guess_mapping(table.headings), on_duplicate=OnDuplicate.UPDATE)
    result = run_import(administrator, table, plan, progress=delete_the_second)
    assert (result.rows, result.updated, result.failed) == (2, 1, 0)
    assert [one.remark for one in all_of(Customer) if one.id == people[0].id] == ["新"]


def test_an_import_and_the_deletion_of_its_customers_at_once_end_in_one_order_or_the_other(database: str, administrator: Actor) -> None:
    people = [factories.make_customer(administrator, stage="customer") for _number in range(4)]
    lines = [f"HY-{number},{one.code},系统,10,2023-05-01" for number, one in enumerate(people)]

    def delete() -> None:
        for one in reversed(people):
            with transaction(SYSTEM) as session:
                customers.delete_customer(session, SYSTEM, one.id)

    actions: list[Callable[[], Any]] = [partial(bring_in, "contract", administrator, CONTRACTS, *lines), delete]
    result, deleted = at_once(actions)
    assert (isinstance(result, ImportResult), deleted) == (True, None)
    assert result.created + result.failed == 4
    assert len(all_of(Contract)) == result.created
    assert {one.place for one in all_of(Customer)} == {"bin"}


def test_a_product_that_is_deleted_meanwhile_fails_its_rows(database: str, administrator: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "CHUNK", 1)
    product = factories.make_product(code="A-1", name="排产软件", price="100")
    factories.make_customer(administrator, stage="customer", name=COMPANY)
    lines = [f"M-{number},{COMPANY},{code},5,2030-01-01" for number, code in enumerate(("", "A-1", ""))]
    table = read_table("x.csv", "\n".join(["商机编号,客户,产品,预计金额,预计成交日期", *lines]).encode(), "opportunity")

    def delete_it(done: int, _total: int) -> None:
        if done == 1:
            with transaction(administrator) as session:
                delete_product(session, administrator, product.id)

    plan = ImportPlan(guess_mapping(table.headings, kind="opportunity"), kind="opportunity")
    result = run_import(administrator, table, plan, progress=delete_it)
    assert (result.created, told(result)) == (2, [(3, "product")])
