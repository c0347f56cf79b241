"""Pages on which customers leave the list and come back: recycle bin, archive, suspected duplicates, merging."""

import pytest
from sqlalchemy import select

from crm_core import db
from crm_core.models import Customer, DuplicatePair, Place, Role, User
from crm_core.permissions import SYSTEM, Access, Actor
from crm_core.services import archive, customers, duplicate_pairs, duplicate_scan, holds
from crm_core.services.duplicates import find_duplicates
from tests import factories
from tests.pages.texts import texts_of
from tests.pages.visit import Visit, zh
from ui import routes

NAMES = ("杭州恒远机械有限公司", "恒远机械（杭州）有限公司")


@pytest.fixture
def pair(sales: Actor, colleague: Actor) -> tuple[Customer, Customer]:
    """Two records of one company in the manager's team, found by a scan."""
    kept, merged = (
        factories.make_customer(actor, name=name, source_detail=name, contacts=[factories.contact_values(phone="13800001111")])
        for actor, name in zip((sales, colleague), NAMES, strict=True)
    )
    with db.transaction(SYSTEM) as session:
        duplicate_scan.keep_pairs(session, duplicate_scan.find_pairs(session))
    return kept, merged


def place_of(customer: Customer) -> str:
    with db.reading(SYSTEM) as session:
        return session.execute(select(Customer.place).where(Customer.id == customer.id)).scalar_one()


def says(visit: Visit, *words: str) -> bool:
    texts = " ".join(texts_of(visit)).replace("\\", "")
    return all(word in texts for word in words)


def test_a_deleted_customer_is_found_in_the_bin_and_restored(manager: Actor, sales: Actor) -> None:
    customer = factories.make_customer(sales, name=NAMES[0])
    assert says(Visit(manager).go(routes.BIN), zh("The recycle bin is empty"))
    with db.transaction(manager) as session:
        customers.delete_customer(session, manager, customer.id, reason="录入测试")
    visit = Visit(manager).go(routes.BIN)
    assert says(visit, NAMES[0], "录入测试", "主管乙")
    assert not visit.has("Legal hold")
    assert says(visit.enter("q", "别家"), zh("No customer matches"))
    visit.enter("q", "恒远").press("Restore")
    assert place_of(customer) == Place.LIBRARY


def test_an_administrator_holds_what_lies_in_the_bin(administrator: Actor) -> None:
    customer = factories.make_customer(administrator)
    with db.transaction(administrator) as session:
        customers.delete_customer(session, administrator, customer.id)
    visit = Visit(administrator).go(routes.BIN).press("Legal hold").press("Set legal hold")
    assert zh("Say on what ground.") in visit.refusals[0].replace("\\", "")
    visit.fill(hold_reason="诉讼").press("Set legal hold")
    assert says(Visit(administrator).go(routes.BIN), zh("kept"))


def test_an_archived_customer_opens_for_reading_only_and_is_restored_from_its_page(manager: Actor, sales: Actor) -> None:
    customer = factories.make_customer(sales, name=NAMES[0])
    visit = Visit(manager).go(routes.CUSTOMER, code=customer.code).press("Archive customer").press("Archive")
    assert zh("Say why this customer is archived.") in visit.refusals[0].replace("\\", "")
    visit.fill(archive_reason="项目暂停").press("Archive")
    assert place_of(customer) == Place.ARCHIVE
    visit = Visit(manager).go(routes.CUSTOMER, code=customer.code)
    assert says(visit, zh("This customer is archived: its page is for reading only."))
    assert not any(visit.has(name) for name in ("Edit", "Write in full", "Tags", "Delete customer", "Archive customer"))
    assert not visit.open_tab("detail_tab", "Contacts").has("Add contact")
    assert not visit.open_tab("detail_tab", "Attachments").has("file_type")
    assert not Visit(sales).go(routes.CUSTOMER, code=customer.code).has("Restore from archive")
    assert says(Visit(sales).go(routes.ARCHIVE), NAMES[0], "项目暂停")
    visit.press("Restore from archive")
    assert place_of(customer) == Place.LIBRARY


def test_the_archive_is_searched_and_restored_from(manager: Actor) -> None:
    customer = factories.make_customer(manager, name=NAMES[0])
    with db.transaction(manager) as session:
        archive.archive_customer(session, manager, customer.id, reason="项目暂停")
    visit = Visit(manager).go(routes.ARCHIVE, q="别家")
    assert says(visit, zh("No customer matches"))
    assert visit.enter("q", "恒远").press("Open").page == routes.CUSTOMER
    Visit(manager).go(routes.ARCHIVE).press("Restore")
    assert place_of(customer) == Place.LIBRARY


def test_a_pair_is_told_apart_and_back(pair: tuple[Customer, Customer], manager: Actor) -> None:
    visit = Visit(manager).go(routes.DUPLICATES)
    assert says(visit, *NAMES, zh("same phone"), zh("similar name"))
    visit.press("Not a duplicate")
    assert says(visit, zh("No suspected duplicates"))
    visit.enter("pairs_view", "apart").press("Take back")
    assert says(visit.enter("pairs_view", "open"), *NAMES)


def test_a_scan_is_started_and_shows_that_it_waits(manager: Actor) -> None:
    visit = Visit(manager).go(routes.DUPLICATES)
    assert says(visit, zh("The customers were not compared yet."))
    assert says(visit.press("Scan now"), zh("A scan begins in a moment."))
    with db.reading(SYSTEM) as session:
        assert duplicate_pairs.scan_state(session).is_waiting


def test_two_are_compared_merged_by_choice_and_taken_apart(pair: tuple[Customer, Customer], manager: Actor) -> None:
    kept, merged = pair
    visit = Visit(manager).go(routes.DUPLICATES).press("Compare and merge")
    assert visit.page == routes.MERGE
    visit.enter(f"merge_{kept.id}_{merged.id}_name", "merged").fill(Reason="同一公司").press("Merge")
    assert visit.page == routes.CUSTOMER
    assert NAMES[1] in visit.titles[0]
    assert place_of(merged) == Place.MERGED
    old = Visit(manager).go(routes.CUSTOMER, code=merged.code)
    assert says(old, kept.code, zh("Undo merge"))
    old.press("Undo merge").press("Undo merge")
    assert place_of(merged) == Place.LIBRARY


def test_a_merge_begins_on_a_customers_page_too(pair: tuple[Customer, Customer], manager: Actor) -> None:
    visit = Visit(manager).go(routes.CUSTOMER, code=pair[0].code).press("Merge with…").enter("merge_phrase", "恒远")
    visit.enter("merge_other", pair[1].code).press("Compare")
    assert (visit.page, visit.query["other"]) == (routes.MERGE, pair[1].code)


def test_a_merge_that_is_not_possible_says_why(
    pair: tuple[Customer, Customer], manager: Actor, administrator: Actor, stranger: Actor
) -> None:
    foreign = factories.make_customer(stranger)
    assert Visit(manager).go(routes.MERGE, code=pair[0].code, other=foreign.code).refusals
    with db.transaction(administrator) as session:
        holds.set_hold(session, administrator, pair[1].id, is_on_hold=True, reason="诉讼")
    visit = Visit(manager).go(routes.MERGE, code=pair[0].code, other=pair[1].code)
    assert "法律保留" in visit.refusals[0]
    assert not visit.has("Merge")
    assert says(Visit(manager).go(routes.CUSTOMER, code=pair[1].code), zh("Legal hold"))


def test_a_comparison_masks_as_the_role_says(pair: tuple[Customer, Customer], manager: Actor) -> None:
    with db.transaction(SYSTEM) as session:
        role = session.execute(select(Role).where(Role.code == "manager")).scalar_one()
        role.access = role.access | {"phone": int(Access.MASKED), "email": int(Access.HIDDEN)}
    visit = Visit(manager).go(routes.MERGE, code=pair[0].code, other=pair[1].code)
    assert "13800001111" not in str(visit.messages)
    assert "@hengyuan" not in str(visit.messages)


def test_that_a_contact_gave_no_mailbox_is_told_in_the_language_of_the_reader(sales: Actor, manager: Actor) -> None:
    one, other = (factories.make_customer(sales, contacts=[factories.contact_values(email="未提供")]) for _number in range(2))
    with db.transaction(SYSTEM) as session:
        session.get_one(User, manager.id).language = "en"
    visit = Visit(manager).go(routes.MERGE, code=one.code, other=other.code)
    assert says(visit, "not provided")
    assert not says(visit, "未提供")


def test_the_administrator_sets_the_days_of_the_bin(administrator: Actor) -> None:
    visit = Visit(administrator).go(routes.BIN_RULES).fill(bin_days=7).press("Save")
    assert visit.refusals == []
    assert says(Visit(administrator).go(routes.BIN), "7")


def test_an_archived_twin_is_named_while_typing_with_its_place(pair: tuple[Customer, Customer], manager: Actor) -> None:
    with db.transaction(manager) as session:
        archive.archive_customer(session, manager, pair[0].id, reason="项目暂停")
        assert session.execute(select(DuplicatePair)).first()
        (one, *_others) = find_duplicates(session, manager, name=NAMES[0])
    assert (one.place, one.code) == (Place.ARCHIVE, pair[0].code)
