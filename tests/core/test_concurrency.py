"""Many people at once, with real threads on both databases."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import Any, TypeVar

from sqlalchemy import func, select

from crm_core import clock
from crm_core.db import reading, transaction
from crm_core.errors import Conflict, ValidationFailed
from crm_core.models import Customer, OwnerChange
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import industries, library, recycle_bin, transfers
from crm_core.services.contacts import list_contacts, make_primary
from crm_core.services.customer_changes import update_customer
from crm_core.services.customers import NewCustomer, create_customer
from crm_core.services.drafts import start_draft
from crm_core.services.history import last_change
from crm_core.services.recycle_bin import BinRules
from crm_core.services.sign_in import open_session, redeem_ticket
from crm_core.services.users import update_user
from tests import factories

T = TypeVar("T")


def at_once(actions: Sequence[Callable[[], T]]) -> list[T | Exception]:
    """Start all actions at the same moment in threads of their own and collect what they return or raise."""
    gate = Barrier(len(actions))

    def run(action: Callable[[], T]) -> T | Exception:
        gate.wait()
        try:
            return action()
        except Exception as problem:
            return problem

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(run, actions))


def test_two_submissions_of_a_draft_at_once_make_one_customer(database: str, sales: Actor) -> None:
    with transaction(sales) as session:
        draft = start_draft(session, sales, {"name": "x"})
    values, contacts = factories.customer_values(), [factories.contact_values()]

    def submit() -> NewCustomer:
        with transaction(sales) as session:
            return create_customer(session, sales, values, contacts, draft_id=draft)

    made = at_once([submit] * 4)
    assert [one for one in made if isinstance(one, Exception)] == []
    assert len({one.customer.id for one in made}) == 1
    assert sorted(one.is_repeated for one in made) == [False, True, True, True]
    with reading(SYSTEM) as session:
        assert session.execute(select(func.count(Customer.id))).scalar_one() == 1


def test_forty_customers_entered_at_once_get_codes_without_gap_or_twin(database: str, sales: Actor) -> None:
    entries = [(factories.customer_values(), [factories.contact_values()]) for _number in range(40)]

    def enter(values: dict[str, Any], contacts: list[dict[str, Any]]) -> str:
        with transaction(sales) as session:
            return create_customer(session, sales, values, contacts).customer.code

    codes = at_once([lambda entry=entry: enter(*entry) for entry in entries])
    month = clock.today().strftime("%Y%m")
    assert sorted(map(str, codes)) == [f"CUS{month}{number:03d}" for number in range(1, 41)]


def test_of_two_saves_at_once_one_is_told_of_the_other(database: str, sales: Actor, manager: Actor) -> None:
    made = factories.make_customer(sales)

    def save(actor: Actor) -> Customer:
        with transaction(actor) as session:
            changes = {"source_detail": f"{actor.name}的版本"}
            return update_customer(session, actor, made.id, changes, version=made.version, reason="更正")

    outcomes = at_once([lambda: save(sales), lambda: save(manager)])
    saved = [one for one in outcomes if isinstance(one, Customer)]
    conflicts = [one for one in outcomes if isinstance(one, Conflict)]
    assert (len(saved), len(conflicts)) == (1, 1)
    assert conflicts[0].theirs["source_detail"] == saved[0].source_detail
    (line,) = factories.log_of("customer", made.id, field="source_detail")
    with reading(sales) as session:
        last = last_change(session, sales, entity="customer", entity_id=made.id)
    assert last
    assert (last.id, last.actor_name) == (line.id, saved[0].source_detail.removesuffix("的版本"))


def test_a_customer_has_one_primary_contact_whoever_chooses_at_once(database: str, sales: Actor) -> None:
    made = factories.make_customer(sales, contacts=[factories.contact_values() for _number in range(4)])
    with reading(sales) as session:
        ids = [contact.id for contact in list_contacts(session, sales, made.id)]

    def choose(contact_id: int) -> None:
        with transaction(sales) as session:
            make_primary(session, sales, contact_id)

    for _round in range(3):
        assert at_once([lambda one=one: choose(one) for one in ids]) == [None] * 4
    with reading(sales) as session:
        assert [contact.is_primary for contact in list_contacts(session, sales, made.id)] == [True, False, False, False]


def test_a_ticket_is_redeemed_once_however_many_ask_at_once(database: str, sales: Actor) -> None:
    with transaction(SYSTEM) as session:
        ticket = open_session(session, sales.username)

    def redeem() -> str | None:
        with transaction(SYSTEM) as session:
            return redeem_ticket(session, ticket)

    tokens = at_once([redeem] * 5)
    assert len([token for token in tokens if isinstance(token, str)]) == 1
    assert [token for token in tokens if token is None] == [None] * 4


def test_the_same_new_industry_entered_at_once_is_one_suggestion(database: str, sales: Actor) -> None:
    entries = [factories.customer_values(industry="低空经济") for _number in range(6)]

    def enter(values: dict[str, Any]) -> str:
        with transaction(sales) as session:
            return create_customer(session, sales, values, [factories.contact_values()]).customer.code

    codes = at_once([lambda entry=entry: enter(entry) for entry in entries])
    assert [one for one in codes if isinstance(one, Exception)] == []
    assert len(set(codes)) == 6
    assert len(factories.log_of("industry_suggestion", action="created")) == 1


def test_of_two_who_save_the_first_rules_of_an_area_at_once_one_is_told_of_the_other(database: str, administrator: Actor) -> None:
    def save(days: int) -> None:
        with transaction(administrator) as session:
            recycle_bin.set_bin_rules(session, administrator, BinRules(days=days), version=0)

    done = at_once([partial(save, days) for days in (10, 20, 30, 40)])
    assert sorted(type(one).__name__ for one in done) == ["Conflict", "Conflict", "Conflict", "NoneType"]


def suggest(by: Actor, *words: str) -> list[int]:
    """Industries in users' own words, by id."""
    with transaction(by) as session:
        for text in words:
            industries.suggest_industry(session, by, text)
    with reading(SYSTEM) as session:
        return [suggestion.id for suggestion, _count in industries.list_suggestions(session, SYSTEM)]


def accept(by: Actor, suggestion: int) -> None:
    """Take an industry into the section of manufacturing."""
    with transaction(by) as session:
        industries.accept_suggestion(session, by, suggestion, section="C")


def test_of_administrators_who_decide_on_an_industry_at_once_one_does(database: str, administrator: Actor, sales: Actor) -> None:
    (suggestion,) = suggest(sales, "低空经济")
    done = at_once([partial(accept, administrator, suggestion)] * 4)
    assert sorted(type(one).__name__ for one in done) == ["NoneType", "NotFound", "NotFound", "NotFound"]
    with reading(SYSTEM) as session:
        assert [one.name for one in library.get_library(session).industries.values() if "-" in one.code] == ["低空经济"]


def test_industries_accepted_at_once_into_one_section_have_codes_of_their_own(database: str, administrator: Actor, sales: Actor) -> None:
    suggestions = suggest(sales, "低空经济", "脑机接口", "可控核聚变")
    assert at_once([partial(accept, administrator, one) for one in suggestions]) == [None] * 3
    with reading(SYSTEM) as session:
        assert sorted(code for code in library.get_library(session).industries if "-" in code) == ["C-1", "C-2", "C-3"]


def test_two_administrators_who_demote_each_other_at_once_leave_one(database: str, administrator: Actor) -> None:
    second = factories.make_user(role="administrator", username="second")

    def demote(by: Actor, other: Actor) -> None:
        with transaction(by) as session:
            update_user(session, by, other.id or 0, name=other.name, role="sales", team_id=None, is_active=True)

    done = at_once([partial(demote, administrator, second), partial(demote, second, administrator)])
    assert [type(one) for one in done if one] == [ValidationFailed]


def test_of_two_who_save_one_account_at_once_one_is_told_of_the_other(database: str, administrator: Actor, sales: Actor) -> None:
    def rename(name: str) -> None:
        with transaction(administrator) as session:
            present = {"role": "sales", "team_id": None, "is_active": True}
            update_user(session, administrator, sales.id or 0, name=name, **present, seen={"name": sales.name})

    done = at_once([partial(rename, "许一"), partial(rename, "许二")])
    assert [type(one) for one in done if one] == [Conflict]


def test_of_two_who_transfer_one_customer_at_once_each_receipt_names_whose_it_was(
    database: str, manager: Actor, sales: Actor, colleague: Actor
) -> None:
    made, third = factories.make_customer(sales), factories.make_user(name="丙", team_id=max(manager.team_ids))

    def hand_over(to: int) -> None:
        with transaction(manager) as session:
            transfers.transfer(session, manager, [made.id], to=to, reason="交接")

    done = at_once([partial(hand_over, colleague.id or 0), partial(hand_over, third.id or 0)])
    assert done == [None, None], [getattr(one, "errors", None) for one in done]
    with reading(SYSTEM) as session:
        changes = session.execute(select(OwnerChange).where(OwnerChange.customer_id == made.id).order_by(OwnerChange.id)).scalars().all()
        owner = session.get_one(Customer, made.id).owner_id
    steps = [(one.from_owner_id, one.to_owner_id) for one in changes]
    assert [old for old, _new in steps[1:]] == [new for _old, new in steps[:-1]]
    assert steps[-1][1] == owner
