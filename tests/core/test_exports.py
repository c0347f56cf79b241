"""Lists as files: who may, for what reason, which rows and values, and what the log keeps."""

import csv
import io
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from openpyxl import load_workbook

from crm_core.db import reading, transaction
from crm_core.errors import NotAllowed, ValidationFailed
from crm_core.fields import fields_of
from crm_core.models import Contact, Step
from crm_core.permissions import SYSTEM, Access, Actor, Permission
from crm_core.services import campaign_list, participations
from crm_core.services.audit_log import LogQuery, export_lines
from crm_core.services.bulk_targets import Selection
from crm_core.services.campaign_list import ParticipantQuery
from crm_core.services.contract_views import ContractQuery
from crm_core.services.customer_list import CustomerQuery
from crm_core.services.exports import running
from crm_core.services.exports.files import Form
from crm_core.services.exports.lists import LISTS
from crm_core.services.exports.running import export_list, may_export
from crm_core.services.imports.mapping import guess_mapping
from crm_core.services.imports.plan import ImportPlan
from crm_core.services.imports.reading import read_table
from crm_core.services.imports.running import run_import
from crm_core.services.opportunity_views import OpportunityQuery
from crm_core.services.products import ProductQuery
from crm_core.services.ticket_list import TicketQuery
from tests import factories

ATTACK = "=HYPERLINK(1)"
QUERIES: dict[str, Any] = {
    "customers": CustomerQuery(),
    "opportunities": OpportunityQuery(state="all"),
    "contracts": ContractQuery(),
    "tickets": TicketQuery(),
    "products": ProductQuery(),
    "participants": ParticipantQuery(1),
}


def rows_of(content: bytes) -> list[dict[str, Any]]:
    """The rows of a workbook by their headings, without the mark above them."""
    sheet = load_workbook(io.BytesIO(content)).active
    assert sheet is not None
    _mark, headings, *rows = sheet.iter_rows(values_only=True)
    return [dict(zip(map(str, headings), row, strict=True)) for row in rows]


def mark_of(content: bytes) -> str:
    sheet = load_workbook(io.BytesIO(content)).active
    assert sheet is not None
    return str(sheet["A1"].value)


@pytest.fixture
def records(manager: Actor, sales: Actor, stranger: Actor) -> None:
    """One record of each kind in the manager's scope, and the same outside of it."""
    product = factories.make_product(name=ATTACK, code="A-1", price="1200.50")
    campaign = factories.make_campaign(SYSTEM)
    for owner in (sales, stranger):
        customer = factories.make_customer(
            owner, stage="customer", name=f"{owner.name}客户有限公司", contacts=[factories.contact_values(phone="13800001234")]
        )
        with transaction(SYSTEM) as session:
            participations.add_selection(session, SYSTEM, campaign.id, Selection((customer.code,)))
            (one,) = campaign_list.list_of_customer(session, SYSTEM, customer.id).rows
            participations.reach(session, SYSTEM, one.id, Step.ATTENDED)
            participations.reach(session, SYSTEM, one.id, Step.ANSWERED, feedback=ATTACK)
        factories.make_opportunity(owner, customer, products=[product], name=ATTACK)
        factories.make_ticket(SYSTEM, customer, name=ATTACK)
        table = read_table("c.csv", f"客户,产品或服务,合同金额,签订日期\n{customer.code},'{ATTACK},88.50,2024-05-06\n".encode(), "contract")
        assert run_import(SYSTEM, table, ImportPlan(guess_mapping(table.headings, kind="contract"), kind="contract")).created == 1


@pytest.mark.usefixtures("records")
@pytest.mark.parametrize("name", LISTS)
def test_a_list_gives_what_its_viewer_sees_with_a_mark_and_a_line_in_the_log(database: str, manager: Actor, name: str) -> None:
    content = export_list(manager, name, QUERIES[name], reason="季度盘点")
    (row,) = rows_of(content)
    assert manager.name in mark_of(content)
    assert "季度盘点" in mark_of(content)
    assert "销售戊客户有限公司" not in row.values()
    assert not any(str(value).startswith("=") for value in row.values())
    assert name == "customers" or f"'{ATTACK}" in row.values()
    (line,) = factories.log_of(LISTS[name].entity, action="exported")
    assert (line.reason, line.actor_id, '"lines": 1' in (line.new or "")) == ("季度盘点", manager.id, True)


@pytest.mark.usefixtures("records")
def test_days_and_amounts_stay_days_and_amounts(sqlite_database: str, manager: Actor) -> None:
    (contract,) = rows_of(export_list(manager, "contracts", ContractQuery(), reason="x"))
    assert (float(contract["合同金额"]), contract["签约日期"].date()) == (88.5, date(2024, 5, 6))
    lines = list(csv.reader(io.StringIO(export_list(manager, "contracts", ContractQuery(), reason="x", form=Form.CSV).decode("utf-8-sig"))))
    (row,) = [dict(zip(lines[1], line, strict=True)) for line in lines[2:]]
    assert (row["合同金额"], row["签约日期"], row["产品 / 服务"]) == ("88.50", "2024-05-06", f"'{ATTACK}")


@pytest.mark.usefixtures("records")
def test_phones_of_participants_are_masked_or_missing_as_the_role_says(sqlite_database: str, manager: Actor) -> None:
    def phone(level: Access) -> Any:
        seen = replace(manager, access=frozenset({("phone", level)}))
        (row,) = rows_of(export_list(seen, "participants", ParticipantQuery(1), reason="x"))
        return row["手机/固话"]

    assert [phone(level) for level in (Access.READABLE, Access.MASKED, Access.HIDDEN)] == ["13800001234", "138****1234", None]


@pytest.mark.usefixtures("records")
def test_sensitive_values_are_masked_or_missing_as_the_role_says(sqlite_database: str, manager: Actor) -> None:
    def phones(level: Access) -> list[Any]:
        seen = replace(manager, access=frozenset({("phone", level)}))
        (row,) = rows_of(export_list(seen, "customers", CustomerQuery(), reason="x"))
        return [value for heading, value in row.items() if heading.endswith(fields_of(Contact)["phone"].title)]

    assert phones(Access.READABLE) == ["13800001234"]
    (masked,) = phones(Access.MASKED)
    assert masked == "138****1234"
    assert phones(Access.HIDDEN) == []


@pytest.mark.usefixtures("records")
def test_the_filters_hold_and_stand_in_the_log(sqlite_database: str, manager: Actor, administrator: Actor) -> None:
    query = OpportunityQuery(state="won", phrase="系统")
    assert rows_of(export_list(manager, "opportunities", query, reason="x")) == []
    (line,) = factories.log_of("opportunity", action="exported")
    assert line.new == '{"lines": 0, "phrase": "系统", "filters": "state won"}'
    told = load_workbook(io.BytesIO(export_lines(administrator, LogQuery(action="exported"), reason="x"))).active
    assert told is not None
    assert "系统" in str(list(told.iter_rows(values_only=True))[2])


def test_an_exported_catalogue_comes_in_again(sqlite_database: str, administrator: Actor) -> None:
    factories.make_product(name=ATTACK, price="12.50", category="软件")
    content = export_list(administrator, "products", ProductQuery(), reason="x", form=Form.CSV)
    table = read_table("products.csv", content, "product")
    result = run_import(administrator, table, ImportPlan(guess_mapping(table.headings, kind="product"), kind="product"))
    assert (result.skipped, result.errors) == (1, [])


@pytest.mark.parametrize("name", LISTS)
def test_without_permission_or_reason_there_is_no_file(sqlite_database: str, manager: Actor, sales: Actor, name: str) -> None:
    blind = replace(manager, permissions=manager.permissions - {LISTS[name].permission})
    for actor in (sales, blind):
        assert not may_export(actor, name)
        with pytest.raises(NotAllowed):
            export_list(actor, name, QUERIES[name], reason="x")
    assert may_export(manager, name)
    assert manager.can(Permission.CUSTOMER_EXPORT)
    with pytest.raises(ValidationFailed):
        export_list(manager, name, QUERIES[name], reason=" ")
    with reading(SYSTEM):
        assert factories.log_of(LISTS[name].entity, action="exported") == []


@pytest.mark.usefixtures("records")
def test_too_many_rows_are_refused_and_nothing_is_logged(
    sqlite_database: str, administrator: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "LIMIT", 1)
    with pytest.raises(ValidationFailed):
        export_list(administrator, "customers", CustomerQuery(), reason="x")
    assert factories.log_of("customer", action="exported") == []
