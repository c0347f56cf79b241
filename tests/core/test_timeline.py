"""Everything that happened with a customer, by time, kind and words, within the scope."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from crm_core import clock
from crm_core.db import reading, transaction
from crm_core.errors import NotFound
from crm_core.i18n import in_language
from crm_core.models import Contract, Customer, FollowUp
from crm_core.permissions import Actor
from crm_core.services import reveals, timeline
from crm_core.services.contracts import add_contract, void_contract
from crm_core.services.customer_changes import update_customer
from crm_core.services.participations import add_participants
from crm_core.services.payments import record_payment, remove_payment
from crm_core.services.stage_changes import change_stage
from crm_core.services.ticket_work import answer_ticket
from crm_core.services.timeline import list_events
from crm_core.services.timeline_sources import SOURCES
from crm_core.services.transfers import transfer
from tests import factories
from tests.core.test_follow_ups import write
from tests.core.test_merges import merge
from tests.core.test_task_work import finish, give


@pytest.fixture
def customer(database: str, sales: Actor, administrator: Actor) -> Customer:
    """A customer with something of most kinds."""
    customer = factories.make_customer(sales)
    write(sales, customer, happened_at=clock.now() - timedelta(days=400), subject="展会初识", feedback="很感兴趣")
    finish(sales, give(sales, sales, customer, name="寄样品"))
    factories.make_opportunity(sales, customer, name="二次采购")
    with transaction(sales) as session:
        update_customer(session, sales, customer.id, {"remark": "喜欢绿茶"}, version=1, reason="补充")
    with transaction(sales) as session:
        values = {"core_need": "排产", "contract.product": "排产系统", "contract.amount": "98000", "contract.signed_on": clock.today()}
        change_stage(session, sales, customer.id, "customer", values, version=2)
    with transaction(administrator) as session:
        transfer(session, administrator, [customer.id], to=administrator.id or 0, reason="区域调整")
    factories.make_opportunity(administrator, customer, name="设备更换")
    campaign = factories.make_campaign(administrator)
    with transaction(administrator) as session:
        add_participants(session, administrator, campaign.id, [(customer.id, None)])
    ticket = factories.make_ticket(administrator, customer, handler_id=administrator.id)
    with transaction(administrator) as session:
        answer_ticket(session, administrator, ticket.id, "工程师下午到", version=1)
    with transaction(administrator) as session:
        (contract,) = session.execute(select(Contract)).scalars()
        paid = record_payment(session, administrator, contract.id, {"received_on": clock.today(), "amount": "1000", "note": "定金"})
        remove_payment(session, administrator, paid.id, version=1, reason="退回")
        second = add_contract(session, administrator, customer.id, {"product": "年度维护", "amount": "100", "signed_on": clock.today()})
        void_contract(session, administrator, contract.id, version=contract.version, reason="重签")
        record_payment(session, administrator, second.id, {"received_on": clock.today(), "amount": "50"})
    return customer


def kinds(actor: Actor, customer: Customer, **over: object) -> list[str]:
    with reading(actor) as session:
        return [event.kind for event in list_events(session, actor, customer.id, **over).events]  # type: ignore[arg-type]


def test_all_that_happened_is_there_the_latest_first(customer: Customer, administrator: Actor) -> None:
    with reading(administrator) as session:
        page = list_events(session, administrator, customer.id)
    assert {event.kind for event in page.events} == set(SOURCES) - {"review"}
    moments = [event.at for event in page.events]
    assert moments == sorted(moments, reverse=True)
    assert (page.events[-1].title, page.events[-1].more) == ("电话 · 展会初识", "很感兴趣")
    assert page.total == len(page.events)
    assert all(event.title for event in page.events)


@pytest.mark.parametrize("kind", SOURCES)
def test_one_kind_is_chosen(customer: Customer, administrator: Actor, kind: str) -> None:
    assert set(kinds(administrator, customer, kinds=(kind,))) == (set() if kind == "review" else {kind})


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("展会 感兴趣", ["follow_up"]),
        ("样品", ["task"]),
        ("排产系统", ["contract_void", "contract"]),
        ("区域调整", ["owner"]),
        ("补充", ["change"]),
        ("没有的词", []),
    ],
)
def test_words_are_searched_in_all_of_it(customer: Customer, administrator: Actor, phrase: str, expected: list[str]) -> None:
    assert kinds(administrator, customer, phrase=phrase) == expected


def test_it_is_seen_within_the_scope_only(customer: Customer, sales: Actor) -> None:
    with reading(sales) as session, pytest.raises(NotFound):
        list_events(session, sales, customer.id)


def test_pages_follow_one_another_without_gaps(customer: Customer, administrator: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = kinds(administrator, customer)
    monkeypatch.setattr(timeline.TimelinePage, "size", 3)
    with reading(administrator) as session:
        pages = [list_events(session, administrator, customer.id, page=number) for number in range(1, -(-len(whole) // 3) + 1)]
    assert [event.kind for page in pages for event in page.events] == whole


def test_it_reads_in_the_language_in_force_and_masks_what_the_role_may_not_read(customer: Customer, administrator: Actor) -> None:
    marketing = factories.make_user(role="marketing")
    phone = "13800001234"
    contact = factories.make_contact(administrator, customer, phone=phone)
    with in_language("en"), reading(marketing) as session:
        events = list_events(session, marketing, customer.id).events
    assert contact.id
    assert not any(phone in event.title + event.text + event.more for event in events)
    assert any("Phone call" in event.title for event in events)


def test_what_became_one_customer_has_one_history(database: str, manager: Actor, sales: Actor) -> None:
    kept, merged = factories.make_customer(sales), factories.make_customer(sales)
    write(sales, merged, subject="合并前的电话")
    merge(manager, kept, merged)
    with reading(manager) as session:
        events = list_events(session, manager, kept.id).events
        moved = session.execute(select(FollowUp.customer_id)).scalar_one()
        after = session.execute(select(Customer.last_contact_at, Customer.followed_up_at).where(Customer.id == kept.id)).one()
    assert "电话 · 合并前的电话" in [event.title for event in events]
    assert len([event for event in events if event.kind == "movement"]) == 2
    assert (moved, after[0], after[1]) == (kept.id, after[1], after[0])
    assert after[0] is not None


def test_a_look_at_a_sensitive_value_is_no_event(customer: Customer, administrator: Actor) -> None:
    before = kinds(administrator, customer)
    with transaction(administrator) as session:
        session.execute(update(Customer).where(Customer.id == customer.id).values(address="文三路1号"))
    with transaction(administrator) as session:
        reveals.reveal(session, administrator, "customer", customer.id, "address", reason="寄送合同")
    assert kinds(administrator, customer) == before
