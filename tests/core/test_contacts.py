"""Contacts of a customer: add, change, remove, make primary."""

import pytest
from sqlalchemy import select

from crm_core.db import reading, transaction
from crm_core.errors import Conflict, IllegalTransition, NotAllowed, NotFound, ValidationFailed
from crm_core.models import Contact, Customer
from crm_core.permissions import SYSTEM, Actor, Permission
from crm_core.services.contacts import add_contact, delete_contact, list_contacts, make_primary, update_contact
from crm_core.services.customer_list import CustomerQuery, list_customers
from crm_core.services.customers import delete_customer
from crm_core.visibility import View
from tests import factories
from tests.core.sentences import is_sentence


@pytest.fixture
def customer(database: str, sales: Actor) -> Customer:
    """A customer with 王伟 (primary) and 李娜."""
    pair = [factories.contact_values(name="王伟", phone="13800001234"), factories.contact_values(name="李娜")]
    return factories.make_customer(sales, contacts=pair)


def people(actor: Actor, customer: Customer) -> list[View]:
    with reading(actor) as session:
        return list_contacts(session, actor, customer.id)


def names(actor: Actor, customer: Customer) -> list[tuple[str, bool]]:
    return [(contact.name, contact.is_primary) for contact in people(actor, customer)]


def matches(actor: Actor, phrase: str) -> int:
    with reading(actor) as session:
        return list_customers(session, actor, CustomerQuery(phrase=phrase)).total


def test_an_added_contact_is_listed_searched_and_logged(customer: Customer, sales: Actor) -> None:
    added = factories.make_contact(sales, customer, name="赵敏", phone="0571-87654321", email="未提供")
    assert names(sales, customer) == [("王伟", True), ("李娜", False), ("赵敏", False)]
    assert matches(sales, "赵敏") == matches(sales, "zhaomin") == matches(sales, "8765") == 1
    (line,) = factories.log_of("contact", added.id, action="created")
    assert (line.subject, line.customer_id, line.actor_id) == ("赵敏", customer.id, sales.id)


def test_a_changed_contact_is_found_by_the_new_data_only(customer: Customer, sales: Actor) -> None:
    contact = people(sales, customer)[0]
    with transaction(sales) as session:
        values = factories.contact_values(name="王伟", phone="+86 139 0000 5678", email="wei@hengyuan.com")
        update_contact(session, sales, contact.id, values, version=contact.version)
    with reading(SYSTEM) as session:
        changed = session.get_one(Contact, contact.id)
    assert (changed.phone, changed.phone_key, changed.email_key) == ("13900005678", "13900005678", "wei@hengyuan.com")
    assert (matches(sales, "13800001234"), matches(sales, "90000567")) == (0, 1)
    (line,) = factories.log_of("contact", contact.id, field="phone")
    assert (line.old, line.new) == ("138****1234", "139****5678")


def test_two_people_changing_a_contact_do_not_overwrite_each_other(customer: Customer, sales: Actor, manager: Actor) -> None:
    contact = people(sales, customer)[0]
    values = factories.contact_values(name="王伟")
    with transaction(manager) as session:
        update_contact(session, manager, contact.id, values | {"position": "主管的版本"}, version=contact.version)
    with pytest.raises(Conflict) as conflict, transaction(sales) as session:
        update_contact(session, sales, contact.id, values | {"position": "销售的版本"}, version=contact.version)
    assert conflict.value.theirs["position"] == "主管的版本"
    assert people(sales, customer)[0].position == "主管的版本"


@pytest.mark.parametrize(("field", "value"), [("name", "王总"), ("name", ""), ("phone", "87654321"), ("phone", ""), ("email", "wang")])
def test_a_contact_keeps_the_rules_of_the_form(customer: Customer, sales: Actor, field: str, value: str) -> None:
    contact = people(sales, customer)[0]
    for verb in (
        lambda session, values: add_contact(session, sales, customer.id, values),
        lambda session, values: update_contact(session, sales, contact.id, values, version=contact.version),
    ):
        with pytest.raises(ValidationFailed) as refusal, transaction(sales) as session:
            verb(session, factories.contact_values(**{field: value}))
        assert set(refusal.value.errors) == {field}
    assert names(sales, customer) == [("王伟", True), ("李娜", False)]


def test_another_contact_can_be_made_primary(customer: Customer, sales: Actor) -> None:
    second = people(sales, customer)[1]
    with transaction(sales) as session:
        make_primary(session, sales, second.id)
    assert names(sales, customer) == [("李娜", True), ("王伟", False)]
    assert [line.new for line in factories.log_of("contact", second.id, field="is_primary")] == ["True"]


def test_making_the_primary_contact_primary_again_changes_and_logs_nothing(customer: Customer, sales: Actor) -> None:
    first = people(sales, customer)[0]
    with transaction(sales) as session:
        make_primary(session, sales, first.id)
    assert names(sales, customer) == [("王伟", True), ("李娜", False)]
    assert factories.log_of("contact", field="is_primary") == []


def test_when_the_primary_contact_is_removed_the_next_one_takes_over(customer: Customer, sales: Actor) -> None:
    first = people(sales, customer)[0]
    with transaction(sales) as session:
        delete_contact(session, sales, first.id)
    assert names(sales, customer) == [("李娜", True)]
    assert matches(sales, "王伟") == 0
    (line,) = factories.log_of("contact", first.id, action="deleted")
    assert (line.subject, line.customer_id) == ("王伟", customer.id)


def test_the_last_contact_stays(customer: Customer, sales: Actor) -> None:
    first, second = people(sales, customer)
    with transaction(sales) as session:
        delete_contact(session, sales, first.id)
    with pytest.raises(IllegalTransition) as refusal, transaction(sales) as session:
        delete_contact(session, sales, second.id)
    assert is_sentence(str(refusal.value))
    assert names(sales, customer) == [("李娜", True)]


def test_a_removed_contact_is_not_found(customer: Customer, sales: Actor) -> None:
    first = people(sales, customer)[0]
    with transaction(sales) as session:
        delete_contact(session, sales, first.id)
    with pytest.raises(NotFound), transaction(sales) as session:
        update_contact(session, sales, first.id, factories.contact_values(), version=1)


def test_contacts_of_a_deleted_customer_are_not_changed(customer: Customer, sales: Actor, manager: Actor) -> None:
    with transaction(manager) as session:
        delete_customer(session, manager, customer.id)
    with pytest.raises(NotFound), transaction(sales) as session:
        add_contact(session, sales, customer.id, factories.contact_values())


def test_reading_and_changing_need_their_permissions(customer: Customer, sales: Actor) -> None:
    reader = Actor(id=sales.id, name="只读", permissions=frozenset({Permission.CUSTOMER_READ}))
    nobody = Actor(id=sales.id, name="无", permissions=frozenset())
    assert len(people(reader, customer)) == 2
    with pytest.raises(NotAllowed):
        people(nobody, customer)
    with pytest.raises(NotAllowed):
        factories.make_contact(reader, customer)
    with reading(SYSTEM) as session:
        assert len(session.execute(select(Contact)).all()) == 2


def test_a_contact_that_completes_a_record_clears_its_mark(database: str, sales: Actor) -> None:
    customer = factories.make_customer(sales)
    with transaction(sales) as session:
        session.execute(select(Contact)).scalar_one().phone = None
        session.get(Customer, customer.id).is_incomplete = True
    contact = people(sales, customer)[0]
    with transaction(sales) as session:
        update_contact(session, sales, contact.id, factories.contact_values(), version=contact.version)
    with reading(SYSTEM) as session:
        assert not session.get(Customer, customer.id).is_incomplete
