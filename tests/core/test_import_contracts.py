"""Rows with one number are one contract with several products: whole or not at all, in a trial as in earnest, and again as a correction."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from crm_core.db import reading, transaction
from crm_core.i18n import in_language
from crm_core.models import Contract, ContractLine, Customer, Product
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import contracts
from crm_core.services.imports import running
from crm_core.services.imports.plan import OnDuplicate
from tests import factories
from tests.core.test_import_kinds import COMPANY, all_of, bring_in, told

HEADER = "合同编号,客户,产品或服务,合同金额,签订日期,归属人"


@pytest.fixture
def in_english() -> Iterator[None]:
    with in_language("en"):
        yield


def signed_with(customer: Customer) -> Decimal:
    """What the customer's cooperation grew by."""
    with reading(SYSTEM) as session:
        return (session.get_one(Customer, customer.id).cooperation_amount or Decimal(0)) - (customer.cooperation_amount or Decimal(0))


@pytest.fixture
def customer(sales: Actor) -> Customer:
    for code, name, price in (("A-1", "排产软件", "1000"), ("G-1", "网关", "200"), ("T-1", "培训", "300")):
        factories.make_product(code=code, name=name, price=price)
    return factories.make_customer(sales, stage="customer", name=COMPANY)


def lines_of(contract: Contract) -> list[tuple[int, int, Decimal, Decimal]]:
    own = [one for one in all_of(ContractLine) if one.contract_id == contract.id]
    return [(one.position, one.product_id, one.quantity, one.amount) for one in own]


def test_rows_with_one_number_are_one_contract_with_several_products(
    database: str, manager: Actor, sales: Actor, customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "CHUNK", 2)  # what stands between the rows of HY-1 comes in after them
    first, second, third = all_of(Product)
    with transaction(SYSTEM) as session:
        session.get_one(Product, third.id).is_active = False  # what was sold may be retired by now
    lines = [
        f"HY-1,{COMPANY},A-1,950,2023-05-01,销售丙",
        f"HY-2,{COMPANY},驻场服务,7,2023-06-01,",
        f"hy-1,{customer.code},网关,50.5,2023/5/1,sales",
        "HY-1,,T-1,,,",
        "HY-1,,T-1,,,",
    ]
    dry = bring_in("contract", manager, HEADER, *lines, dry_run=True)
    assert all_of(Contract) == []
    result = bring_in("contract", manager, HEADER, *lines)
    assert (result.rows, result.created, result.updated, result.skipped, result.errors) == (5, 2, 2, 1, [])
    assert (dry.rows, dry.created, dry.updated, dry.skipped, dry.errors) == (5, 2, 2, 1, [])
    several, single = all_of(Contract)
    assert (several.number, several.amount, several.product) == ("HY-1", Decimal("1300.50"), "排产软件、网关、培训")
    assert (several.owner_id, several.signed_on) == (sales.id, date(2023, 5, 1))
    expected = [(0, first.id, 1, 950), (1, second.id, 1, Decimal("50.50")), (2, third.id, 1, 300)]
    assert lines_of(several) == expected
    assert (single.product, single.amount, lines_of(single)) == ("驻场服务", 7, [])
    assert signed_with(customer) == Decimal("1307.50")
    assert bring_in("contract", manager, HEADER, *lines).skipped == 5


@pytest.mark.parametrize(
    ("column", "value"),
    [("customer", "宁波海天塑机有限公司"), ("signed_on", "2023-05-02"), ("owner", "manager"), ("signed_on", "不久")],
)
def test_rows_of_one_contract_that_contradict_each_other_are_refused_together(
    database: str, manager: Actor, sales: Actor, customer: Customer, column: str, value: str, in_english: None
) -> None:
    factories.make_customer(sales, stage="customer", name="宁波海天塑机有限公司")
    said = {"customer": COMPANY, "signed_on": "2023-05-01", "owner": "sales"}
    rows = ["{customer},A-1,1,{signed_on},{owner}".format(**one) for one in (said, said | {column: value})]
    lines = [f"HY-1,{rows[0]}", "HY-1,,G-1,1,,", f"HY-1,{rows[1]}", f"HY-2,{rows[0]}"]
    result = bring_in("contract", manager, HEADER, *lines)
    assert (result.created, result.failed) == (1, 3)
    notes = {note.row: note for note in result.errors}
    assert notes.keys() == {2, 3, 4}
    assert notes[4].field == column
    for word in ("Row 2", "row 4", said[column], value):
        assert word in notes[4].message
    assert all("4" in notes[row].message for row in (2, 3))
    assert [one.number for one in all_of(Contract)] == ["HY-2"]


def test_a_contract_with_a_wrong_row_waits_for_it_to_be_mended(database: str, manager: Actor, customer: Customer) -> None:
    lines = [f"HY-1,{COMPANY},A-1,1,2023-05-01,", "HY-1,,没有的产品,1,,", "HY-1,,,1,,", "HY-1,,G-1,-5,,", "HY-1,,T-1,1,,"]
    result = bring_in("contract", manager, HEADER, *lines)
    assert (result.created, result.failed) == (0, 5)
    assert told(result) == [(2, ""), (3, "product"), (4, "product"), (5, "amount"), (6, "")]
    assert all_of(Contract) == []
    again = bring_in("contract", manager, HEADER, lines[0], lines[4])
    assert (again.created, again.updated) == (1, 1)


def test_a_contract_that_exists_is_corrected_where_that_was_chosen(database: str, manager: Actor, customer: Customer) -> None:
    lines = [f"HY-1,{COMPANY},A-1,950,2023-05-01,", "HY-1,,G-1,50,,"]
    update: dict[str, Any] = {"on_duplicate": OnDuplicate.UPDATE, "defaults": {"owner": "manager"}}
    assert bring_in("contract", manager, HEADER, *lines).created == 1
    again = bring_in("contract", manager, HEADER, *lines, **update)
    assert (again.updated, again.skipped, again.errors) == (0, 2, [])
    changed = [lines[0].replace("2023-05-01", "2023-05-02"), "HY-1,,T-1,300,,", "HY-1,,G-1,60,,"]
    assert bring_in("contract", manager, HEADER, *changed, dry_run=True, **update).updated == 3
    assert bring_in("contract", manager, HEADER, *changed, **update).updated == 3
    (contract,) = all_of(Contract)
    assert (contract.amount, contract.signed_on, contract.product) == (1310, date(2023, 5, 2), "排产软件、培训、网关")
    assert contract.owner_id == customer.owner_id  # what fills gaps of new ones changes nothing that is there
    assert signed_with(customer) == 1310
    assert {line.reason for line in factories.log_of("contract", contract.id, field="signed_on")} == {"导入 contract.csv"}


def test_what_an_import_does_not_change_of_a_contract_is_refused(database: str, manager: Actor, sales: Actor, customer: Customer) -> None:
    factories.make_customer(sales, stage="customer", name="宁波海天塑机有限公司")
    bring_in("contract", manager, HEADER, f"HY-1,{COMPANY},A-1,950,2023-05-01,")
    for line, field in [
        ("HY-1,宁波海天塑机有限公司,A-1,950,,", "customer"),
        (f"HY-1,{COMPANY},,90,,", "amount"),
        (f"HY-1,{COMPANY},A-1,0,,", "lines"),
    ]:
        result = bring_in("contract", manager, HEADER, line, on_duplicate=OnDuplicate.UPDATE)
        assert told(result) == [(2, field)]
    (contract,) = all_of(Contract)
    with transaction(manager) as session:
        contracts.void_contract(session, manager, contract.id, version=contract.version, reason="误录")
    result = bring_in("contract", manager, HEADER, f"HY-1,{COMPANY},A-1,90,,", on_duplicate=OnDuplicate.UPDATE)
    assert told(result) == [(2, "")]
