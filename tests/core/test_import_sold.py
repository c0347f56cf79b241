"""Quantity and price in files of opportunities and contracts: both take them in the same way, and give them back as they took them."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from crm_core.db import transaction
from crm_core.i18n import _
from crm_core.models import Contract, ContractLine, Customer, Opportunity, OpportunityLine
from crm_core.permissions import Actor
from crm_core.services.contract_views import ContractQuery
from crm_core.services.contracts import add_contract
from crm_core.services.exports.files import Form
from crm_core.services.exports.running import export_list
from crm_core.services.imports.mapping import guess_mapping
from crm_core.services.imports.plan import ImportPlan, OnDuplicate
from crm_core.services.imports.reading import read_table
from crm_core.services.imports.running import run_import
from crm_core.services.opportunity_views import OpportunityQuery
from tests import factories
from tests.core.test_import_kinds import COMPANY, all_of, bring_in

HEADERS = {"opportunity": "商机编号,客户,预计成交日期", "contract": "合同编号,客户,签订日期"}
SOLD = ",产品,数量,单价,金额"
RECORDS: dict[str, tuple[Any, Any]] = {"opportunity": (Opportunity, OpportunityLine), "contract": (Contract, ContractLine)}
LISTS: dict[str, tuple[str, Any]] = {
    "opportunity": ("opportunities", OpportunityQuery(state="all")),
    "contract": ("contracts", ContractQuery()),
}
both_kinds = pytest.mark.parametrize("kind", HEADERS)


@pytest.fixture
def customer(sales: Actor) -> Customer:
    for code, name, price in (("A-1", "排产软件", "1000"), ("G-1", "网关", "200"), ("T-1", "培训", "0")):
        factories.make_product(code=code, name=name, price=price)
    return factories.make_customer(sales, stage="customer", name=COMPANY)


def bring(kind: str, actor: Actor, *rows: str, **plan: Any) -> Any:
    """Import rows, which say a number and what is sold."""
    lines = [f"{number},{COMPANY},2024-05-06,{sold}" for number, _comma, sold in (row.partition(",") for row in rows)]
    return bring_in(kind, actor, HEADERS[kind] + SOLD, *lines, **plan)


def sold_of(kind: str) -> list[tuple[Any, ...]]:
    return [(line.product_id, line.quantity, line.price, line.amount) for line in all_of(RECORDS[kind][1])]


@pytest.mark.parametrize(
    ("headings", "target"), [("数量 件数 Quantity qty", "quantity"), ("单价 成交单价 Price unit_price", "price")], ids=["quantity", "price"]
)
@both_kinds
def test_headings_are_guessed_in_both_languages(database: str, kind: str, headings: str, target: str) -> None:
    for heading in headings.split():
        assert guess_mapping([heading], kind=kind) == {heading: target}


@both_kinds
def test_a_row_says_how_many_at_which_price(database: str, manager: Actor, customer: Customer, kind: str) -> None:
    rows = ("X,A-1,3,950.50,", "X,网关,2.5,,", "X,T-1,4,,100", "X,T-1,,7,7.00", "X,T-1,2,0.335,0.68", "Y,A-1,2,,")
    dry = bring(kind, manager, *rows, dry_run=True)
    assert sold_of(kind) == []
    result = bring(kind, manager, *rows)
    assert (result.created, result.updated, result.errors) == (dry.created, dry.updated, dry.errors) == (2, 4, [])
    assert [line[1:] for line in sold_of(kind)] == [
        (3, Decimal("950.50"), Decimal("2851.50")),
        (Decimal("2.5"), 200, 500),
        (4, 25, 100),
        (1, 7, 7),
        (2, Decimal("0.34"), Decimal("0.68")),
        (2, 1000, 2000),
    ]
    assert [record.amount for record in all_of(RECORDS[kind][0])] == [Decimal("3459.18"), 2000]


@pytest.mark.parametrize(
    ("sold", "field", "reason"),
    [
        ("A-1,-2,5,", "quantity", "1,000,000"),
        ("A-1,0,5,", "quantity", "1,000,000"),
        ("A-1,2000000,5,", "quantity", "1,000,000"),
        ("A-1,1.005,5,", "quantity", "1,000,000"),
        ("A-1,几个,5,", "quantity", "几个"),
        ("A-1,2,-5,", "price", "0"),
        ("A-1,2,面议,", "price", "面议"),
        ("A-1,2,1e15,", "price", "500000"),
        ("A-1,1000000,99999999999,", "amount", "500000"),
        ("A-1,3,5,16", "amount", "15.00"),
        ("A-1,3,,100", "amount", "99.99"),
        (",3,,100", "product", ""),
        (",,5,100", "product", ""),
    ],
)
@pytest.mark.parametrize("place", ["alone", "first", "further"])
@both_kinds
def test_what_cannot_be_sold_is_refused_with_row_field_and_reason(
    database: str, manager: Actor, customer: Customer, kind: str, place: str, sold: str, field: str, reason: str
) -> None:
    rows = {"alone": ["X," + sold], "first": ["X," + sold, "X,G-1,1,,"], "further": ["X,G-1,1,,", "X," + sold]}[place]
    for dry_run in (True, False):
        result = bring(kind, manager, *rows, dry_run=dry_run)
        assert (result.created, result.failed) == (0, len(rows))
        (note,) = [note for note in result.errors if note.field]
        assert (note.row, note.field) == (3 if place == "further" else 2, field)
        assert reason in note.message
    assert sold_of(kind) == all_of(RECORDS[kind][0]) == []


@pytest.mark.parametrize("form", Form)
@pytest.mark.parametrize("language", ["zh_CN", "en"])
@both_kinds
def test_an_exported_file_imported_again_changes_nothing(
    database: str, manager: Actor, customer: Customer, kind: str, language: str, form: Form
) -> None:
    rows = ["X,A-1,3,950.50,", "X,网关,2.5,,", "Y,A-1,2,,", "Z,,,,88.50", "V,培训,,,5"]
    if kind == "contract":
        rows[3:] = ["Z,驻场服务,,,88.50", "V,培训,,,5"]
    assert bring(kind, manager, *rows, defaults={"owner": "manager"}).failed == 0
    if kind == "contract":  # one that says in its own words what the catalogue would have
        own = {"product": "网关", "amount": "77", "number": "W", "signed_on": "2024-05-06"}
        with transaction(manager) as session:
            add_contract(session, manager, customer.id, own, owner_id=manager.id)
    before = sold_of(kind), [(one.amount, one.version, one.owner_id) for one in all_of(RECORDS[kind][0])]
    name, query = LISTS[kind]
    content = export_list(replace(manager, language=language), name, query, reason="x", form=form)
    table = read_table(f"list.{form}", content, kind)
    ways = (OnDuplicate.SKIP, OnDuplicate.UPDATE) if kind == "contract" else (OnDuplicate.SKIP,)
    for way in ways:
        mapping = guess_mapping(table.headings, kind=kind)
        assert {"product", "quantity", "price", "amount"} <= set(mapping.values())
        result = run_import(manager, table, ImportPlan(mapping, kind=kind, on_duplicate=way))
        assert (result.created, result.updated, result.errors) == (0, 0, [])
        assert result.skipped == result.rows == len(before[0]) + (2 if kind == "contract" else 1)
    assert before == (sold_of(kind), [(one.amount, one.version, one.owner_id) for one in all_of(RECORDS[kind][0])])


def test_the_amounts_of_an_exported_column_come_to_the_sum_of_the_contracts(database: str, manager: Actor, customer: Customer) -> None:
    from tests.core.test_exports import rows_of

    bring("contract", manager, "X,A-1,3,950.50,", "X,网关,2.5,,", "Y,A-1,2,,")
    rows = rows_of(export_list(manager, "contracts", ContractQuery(), reason="x"))
    assert [(row["合同编号"], row["数量"], row["单价"]) for row in rows] == [("X", 3, 950.5), ("X", 2.5, 200), ("Y", 2, 1000)]
    assert sum(row["合同金额"] for row in rows) == 5351.5
    assert [row[_("Received payments")] for row in rows] == [0, None, 0]


@pytest.mark.parametrize(
    ("sold", "is_changed"), [("A-1,2,,", True), ("A-1,3,950.50,", False), ("A-1,,,2851.50", False), ("A-1,3,,2851.50", False)]
)
def test_a_contract_is_corrected_where_quantity_or_price_differ(
    database: str, manager: Actor, customer: Customer, sold: str, is_changed: bool
) -> None:
    bring("contract", manager, "X,A-1,3,950.50,")
    result = bring("contract", manager, "X," + sold, on_duplicate=OnDuplicate.UPDATE)
    assert (result.updated, result.skipped, result.errors) == (is_changed, not is_changed, [])
    assert [line[1] for line in sold_of("contract")] == [2 if is_changed else 3]
