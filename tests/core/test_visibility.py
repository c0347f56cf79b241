"""What each access to each kind of sensitive value lets an actor see, find and change, at every place that gives values out."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm_core.db import reading, transaction
from crm_core.errors import Conflict, NotAllowed, NotFound, ValidationFailed
from crm_core.masking import mask
from crm_core.models import Contact, Customer
from crm_core.permissions import SENSITIVE, SYSTEM, Access, Actor, Permission
from crm_core.services import attachments, contacts, customer_changes, customers, duplicates, history, reveals
from crm_core.services.customer_list import CustomerQuery, list_customers
from crm_core.services.file_store import store_file
from crm_core.services.imports.mapping import guess_mapping
from crm_core.services.imports.plan import ImportPlan, OnDuplicate
from crm_core.services.imports.reading import read_table
from crm_core.services.imports.running import run_import
from crm_core.visibility import View, sensitive_fields
from tests import factories
from tests.conftest import forget_settings, sqlite_copy, use_database
from tests.core.sentences import is_sentence
from tests.warm import know_library

NUMBER = factories.random_identity_number()
STORED = {
    "phone": "13912345678",
    "wechat": "wx_hengyuan66",
    "email": "chenliqun@hengyuan.example.com",
    "identity_number": NUMBER,
    "address": "文三路八十八号三幢五单元",
}
KIND = {"wechat": "phone"}
OTHER = {
    "phone": "13800001234",
    "wechat": "wx_another99",
    "email": "other@hengyuan.example.com",
    "identity_number": factories.random_identity_number(),
    "address": "江南大道二百号",
}
OF_CONTACT = frozenset(sensitive_fields(Contact))


def kind_of(field: str) -> str:
    return KIND.get(field, field)


def with_access(actor: Actor, kind: str, access: Access) -> Actor:
    """The same person with another access to one kind, and everything else editable."""
    return replace(actor, access=frozenset({**dict.fromkeys(SENSITIVE, Access.EDITABLE), kind: access}.items()))


def make_person(administrator: Actor) -> Customer:
    """A person with a value of every kind, each changed once, so that the log tells of it."""
    before = {name: OTHER[name] for name in ("identity_number", "address")}
    contact = {name: OTHER[name] for name in OF_CONTACT}
    # Names of which no part is a part of the numbers and accounts that are searched, by their initials either.
    people = [factories.contact_values(name="陈立群", **contact)]
    made = factories.make_customer(administrator, kind="individual", name="陈立群", contacts=people, **before)
    with transaction(administrator) as session:
        changes = {name: STORED[name] for name in before}
        customer_changes.update_customer(session, administrator, made.id, changes, version=made.version, reason="更正")
        (person,) = contacts.list_contacts(session, administrator, made.id)
        values = {"name": person.name, "position": person.position, **{name: STORED[name] for name in OF_CONTACT}}
        contacts.update_contact(session, administrator, person.id, values, version=person.version)
    return stored(made)


@pytest.fixture
def customer(any_database: str, administrator: Actor) -> Customer:
    """Such a person."""
    return make_person(administrator)


@pytest.fixture(scope="module")
def furnished(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Actor, Customer]:
    """A data folder with an administrator and such a person, made once for all tests that only look."""
    folder = tmp_path_factory.mktemp("person") / "var"
    with pytest.MonkeyPatch.context() as patch, sqlite_copy(patch, sqlite_template, folder):
        administrator = factories.make_user(role="administrator")
        return folder, administrator, make_person(administrator)


@pytest.fixture
def seen(furnished: tuple[Path, Actor, Customer], monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Actor, Customer]]:
    """The administrator and the person of the folder."""
    folder, administrator, customer = furnished
    use_database(monkeypatch, folder, "")
    know_library(monkeypatch)
    yield administrator, customer
    forget_settings()


def stored(customer: Customer) -> Customer:
    with reading(SYSTEM) as session:
        return session.get_one(Customer, customer.id)


def contact_of(customer: Customer) -> Contact:
    with reading(SYSTEM) as session:
        return session.query(Contact).filter_by(customer_id=customer.id).one()


def detail(actor: Actor, customer: Customer) -> str:
    with reading(actor) as session:
        return str(vars(customers.get_customer(session, actor, customer.code)))


def people(actor: Actor, customer: Customer) -> str:
    with reading(actor) as session:
        return str([vars(person) for person in contacts.list_contacts(session, actor, customer.id)])


def customer_conflict(actor: Actor, customer: Customer) -> str:
    with pytest.raises(Conflict) as conflict, transaction(actor) as session:
        customer_changes.update_customer(session, actor, customer.id, {}, version=0)
    return str(conflict.value.theirs)


def contact_conflict(actor: Actor, customer: Customer) -> str:
    with pytest.raises(Conflict) as conflict, transaction(actor) as session:
        contacts.update_contact(session, actor, contact_of(customer).id, {}, version=0)
    return str(conflict.value.theirs)


def listing(actor: Actor, customer: Customer) -> str:
    with reading(actor) as session:
        return str(list_customers(session, actor, CustomerQuery()).contacts)


def log(actor: Actor, customer: Customer) -> str:
    with reading(actor) as session:
        return str([vars(line) for line in history.list_changes(session, actor, customer.id).rows])


def hints(actor: Actor, customer: Customer) -> str:
    entered = {"phones": [STORED["phone"]], "emails": [STORED["email"]], "identity_number": NUMBER}
    with reading(actor) as session:
        found = duplicates.find_duplicates(session, actor, name=customer.name, kind="individual", **entered)
        assert found
        return str([found, duplicates.twins_by_field(found)])


WHOLE: dict[str, tuple[Callable[[Actor, Customer], str], frozenset[str]]] = {
    "detail": (detail, frozenset({"identity_number", "address"})),
    "customer conflict": (customer_conflict, frozenset({"identity_number", "address"})),
    "contacts": (people, OF_CONTACT),
    "contact conflict": (contact_conflict, OF_CONTACT),
}
"""Places that show whole values to those who may read them, with the fields they show."""
MASKED: dict[str, tuple[Callable[[Actor, Customer], str], frozenset[str]]] = {
    "list": (listing, frozenset({"phone"})),
    "change log": (log, frozenset(STORED)),
    "duplicates": (hints, frozenset()),
}
"""Places that show nobody a whole value."""


@pytest.mark.parametrize("access", Access, ids=lambda access: access.name)
@pytest.mark.parametrize(("place", "field"), [*product({**WHOLE, **MASKED}, STORED)])
def test_a_place_shows_a_value_as_the_role_may_see_it(seen: tuple[Actor, Customer], place: str, field: str, access: Access) -> None:
    administrator, customer = seen
    show, fields = {**WHOLE, **MASKED}[place]
    shown = show(with_access(administrator, kind_of(field), access), customer)
    is_whole = place in WHOLE and field in fields and access >= Access.READABLE and field != "identity_number"
    is_masked = field in fields and not is_whole and access is not Access.HIDDEN
    assert (STORED[field] in shown) is is_whole
    assert (mask(kind_of(field), STORED[field]) in shown) is is_masked


def test_a_view_gives_no_way_to_the_record_and_cannot_be_changed(customer: Customer, administrator: Actor) -> None:
    view = View(with_access(administrator, "phone", Access.MASKED), contact_of(customer))
    assert STORED["phone"] not in str(vars(view))
    for name in ("phone_key", "_sa_instance_state", "metadata"):
        with pytest.raises(AttributeError):
            getattr(view, name)
    with pytest.raises(AttributeError):
        view.phone = "13800001234"


@pytest.mark.parametrize("access", Access, ids=lambda access: access.name)
@pytest.mark.parametrize("phrase", ["13912345678", "1234", "5678", "3", "hengyuan66", "wx"])
def test_by_parts_of_phones_only_those_find_who_may_read_them(
    database: str, customer: Customer, administrator: Actor, phrase: str, access: Access
) -> None:
    actor = with_access(administrator, "phone", access)
    with reading(actor) as session:
        found = [row.id for row in list_customers(session, actor, CustomerQuery(phrase=phrase)).rows]
        by_name = list_customers(session, actor, CustomerQuery(phrase=customer.name)).total
        by_code = list_customers(session, actor, CustomerQuery(phrase=customer.code[-4:])).total
    assert (customer.id in found) is (access >= Access.READABLE)
    assert by_name == by_code == 1


def test_what_one_role_found_is_not_given_to_another(database: str, customer: Customer, administrator: Actor) -> None:
    totals = []
    for access in (Access.EDITABLE, Access.MASKED):
        actor = with_access(administrator, "phone", access)
        with reading(actor) as session:
            totals.append(list_customers(session, actor, CustomerQuery(phrase="13912345678")).total)
    assert totals == [1, 0]


def change(actor: Actor, customer: Customer, field: str, value: str | None) -> None:
    with transaction(actor) as session:
        if field in OF_CONTACT:
            person = contact_of(customer)
            values = {"name": person.name, "position": "厂长", field: value}
            contacts.update_contact(session, actor, person.id, values, version=person.version)
        else:
            version = stored(customer).version
            changes = {field: value, "remark": "补充"}
            customer_changes.update_customer(session, actor, customer.id, changes, version=version, reason="更正")


def present(customer: Customer, field: str) -> str | None:
    value: str | None = getattr(contact_of(customer) if field in OF_CONTACT else stored(customer), field)
    return value


@pytest.mark.parametrize("access", Access, ids=lambda access: access.name)
@pytest.mark.parametrize("field", STORED)
class TestChanging:
    def test_only_who_may_edit_changes_a_value_and_the_refusal_names_the_field(
        self, customer: Customer, administrator: Actor, field: str, access: Access
    ) -> None:
        actor = with_access(administrator, kind_of(field), access)
        if access is Access.EDITABLE:
            change(actor, customer, field, OTHER[field])
            assert present(customer, field) == OTHER[field]
            return
        with pytest.raises(NotAllowed) as refusal:
            change(actor, customer, field, OTHER[field])
        declared = (sensitive_fields(Contact) | sensitive_fields(Customer))[field]
        assert is_sentence(str(refusal.value))
        assert declared.title in str(refusal.value)
        assert present(customer, field) == STORED[field]

    def test_a_value_that_comes_back_as_it_was_shown_is_no_change(
        self, customer: Customer, administrator: Actor, field: str, access: Access
    ) -> None:
        actor = with_access(administrator, kind_of(field), access)
        with reading(actor) as session:
            view = customers.get_customer(session, actor, customer.code)
            (person,) = contacts.list_contacts(session, actor, customer.id)
        change(actor, customer, field, getattr(person if field in OF_CONTACT else view, field))
        assert present(customer, field) == STORED[field]
        assert (contact_of(customer).position == "厂长") is (field in OF_CONTACT)

    def test_an_import_refuses_the_row_with_the_reason(self, customer: Customer, administrator: Actor, field: str, access: Access) -> None:
        actor = with_access(administrator, kind_of(field), access)
        headings = {"phone": "手机", "wechat": "微信", "email": "邮箱", "identity_number": "证件号码", "address": "详细地址"}
        person = contact_of(customer).name
        row = {"客户名称": customer.name, "客户性质": "个人", "联系人": person, "证件号码": NUMBER, headings[field]: OTHER[field]}
        if field == "identity_number":
            row["手机"] = STORED["phone"]
        text = ",".join(row) + "\n" + ",".join(row.values()) + "\n"
        table = read_table("x.csv", text.encode())
        plan = ImportPlan(guess_mapping(table.headings), on_duplicate=OnDuplicate.UPDATE)
        result = run_import(actor, table, plan)
        if access is Access.EDITABLE:
            assert (result.updated, present(customer, field)) == (1, OTHER[field])
        else:
            assert (result.failed, present(customer, field)) == (1, STORED[field])
            assert [is_sentence(note.message) for note in result.errors] == [True]
            assert result.errors[0].field.removeprefix("contact.") == field


@pytest.mark.parametrize("access", [Access.HIDDEN, Access.MASKED])
def test_a_guess_is_refused_whether_it_is_right_or_wrong(customer: Customer, administrator: Actor, access: Access) -> None:
    actor = with_access(administrator, "phone", access)
    sentences = []
    for guess in (STORED["phone"], OTHER["phone"]):
        with pytest.raises(NotAllowed) as refusal:
            change(actor, customer, "phone", guess)
        sentences.append(str(refusal.value))
    assert sentences[0] == sentences[1]


def test_who_may_not_read_values_may_enter_new_ones(any_database: str, administrator: Actor) -> None:
    actor = replace(administrator, access=frozenset())
    made = factories.make_customer(actor, kind="individual", identity_number=NUMBER, address=STORED["address"])
    factories.make_contact(actor, made, phone=STORED["phone"])
    assert stored(made).identity_number == NUMBER


@pytest.mark.parametrize("access", Access, ids=lambda access: access.name)
@pytest.mark.parametrize("field", STORED)
class TestRevealing:
    def look(self, actor: Actor, customer: Customer, field: str, reason: str = "办理合同") -> str:
        entity, id = ("contact", contact_of(customer).id) if field in OF_CONTACT else ("customer", customer.id)
        with transaction(actor) as session:
            return reveals.reveal(session, actor, entity, id, field, reason=reason)

    def lines(self, field: str) -> list[Any]:
        return factories.log_of("contact" if field in OF_CONTACT else "customer", action="viewed")

    def test_a_look_is_logged_with_its_field_and_reason_and_refused_where_the_kind_is_hidden(
        self, customer: Customer, administrator: Actor, field: str, access: Access
    ) -> None:
        actor = with_access(administrator, kind_of(field), access)
        if access is Access.HIDDEN:
            with pytest.raises(NotAllowed) as refusal:
                self.look(actor, customer, field)
            assert is_sentence(str(refusal.value))
            assert self.lines(field) == []
            return
        assert self.look(actor, customer, field) == STORED[field]
        (line,) = self.lines(field)
        assert (line.actor_id, line.customer_id, line.field, line.reason) == (actor.id, customer.id, field, "办理合同")
        assert STORED[field] not in str([line.old, line.new, line.subject])

    def test_without_a_reason_or_the_permission_nothing_is_shown(
        self, customer: Customer, administrator: Actor, field: str, access: Access
    ) -> None:
        actor = with_access(administrator, kind_of(field), access)
        with pytest.raises((ValidationFailed, NotAllowed)):
            self.look(actor, customer, field, " ")
        powerless = replace(actor, permissions=actor.permissions - {Permission.SENSITIVE_REVEAL})
        with pytest.raises(NotAllowed):
            self.look(powerless, customer, field)
        assert self.lines(field) == []


@pytest.mark.parametrize("entity", ["customer", "contact"])
def test_nothing_is_revealed_outside_the_scope_or_from_the_recycle_bin(
    any_database: str, manager: Actor, stranger: Actor, sales: Actor, entity: str
) -> None:
    outside, deleted = factories.make_customer(stranger, address="文三路一号"), factories.make_customer(sales, address="文三路二号")
    with transaction(manager) as session:
        customers.delete_customer(session, manager, deleted.id)
    for made in (outside, deleted):
        id, field = (made.id, "address") if entity == "customer" else (contact_of(made).id, "phone")
        with pytest.raises(NotFound), transaction(manager) as session:
            reveals.reveal(session, manager, entity, id, field, reason="办理合同")


@pytest.mark.parametrize("access", Access, ids=lambda access: access.name)
def test_a_copy_of_an_identity_card_opens_for_nobody_from_whom_numbers_are_hidden(
    customer: Customer, administrator: Actor, sales: Actor, access: Access
) -> None:
    file = store_file(factories.PNG)
    with transaction(administrator) as session:
        made = attachments.add_attachment(
            session, administrator, file=file, type=attachments.IDENTITY_CARD, customer_id=customer.id, has_consent=True
        )
        card = made.id
    somebody = replace(with_access(administrator, "identity_number", access), id=sales.id)
    if access is Access.HIDDEN:
        with pytest.raises(NotFound), transaction(somebody) as session:
            attachments.open_attachment(session, somebody, card)
    else:
        with transaction(somebody) as session:
            assert attachments.open_attachment(session, somebody, card).content == factories.PNG


PHONES = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)
WECHATS = st.from_regex(r"[a-z][a-z0-9]{5,18}", fullmatch=True)
EMAILS = st.from_regex(r"[a-z]{1,14}@[a-z]{4,9}\.cn", fullmatch=True)
ADDRESSES = st.text(alphabet="滨江西湖文三路古墩莫干山塘苗圃幢单元室栋号弄巷", min_size=4, max_size=40)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(phone=PHONES, wechat=WECHATS, email=EMAILS, address=ADDRESSES, access=st.sampled_from([Access.HIDDEN, Access.MASKED]))
def test_no_service_gives_a_masked_or_hidden_value_to_a_role(
    sqlite_database: str, administrator: Actor, phone: str, wechat: str, email: str, address: str, access: Access
) -> None:
    number = factories.random_identity_number()
    person = factories.contact_values(phone=phone, wechat=wechat, email=email)
    made = factories.make_customer(administrator, kind="individual", identity_number=number, address=address, contacts=[person])
    actor = replace(administrator, access=frozenset(dict.fromkeys(SENSITIVE, access).items()))
    places = (detail, people, customer_conflict, contact_conflict, listing, log)
    shown = "\n".join(show(actor, made) for show in places)
    assert [secret for secret in (phone, wechat, email, address, number) if secret in shown] == []
