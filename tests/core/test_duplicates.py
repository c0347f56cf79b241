"""Possible duplicates: by name, credit code, identity number, phone, mailbox and similar names."""

from typing import Any

import pytest

from crm_core.db import reading, transaction
from crm_core.models import Customer
from crm_core.normal import email_key, name_key, phone_key
from crm_core.permissions import Actor
from crm_core.services import duplicates
from crm_core.services.customers import delete_customer
from crm_core.services.entry import check_entry
from crm_core.services.library import get_library
from tests import factories

CODE = factories.random_credit_code()
IDENTITY = factories.random_identity_number()


@pytest.fixture
def known(database: str, sales: Actor) -> Customer:
    """A company in the library of customers."""
    return factories.make_customer(
        sales,
        name="杭州恒远智能装备制造有限公司",
        credit_code=CODE,
        contacts=[
            factories.contact_values(phone="13800001234", email="Wang@Hengyuan.com"),
            factories.contact_values(phone="0571-87654321-802", email="未提供"),
        ],
    )


def reasons(actor: Actor, **entered: Any) -> dict[int, list[str]]:
    """What is found for an entry, with the reasons."""
    with reading(actor) as session:
        return {one.customer_id: one.reasons for one in duplicates.find_duplicates(session, actor, **entered)}


@pytest.mark.parametrize(
    ("entered", "reason"),
    [
        ({"name": "杭州恒远智能装备制造有限公司"}, duplicates.SAME_NAME),
        ({"name": "杭州恒远智能装备制造有限责任公司"}, duplicates.SAME_NAME),
        ({"name": "杭州恒远智能 装备制造（有限公司）"}, duplicates.SAME_NAME),
        ({"name": "宁波别家有限公司", "credit_code": CODE}, duplicates.SAME_CODE),
        ({"name": "宁波别家有限公司", "phones": ["13800001234"]}, duplicates.SAME_PHONE),
        ({"name": "宁波别家有限公司", "phones": ["0571-87654321"]}, duplicates.SAME_PHONE),
        ({"name": "宁波别家有限公司", "emails": ["wang@hengyuan.com"]}, duplicates.SAME_EMAIL),
        ({"name": "杭州恒远智能装备有限公司"}, duplicates.SIMILAR_NAME),
        ({"name": "杭州恒远智能装备制造股份有限公司"}, duplicates.SIMILAR_NAME),
    ],
)
def test_a_possible_duplicate_is_found_with_its_reason(known: Customer, sales: Actor, entered: dict[str, Any], reason: str) -> None:
    assert reasons(sales, **entered) == {known.id: [reason]}


@pytest.mark.parametrize(
    "entered",
    [
        {"name": "宁波别家有限公司"},
        {"name": "杭州恒远智能装备制造有限公司", "kind": "individual"},
        {"name": "宁波别家有限公司", "emails": ["未提供"]},
        {"name": "宁波别家有限公司", "phones": ["", "0571-87654322"]},
        {"name": ""},
    ],
)
def test_what_differs_is_no_duplicate(known: Customer, sales: Actor, entered: dict[str, Any]) -> None:
    assert reasons(sales, **entered) == {}


def test_several_reasons_are_told_together_and_exact_ones_come_first(known: Customer, sales: Actor) -> None:
    other = factories.make_customer(sales, name="宁波别家有限公司", contacts=[factories.contact_values(phone="13900005678")])
    found = reasons(sales, name=known.name, credit_code=CODE, phones=["13900005678"], emails=["wang@hengyuan.com"])
    assert list(found) == [known.id, other.id]
    assert set(found[known.id]) == {duplicates.SAME_NAME, duplicates.SAME_CODE, duplicates.SAME_EMAIL}


def test_a_person_is_the_same_by_identity_number_not_by_name(database: str, sales: Actor) -> None:
    one = factories.make_customer(sales, kind="individual", name="王伟", identity_number=IDENTITY)
    assert reasons(sales, name="王伟", kind="individual") == {}
    assert reasons(sales, name="王小伟", kind="individual", identity_number=IDENTITY) == {one.id: [duplicates.SAME_IDENTITY]}


def test_a_deleted_customer_or_the_one_being_edited_is_no_duplicate(known: Customer, sales: Actor, manager: Actor) -> None:
    assert reasons(sales, name=known.name, besides=known.id) == {}
    with transaction(manager) as session:
        delete_customer(session, manager, known.id)
    assert reasons(sales, name=known.name) == {}


def test_a_half_filled_entry_is_compared_by_what_is_sound_in_it(known: Customer, sales: Actor) -> None:
    entry = {"kind": "enterprise", "stage": "prospect", "name": "恒远", "credit_code": f" {CODE[:8]}-{CODE[8:]} "}
    with reading(sales) as session:
        checked = check_entry(get_library(session), entry, [{"name": "", "phone": "138 0000 1234", "email": "wang@"}], require=False)
        (one,) = duplicates.find_duplicates_of(session, sales, checked)
        assert duplicates.find_duplicates_of(session, sales, checked, besides=known.id) == []
    assert (one.customer_id, set(one.reasons)) == (known.id, {duplicates.SAME_CODE, duplicates.SAME_PHONE})


@pytest.mark.parametrize(("reason", "asked"), [("", True), (" \u200b\n", True), ("同名不同地区", False)])
def test_an_exact_duplicate_asks_for_a_reason_that_is_more_than_blanks(reason: str, asked: bool) -> None:
    exact = duplicates.Duplicate(1, "", "", "", "library", [duplicates.SAME_NAME])
    similar = duplicates.Duplicate(2, "", "", "", "library", [duplicates.SIMILAR_NAME])
    assert bool(duplicates.lacks_reason([similar, exact], reason)) is asked
    assert duplicates.lacks_reason([similar], reason) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("杭州恒远有限公司", "杭州恒远有限责任公司"),
        ("杭州恒远（中国）有限公司", "杭州恒远(中国)有限公司"),
        ("ABC 有限公司", "ａｂｃ有限公司"),
        ("O'Neil & Co.", "ONeil & Co"),
    ],
)
def test_names_are_compared_without_width_case_blanks_and_brackets(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


def test_phones_and_mailboxes_are_compared_by_their_keys() -> None:
    assert phone_key("0571-87654321-802") == phone_key("0571-87654321") == "057187654321"
    assert (phone_key("13800001234"), phone_key(None)) == ("13800001234", None)
    assert (email_key("Wang@A.com"), email_key("未提供"), email_key(None)) == ("wang@a.com", None, None)
