"""Aliases, and the sheet for outside: nothing on it tells who the customer is."""

import re

import pypdfium2
import pytest

from crm_core import db
from crm_core.errors import NotAllowed, ValidationFailed
from crm_core.i18n import in_language
from crm_core.models import Customer
from crm_core.permissions import Actor
from crm_core.services import aliases, customers, library, outside_sheet
from tests import factories
from tests.core.sentences import is_sentence

NAME, PHONE, MAILBOX = "浙江恒远机械有限公司", "13800001234", "chenjie@hengyuan.example.com"


@pytest.fixture
def customer(manager: Actor) -> Customer:
    person = factories.contact_values(name="陈洁明", position="采购经理", phone=PHONE, email=MAILBOX)
    return factories.make_customer(
        manager,
        contacts=[person],
        stage="qualified",
        name=NAME,
        province="330000",
        city="330100",
        segment="segment.strategic",
        address="文三路 138 号",
        core_need=f"{NAME}要换掉旧系统，请找陈洁明，电话 138-0000-1234 或 {MAILBOX}",
        remark="内部备注",
    )


def text_of(content: bytes) -> str:
    with pypdfium2.PdfDocument(content) as document:
        assert len(document) == 1
        return re.sub(r"\s+", "", document[0].get_textpage().get_text_range())


def make(actor: Actor, customer: Customer, *chosen: str, reason: str = "给合作伙伴评估") -> bytes:
    with in_language("zh_CN"), db.transaction(actor) as session:
        return outside_sheet.make_sheet(session, actor, customer.code, chosen, reason=reason)


def test_the_sheet_holds_what_was_chosen_and_nothing_that_tells_who_it_is(manager: Actor, customer: Customer) -> None:
    with db.reading(manager) as session:
        everything = [*outside_sheet.shareable_fields(library.get_library(session)), *outside_sheet.PEOPLE]
    text = text_of(make(manager, customer, *everything))
    for secret in (NAME, PHONE, "0000-1234", "hengyuan", "陈洁明", "洁明", "文三路", "内部备注", customer.code):
        assert secret not in text
    for shown in ("某客户", "陈**", "采购经理", "138****1234", "che**@****", "要换掉旧系统", "给合作伙伴评估", manager.name):
        assert shown in text


@pytest.mark.parametrize("name", ["name", "credit_code", "identity_number", "address", "remark", "key_people"])
def test_some_fields_are_never_on_it(manager: Actor, name: str) -> None:
    with db.reading(manager) as session:
        assert name not in outside_sheet.shareable_fields(library.get_library(session))


def test_the_export_is_logged_with_its_reason_and_fields(manager: Actor, customer: Customer) -> None:
    make(manager, customer, "segment", "contacts")
    line = factories.log_of("customer", customer.id, action="exported")[-1]
    assert (line.new, line.reason, line.actor_id) == ("segment, contacts", "给合作伙伴评估", manager.id)


@pytest.mark.parametrize(("chosen", "reason", "field"), [(("segment",), " ", "reason"), ((), "x", "fields"), (("name",), "x", "fields")])
def test_without_reason_or_field_there_is_no_sheet(
    manager: Actor, customer: Customer, chosen: tuple[str, ...], reason: str, field: str
) -> None:
    with pytest.raises(ValidationFailed) as refused:
        make(manager, customer, *chosen, reason=reason)
    assert is_sentence(refused.value.errors[field][0])
    assert factories.log_of("customer", customer.id, action="exported") == []


def test_who_may_not_export_makes_none(sales: Actor) -> None:
    with pytest.raises(NotAllowed):
        make(sales, factories.make_customer(sales), "segment")


def test_an_alias_is_proposed_from_region_and_segment_until_one_is_given(manager: Actor, customer: Customer) -> None:
    with in_language("zh_CN"), db.transaction(manager) as session:
        entries, seen = library.get_library(session), customers.get_customer(session, manager, customer.code)
        assert aliases.alias_of(entries, seen) == "某客户（浙江省 · 战略客户）"
        aliases.set_alias(session, manager, customer.id, " 某机械制造商 ")
        session.flush()
        assert aliases.alias_of(entries, customers.get_customer(session, manager, customer.code)) == "某机械制造商"
    assert factories.log_of("customer", customer.id, field="alias")[-1].new == "某机械制造商"
    assert "某机械制造商" in text_of(make(manager, customer, "segment"))


@pytest.mark.parametrize("alias", [NAME, f"{NAME}（杭州）", "陈洁明的公司", "长" * 61])
def test_an_alias_that_gives_the_customer_away_is_refused(manager: Actor, customer: Customer, alias: str) -> None:
    with db.transaction(manager) as session, pytest.raises(ValidationFailed) as refused:
        aliases.set_alias(session, manager, customer.id, alias)
    assert is_sentence(refused.value.errors["alias"][0])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-12-31 前交付 120 台", "2026-12-31 前交付 120 台"),
        ("预算 200000 元", "预算 200000 元"),
        ("+86 138 0000 1234", "***"),
        ("0571-88886666 转 802", "*** 转 802"),
        ("330106199001011234", "***"),
    ],
)
def test_numbers_that_could_reach_somebody_are_taken_out_of_texts(text: str, expected: str) -> None:
    assert outside_sheet.scrub(text, {}) == expected


def test_words_of_ones_own_are_scrubbed_wherever_they_stand(manager: Actor) -> None:
    need = "ACME PUMPS 要报价，见 https://www.acme-pumps.example/a?b=1，电话 138.0000.1234，交期 2026-10-01，预算 1.5 万"
    person = factories.contact_values(name="陈洁明")
    customer = factories.make_customer(
        manager, contacts=[person], stage="qualified", name="Acme Pumps", industry="Acme pumps 的水泵", core_need=need
    )
    text = text_of(make(manager, customer, "core_need", "industry"))
    for secret in ("acme", "138.0000", "0000.1234"):
        assert secret not in text.casefold()
    for shown in ("的水泵", "要报价", "2026-10-01", "预算1.5万"):
        assert shown in text
