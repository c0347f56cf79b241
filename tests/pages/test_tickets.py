"""The pages of tickets: entering, taking, answering, moving, rating; the list with its views; the customer's page and the workbench."""

import pytest
from sqlalchemy import func, select

from crm_core import db
from crm_core.models import Contact, Customer, Notice, Ticket, TicketAnswer, TicketMove, TicketState
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import service_hours, ticket_work
from tests import factories
from tests.pages.texts import texts_of
from tests.pages.visit import Visit, zh
from ui import routes


@pytest.fixture
def clerk(administrator: Actor) -> Actor:
    return factories.make_user(role="service", username="clerk", name="客服己")


@pytest.fixture
def customer(sales: Actor) -> Customer:
    return factories.make_customer(sales, name="杭州恒远机械有限公司")


def only() -> Ticket:
    with db.reading(SYSTEM) as session:
        return session.execute(select(Ticket)).scalar_one()


def shown(visit: Visit) -> str:
    return "\n".join(texts_of(visit))


def resolve(actor: Actor, ticket: Ticket) -> None:
    with db.transaction(actor) as session:
        ticket_work.move_ticket(session, actor, ticket.id, TicketMove.RESOLVE, content="更换了电机", version=only().version)


def fill_form(visit: Visit) -> Visit:
    values = factories.ticket_values()
    return visit.fill(**{f"ticket__{name}": value for name, value in values.items()})


def test_a_ticket_is_entered_on_the_customers_page_and_opens(clerk: Actor, sales: Actor, customer: Customer) -> None:
    visit = Visit(clerk).go(routes.CUSTOMER, code=customer.code).open_tab("detail_tab", "Tickets")
    assert zh("No tickets yet") in shown(visit)
    visit.press("Add ticket")
    fill_form(visit).enter("ticket.contact_id", first_contact(customer)).press("Add ticket")
    assert (visit.page, visit.query["ticket"]) == (routes.TICKET, only().code)
    assert only().type == "complaint"
    with db.reading(SYSTEM) as session:
        assert session.execute(select(Notice.kind).where(Notice.user_id == sales.id)).scalars().all() == ["complaint_entered"]


def first_contact(customer: Customer) -> int:
    with db.reading(SYSTEM) as session:
        return session.execute(select(Contact.id).where(Contact.customer_id == customer.id)).scalar_one()


def test_what_is_missing_is_told_at_its_field(clerk: Actor, customer: Customer) -> None:
    visit = Visit(clerk).go(routes.CUSTOMER, code=customer.code).open_tab("detail_tab", "Tickets").press("Add ticket").press("Add ticket")
    assert zh("{label} is required.").format(label=zh("Title")) in shown(visit)
    assert zh("{label} is required. Choose an entry.").format(label=zh("Ticket category")) in shown(visit)
    with db.reading(SYSTEM) as session:
        assert session.execute(select(func.count()).select_from(Ticket)).scalar_one() == 0


def test_the_list_enters_one_for_a_customer_that_is_looked_for(clerk: Actor, customer: Customer) -> None:
    visit = Visit(clerk).go(routes.TICKETS).press("Add ticket")
    assert zh("Choose the customer first.") in shown(visit)
    visit.enter("ticket_customer_phrase", "恒远")
    fill_form(visit).press("Add ticket")
    assert only().customer_id == customer.id


def test_the_handler_takes_answers_and_resolves_and_the_customer_is_asked(clerk: Actor, customer: Customer) -> None:
    ticket = factories.make_ticket(clerk, customer)
    visit = Visit(clerk).go(routes.TICKET, ticket=ticket.code).press("Take it")
    assert (only().handler_id, only().state) == (clerk.id, TicketState.DOING)
    visit.fill(**{f"ticket_entry_text_{ticket.id}_0": "工程师下午到"}).press("Send")
    assert "工程师下午到" in shown(visit)
    visit.press("Resolve").press("Resolve")
    assert zh("Write down the solution: what the customer was answered.") in visit.refusals
    visit.fill(**{f"ticket_text_resolve_{ticket.id}": "更换了电机"}).press("Resolve")
    assert only().state == TicketState.RESOLVED
    visit.press("Record satisfaction").enter(f"ticket_score_{ticket.id}_{only().version}", 4).press("Save")
    assert only().satisfaction == 4
    score = zh("{score} of 5 ({count})").format(score="4.0", count=1)
    assert score in shown(Visit(clerk).go(routes.CUSTOMER, code=customer.code))


def test_who_only_reads_is_offered_nothing_to_do(clerk: Actor, sales: Actor, customer: Customer) -> None:
    ticket = factories.make_ticket(clerk, customer, handler_id=clerk.id)
    visit = Visit(sales).go(routes.TICKET, ticket=ticket.code)
    assert "设备停机" in visit.titles
    for name in ("ticket_next", "ticket_menu", "Send", "Add a file"):
        assert not visit.has(name), name
    assert not Visit(sales).go(routes.TICKETS).has("Add ticket")


def test_a_colleague_leaves_a_note_and_cannot_answer(clerk: Actor, customer: Customer) -> None:
    other = factories.make_user(role="service", name="客服庚")
    ticket = factories.make_ticket(clerk, customer, handler_id=clerk.id)
    visit = Visit(other).go(routes.TICKET, ticket=ticket.code)
    assert not visit.has("ticket_entry_kind")
    visit.fill(**{f"ticket_entry_text_{ticket.id}_0": "上次也是这台"}).press("Send")
    with db.reading(SYSTEM) as session:
        assert session.execute(select(TicketAnswer.is_public)).scalars().all() == [False]


def test_who_is_late_keeps_the_words_and_sees_the_present_state(clerk: Actor, manager: Actor, customer: Customer) -> None:
    ticket = factories.make_ticket(clerk, customer, handler_id=clerk.id)
    visit = Visit(manager).go(routes.TICKET, ticket=ticket.code)
    resolve(clerk, ticket)
    visit.fill(**{f"ticket_entry_text_{ticket.id}_0": "我来答复"}).press("Send")
    sentence = zh("Somebody changed this ticket meanwhile: it is in the state “{state}” now, handler: {name}. Look at it as it is.")
    assert sentence.format(state=zh("Resolved"), name=clerk.name) in visit.refusals
    assert visit.widget(f"ticket_entry_text_{ticket.id}_0").value == "我来答复"
    with db.reading(SYSTEM) as session:
        assert session.execute(select(TicketAnswer)).first() is None


def test_heads_assign_and_correct(clerk: Actor, manager: Actor, customer: Customer) -> None:
    ticket = factories.make_ticket(clerk, customer)
    visit = Visit(manager).go(routes.TICKET, ticket=ticket.code).press("Assign")
    visit.enter(f"ticket_handler_{ticket.id}", clerk.id).press("Assign")
    assert only().handler_id == clerk.id
    visit.press("Edit").fill(ticket__name="设备又停机").press("Save")
    assert only().name == "设备又停机"


def test_views_and_filters_of_the_list_stand_in_the_address(clerk: Actor, sales: Actor, customer: Customer) -> None:
    mine = factories.make_ticket(clerk, customer, handler_id=clerk.id, name="我的工单甲")
    factories.make_ticket(clerk, customer, type="request", name="无人的工单乙")
    visit = Visit(clerk).go(routes.TICKETS)
    assert ("我的工单甲" in shown(visit), "无人的工单乙" in shown(visit)) == (True, False)
    visit.enter("tickets_view", "unassigned")
    assert ("我的工单甲" in shown(visit), "无人的工单乙" in shown(visit)) == (False, True)
    assert visit.query["tickets_view"] == "unassigned"
    visit = Visit(clerk).go(routes.TICKETS, tickets_view="all", tickets_type="complaint")
    assert ("我的工单甲" in shown(visit), "无人的工单乙" in shown(visit)) == (True, False)
    visit = Visit(clerk).go(routes.TICKETS, tickets_view="all", tickets_q="-")
    assert zh("No ticket matches") in shown(visit)
    visit = Visit(sales).go(routes.TICKETS)
    assert ("我的工单甲" in shown(visit), "无人的工单乙" in shown(visit)) == (True, True)
    visit.press(f"ticket_open_{mine.id}")
    assert visit.page == routes.TICKET


def test_the_workbench_shows_the_handlers_open_tickets(clerk: Actor, customer: Customer) -> None:
    ticket = factories.make_ticket(clerk, customer, handler_id=clerk.id)
    visit = Visit(clerk).go(routes.HOME)
    assert zh("My open tickets") in shown(visit)
    visit.press(f"open_ticket_{ticket.id}")
    assert visit.query["ticket"] == ticket.code


def test_a_ticket_out_of_reach_is_told_with_the_way_back(clerk: Actor, stranger: Actor, customer: Customer) -> None:
    ticket = factories.make_ticket(clerk, customer)
    visit = Visit(stranger).go(routes.TICKET, ticket=ticket.code)
    assert visit.refusals == [zh("This ticket is gone or not visible to you. Go back to the list of tickets.")]
    assert "设备停机" not in shown(visit)
    assert visit.press("Tickets").page == routes.TICKETS


def test_an_administrator_sets_the_service_rules_and_senseless_ones_are_refused(administrator: Actor) -> None:
    visit = Visit(administrator).go(routes.SERVICE_RULES)
    visit.fill(service_rules__from_hour=8, service_rules__urgent=2).press("Save")
    with db.reading() as session:
        assert service_hours.get_service_policy(session)[0] == service_hours.ServicePolicy(from_hour=8, urgent=2)
    visit.fill(service_rules__from_hour=20).press("Save")
    assert visit.refusals == [zh("The service has to end later than it begins.")]


def test_the_customer_list_shows_and_filters_what_tickets_come_to(clerk: Actor, sales: Actor, customer: Customer) -> None:
    factories.make_customer(sales)
    ticket = factories.make_ticket(clerk, customer, handler_id=clerk.id)
    resolve(clerk, ticket)
    with db.transaction(clerk) as session:
        ticket_work.rate_ticket(session, clerk, ticket.id, 2, version=only().version)
    columns = ["complaints", "last_service", "satisfaction"]
    visit = Visit(clerk).go(routes.CUSTOMERS, cols=columns, complaints="1", satisfaction="2.5")
    (row,) = visit.rows
    assert [row[zh(title)] for title in ("Complaints", "Satisfaction")] == ["1", "2.0"]


@pytest.mark.parametrize(
    "query", [{"satisfaction": "0.5"}, {"satisfaction": "9"}, {"complaints": "0"}, {"served": "2199-12-31"}, {"satisfaction": "x"}]
)
def test_a_senseless_filter_in_an_address_shows_the_list_all_the_same(clerk: Actor, customer: Customer, query: dict[str, str]) -> None:
    visit = Visit(clerk).go(routes.CUSTOMERS, **query)
    visit.tab.session_state["list_more"] = True
    assert visit.rerun().has("Satisfaction, at most")
