"""Whose customers a person sees: own, team and below, or all; the same limit everywhere a customer can appear."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete, event, func, select, update

from crm_core.db import engine, reading, transaction
from crm_core.errors import NotFound
from crm_core.models import Attachment, Base, ChangeLog, Contact, Customer, CustomerTag
from crm_core.paging import Page
from crm_core.permissions import SYSTEM, Actor
from crm_core.scope import belonging_models, joining_models, unscoped
from crm_core.services import (
    attachments,
    contacts,
    customer_changes,
    customer_list,
    customers,
    drafts,
    duplicates,
    history,
    tags,
    users,
)
from crm_core.services.customer_list import CustomerQuery
from crm_core.services.file_store import store_file
from tests import factories

PEOPLE = ("sales", "colleague", "manager", "stranger")
SEEN_BY = {
    "sales": {"sales"},
    "colleague": {"colleague"},
    "manager": {"sales", "colleague", "manager"},
    "stranger": {"stranger"},
    "administrator": set(PEOPLE),
}


@pytest.fixture
def actors(database: str, administrator: Actor, manager: Actor, sales: Actor, colleague: Actor, stranger: Actor) -> dict[str, Actor]:
    """Everybody by role."""
    return {"administrator": administrator, "manager": manager, "sales": sales, "colleague": colleague, "stranger": stranger}


@pytest.fixture
def owned(actors: dict[str, Actor]) -> dict[str, Customer]:
    """A customer of each person, all with a word in common."""
    return {name: factories.make_customer(actors[name], name=f"杭州联谊{name}科技有限公司") for name in PEOPLE}


@pytest.mark.parametrize("sort", ["newest", "oldest"])
def test_going_through_the_pages_shows_each_customer_of_the_team_once(
    actors: dict[str, Actor], monkeypatch: pytest.MonkeyPatch, sort: str
) -> None:
    monkeypatch.setattr(Page, "size", 2)
    ids = [factories.make_customer(actors[name]).id for name in ("sales", "stranger", "colleague", "stranger", "sales", "manager", "sales")]

    def shown(viewer: str) -> list[list[int]]:
        actor, found = actors[viewer], []
        for page in (1, 2, 3, 2, 3):
            with reading(actor) as session:
                rows = customer_list.list_customers(session, actor, CustomerQuery(sort=sort, page=page)).rows
            found.append([row.id for row in rows])
        return found

    def expected(places: tuple[int, ...]) -> list[list[int]]:
        seen = sorted((ids[place] for place in places), reverse=sort == "newest")
        last = -(-len(seen) // 2)
        return [seen[2 * page - 2 : 2 * page] for page in (1, 2, min(3, last), 2, min(3, last))]

    assert (shown("manager"), shown("sales")) == (expected((0, 2, 4, 5, 6)), expected((0, 4, 6)))
    with transaction(actors["administrator"]) as session:
        customers.delete_customer(session, actors["administrator"], ids[0])
    assert (shown("manager"), shown("administrator")) == (expected((2, 4, 5, 6)), expected((1, 2, 3, 4, 5, 6)))


@pytest.mark.parametrize("filters", [(), (("stage", ("prospect",)),)], ids=["by words alone", "with a filter"])
@pytest.mark.parametrize("sort", ["newest", "oldest", "name"])
@pytest.mark.parametrize("viewer", ["administrator", "manager", "sales", "stranger"])
def test_a_search_finds_what_going_through_all_visible_customers_finds(
    actors: dict[str, Actor], monkeypatch: pytest.MonkeyPatch, viewer: str, sort: str, filters: tuple[tuple[str, tuple[str, ...]], ...]
) -> None:
    monkeypatch.setattr(customer_list, "COUNT_LIMIT", 5)
    monkeypatch.setattr(Page, "size", 2)
    makers = ("sales", "stranger", "colleague", "manager", "sales", "administrator", "sales", "stranger", "colleague", "sales")
    made = [factories.make_customer(actors[name], name=f"杭州{'联谊' * (n % 3 > 0)}{n}有限公司") for n, name in enumerate(makers)]
    with transaction(actors["administrator"]) as session:
        customers.delete_customer(session, actors["administrator"], made[4].id)
    actor = actors[viewer]
    for phrase in ("联谊", "有限", "联谊 杭州", "没有"):
        with reading(actor) as session:
            seen = session.scalars(select(Customer).where(Customer.is_listed)).all()
            order = {"newest": lambda one: -one.id, "oldest": lambda one: one.id, "name": lambda one: (one.name_key, one.id)}[sort]
            expected = [one.id for one in sorted(seen, key=order) if all(word in one.name for word in phrase.split())]
            pages = [customer_list.list_customers(session, actor, CustomerQuery(phrase, filters, sort=sort, page=n)) for n in (1, 2, 3)]
        assert {(page.total, page.is_capped) for page in pages} == {(min(len(expected), 5), len(expected) > 5)}
        shown = {page.page: [row.id for row in page.rows] for page in pages}
        assert [one for ids in shown.values() for one in ids] == expected[:6]


@pytest.mark.parametrize("viewer", ["administrator", "manager", "sales"])
def test_a_frequent_word_is_asked_of_a_narrow_index_once_for_each_customer(
    sqlite_database: str, administrator: Actor, manager: Actor, sales: Actor, viewer: str
) -> None:
    actor = {"administrator": administrator, "manager": manager, "sales": sales}[viewer]
    statements: list[tuple[str, Any]] = []
    event.listen(engine(), "before_cursor_execute", lambda _c, _k, text, values, *_rest: statements.append((text, values)))
    with reading(actor) as session:
        customer_list.list_customers(session, actor, CustomerQuery(phrase="有限"))
        ((statement, parameters),) = [one for one in statements if "MATCH" in one[0]]
        plan = [row.detail for row in session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
    looked_up = [step for step in plan if "ix_customer_listing" in step]
    by_owner = " AND owner_id=? AND rowid=?" if viewer == "sales" else ""
    assert looked_up == [f"SEARCH customer USING COVERING INDEX ix_customer_listing (place=? AND id=?{by_owner})"], plan


@pytest.mark.parametrize("viewer", SEEN_BY)
def test_list_search_count_and_dashboard_hold_what_a_person_may_see(
    owned: dict[str, Customer], actors: dict[str, Actor], viewer: str
) -> None:
    actor, expected = actors[viewer], {owned[name].code for name in SEEN_BY[viewer]}
    with reading(actor) as session:
        for query in (CustomerQuery(), CustomerQuery(phrase="联谊"), CustomerQuery(filters=(("stage", ("prospect",)),))):
            page = customer_list.list_customers(session, actor, query)
            assert {row.code for row in page.rows} == expected
            assert page.total == len(expected)
            assert set(page.contacts) == {row.id for row in page.rows}
        assert factories.count_on_board(session, actor) == len(expected)


@pytest.mark.parametrize("viewer", SEEN_BY)
def test_detail_contacts_attachments_history_and_files_hold_what_a_person_may_see(
    owned: dict[str, Customer], actors: dict[str, Actor], viewer: str
) -> None:
    files = {}
    for name, customer in owned.items():
        with transaction(actors[name]) as session:
            made = attachments.add_attachment(
                session, actors[name], file=store_file(factories.PDF), type="attachment_type.business_card", customer_id=customer.id
            )
            files[name] = made.id
    actor = actors[viewer]
    for name, customer in owned.items():
        sees = name in SEEN_BY[viewer]
        with reading(actor) as session:
            assert bool(contacts.list_contacts(session, actor, customer.id)) is sees
            assert bool(attachments.list_attachments(session, actor, customer_id=customer.id)) is sees
            assert bool(history.list_changes(session, actor, customer.id).rows) is sees
            assert found(lambda code=customer.code: customers.get_customer(session, actor, code)) is sees
            assert found(lambda file=files[name]: attachments.open_attachment(session, actor, file)) is sees


def found(read: Callable[[], object]) -> bool:
    """Whether a read finds its record."""
    try:
        read()
    except NotFound:
        return False
    return True


Verb = Callable[..., object]
VERBS: dict[str, Verb] = {
    "update customer": lambda session, actor, one: customer_changes.update_customer(
        session, actor, one.id, {"remark": "x"}, version=one.version
    ),
    "add contact": lambda session, actor, one: contacts.add_contact(session, actor, one.id, factories.contact_values()),
    "make primary": lambda session, actor, one: contacts.make_primary(session, actor, contact_of(one)),
    "update contact": lambda session, actor, one: contacts.update_contact(
        session, actor, contact_of(one), factories.contact_values(), version=1
    ),
    "delete contact": lambda session, actor, one: contacts.delete_contact(session, actor, contact_of(one)),
    "set tags": lambda session, actor, one: tags.set_tags(session, actor, one.code, ["重点"]),
    "add attachment": lambda session, actor, one: attachments.add_attachment(
        session, actor, file=store_file(factories.PDF), type="attachment_type.other", customer_id=one.id
    ),
}


def contact_of(customer: Customer) -> int:
    """The id of a customer's only contact."""
    with reading(SYSTEM) as session:
        return session.execute(select(Contact.id).where(Contact.customer_id == customer.id)).scalar_one()


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("other", ["colleague", "stranger"])
def test_nobody_changes_what_they_may_not_see(owned: dict[str, Customer], actors: dict[str, Actor], verb: str, other: str) -> None:
    before = len(factories.log_of("customer")) + len(factories.log_of("contact")) + len(factories.log_of("attachment"))
    with pytest.raises(NotFound), transaction(actors["sales"]) as session:
        VERBS[verb](session, actors["sales"], owned[other])
    assert len(factories.log_of("customer")) + len(factories.log_of("contact")) + len(factories.log_of("attachment")) == before


@pytest.mark.parametrize("verb", [customers.delete_customer, customers.restore_customer])
def test_a_manager_deletes_and_restores_only_within_the_team(owned: dict[str, Customer], actors: dict[str, Actor], verb: Verb) -> None:
    if verb is customers.restore_customer:
        with transaction(actors["administrator"]) as session:
            customers.delete_customer(session, actors["administrator"], owned["stranger"].id)
    with pytest.raises(NotFound), transaction(actors["manager"]) as session:
        verb(session, actors["manager"], owned["stranger"].id)


def test_a_query_that_forgets_the_scope_is_limited_all_the_same(owned: dict[str, Customer], actors: dict[str, Actor]) -> None:
    own = owned["sales"].id
    with reading(actors["sales"]) as session:
        assert session.execute(select(Customer.id)).scalars().all() == [own]
        assert session.execute(select(func.count()).select_from(Customer)).scalar_one() == 1
        assert set(session.execute(select(Contact.customer_id)).scalars()) == {own}
        assert session.execute(select(func.count()).select_from(select(Customer.id).subquery())).scalar_one() == 1
        assert session.get(Customer, owned["stranger"].id) is None
    with transaction(actors["sales"]) as session:
        session.execute(update(Customer).values(remark="x"))
        session.execute(delete(Attachment))
    with reading(SYSTEM) as session:
        assert session.execute(select(Customer.id).where(Customer.remark == "x")).scalars().all() == [own]


def test_every_model_that_hangs_on_a_customer_is_limited() -> None:
    hanging = {mapper.class_ for mapper in Base.registry.mappers if any(column.key.endswith("customer_id") for column in mapper.columns)}
    assert hanging == set(belonging_models())
    assert hanging >= {Contact, Attachment, CustomerTag, ChangeLog}
    pointing = {
        mapper.class_
        for mapper in Base.registry.mappers
        if any(key.column.table is Customer.__table__ for column in mapper.columns for key in column.foreign_keys)
    }
    assert pointing <= hanging | set(joining_models())


@pytest.mark.parametrize("model", [Customer, *belonging_models()], ids=lambda model: model.__name__)
def test_who_is_not_signed_in_sees_and_changes_no_row_of_a_customer(
    owned: dict[str, Customer], actors: dict[str, Actor], model: type[Base]
) -> None:
    make_row_of(model, actors["stranger"], owned["stranger"])
    count = select(func.count()).select_from(model)
    with transaction() as session:
        assert session.execute(select(model)).all() == []
        assert session.execute(count).scalar_one() == 0
        if model is not ChangeLog:
            session.execute(delete(model))
    with reading() as session:
        assert session.execute(count, execution_options=unscoped).scalar_one() > 0


@pytest.mark.parametrize("model", belonging_models(), ids=lambda model: model.__name__)
def test_rows_of_a_customer_are_seen_with_the_customer(owned: dict[str, Customer], actors: dict[str, Actor], model: type[Any]) -> None:
    for name, customer in owned.items():
        make_row_of(model, actors[name], customer)
    for viewer, names in SEEN_BY.items():
        with reading(actors[viewer]) as session:
            seen = set(session.execute(select(model.customer_id)).scalars())
            joined = set(session.execute(select(Customer.id).join(model, model.customer_id == Customer.id)).scalars())
        assert seen - {None} == joined == {owned[name].id for name in names}
        assert None not in seen or viewer == "administrator"


def make_row_of(model: type[Any], actor: Actor, customer: Customer) -> None:
    """Give a customer a row of a model, unless its entry made one."""
    with transaction(actor) as session:
        if (
            model is not Customer
            and not session.execute(select(model).where(model.customer_id == customer.id), execution_options=unscoped).first()
        ):
            factories.make_row(session, model, customer, user_id=actor.id)


def test_the_files_of_a_draft_are_seen_by_its_author_alone(actors: dict[str, Actor]) -> None:
    with transaction(actors["sales"]) as session:
        draft = drafts.start_draft(session, actors["sales"], {})
        attachments.add_attachment(session, actors["sales"], file=store_file(factories.PDF), type="attachment_type.other", draft_id=draft)
    for viewer, seen in (("sales", 1), ("manager", 0), ("stranger", 0)):
        with reading(actors[viewer]) as session:
            assert session.execute(select(func.count()).select_from(Attachment)).scalar_one() == seen


def test_figures_follow_the_session_and_not_who_asks(owned: dict[str, Customer], actors: dict[str, Actor]) -> None:
    administrator, sales = actors["administrator"], actors["sales"]
    with reading(administrator) as session:
        assert customer_list.list_customers(session, sales, CustomerQuery()).total == len(PEOPLE)
        assert factories.count_on_board(session, sales) == len(PEOPLE)
    with reading(sales) as session:
        assert customer_list.list_customers(session, sales, CustomerQuery()).total == 1
        assert factories.count_on_board(session, sales) == 1


def test_a_manager_counts_the_customers_of_somebody_who_joins_the_team(
    owned: dict[str, Customer], actors: dict[str, Actor], teams: dict[str, int]
) -> None:
    def counted() -> tuple[int, int]:
        with reading(actors["manager"]) as session:
            total = customer_list.list_customers(session, actors["manager"], CustomerQuery()).total
            return total, factories.count_on_board(session, actors["manager"])

    assert counted() == (3, 3)
    for team, expected in (("below", 4), ("west", 3)):
        with transaction(actors["administrator"]) as session:
            users.update_user(
                session, actors["administrator"], actors["stranger"].id or 0, name="x", role="sales", team_id=teams[team], is_active=True
            )
        assert counted() == (expected, expected)


def test_a_customer_handed_to_another_team_leaves_the_managers_view(owned: dict[str, Customer], actors: dict[str, Actor]) -> None:
    with transaction(actors["administrator"]) as session:
        session.get(Customer, owned["sales"].id).owner_id = actors["stranger"].id
    with reading(actors["manager"]) as session, pytest.raises(NotFound):
        customers.get_customer(session, actors["manager"], owned["sales"].code)
    with reading(actors["stranger"]) as session:
        assert customers.get_customer(session, actors["stranger"], owned["sales"].code).id == owned["sales"].id


def test_a_duplicate_outside_the_scope_is_shown_masked_and_without_code(owned: dict[str, Customer], actors: dict[str, Actor]) -> None:
    hidden = owned["stranger"]
    with reading(actors["sales"]) as session:
        (one,) = [
            found for found in duplicates.find_duplicates(session, actors["sales"], name=hidden.name) if found.customer_id == hidden.id
        ]
    assert (one.code, one.owner, one.is_exact) == ("", actors["stranger"].name, True)
    assert hidden.name not in one.name
    assert "stranger" not in one.name
    with reading(actors["stranger"]) as session:
        seen = duplicates.find_duplicates(session, actors["stranger"], name=hidden.name)[0]
    assert (seen.code, seen.name) == (hidden.code, hidden.name)


@pytest.mark.parametrize("name", ["王伟", "王小明", "欧阳娜娜"])
def test_the_name_of_a_person_outside_the_scope_is_never_shown_whole(
    sqlite_database: str, sales: Actor, stranger: Actor, name: str
) -> None:
    phone = factories.random_phone()
    factories.make_customer(stranger, kind="individual", name=name, contacts=[factories.contact_values(phone=phone)])
    with reading(sales) as session:
        (one,) = duplicates.find_duplicates(session, sales, name="李娜", kind="individual", phones=[phone])
    shown = one.name.replace("*", "")
    assert len(shown) < len(name)
    assert name not in one.name
