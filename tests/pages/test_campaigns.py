"""The pages of campaigns: planning one, adding people, recording how far they came, the results, and the check-in at the entrance."""

from xml.etree import ElementTree

import pytest
from sqlalchemy import select

from crm_core import db
from crm_core.clock import today
from crm_core.models import Campaign, CampaignState, Customer, Participation, Step
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import check_in, participations
from crm_core.services.bulk_targets import Selection
from tests import factories
from tests.pages.texts import texts_of
from tests.pages.visit import Visit, zh
from ui import campaign_sheet, routes

PHONE = "13812345678"


@pytest.fixture
def marketing(administrator: Actor) -> Actor:
    return factories.make_user(role="marketing", username="marketing", name="市场庚")


@pytest.fixture
def customer(sales: Actor) -> Customer:
    return factories.make_customer(sales, contacts=[factories.contact_values(name="李明轩", phone=PHONE)])


def only() -> Campaign:
    with db.reading(SYSTEM) as session:
        return session.execute(select(Campaign)).scalar_one()


def people() -> list[Participation]:
    with db.reading(SYSTEM) as session:
        return list(session.execute(select(Participation).order_by(Participation.id)).scalars())


def shown(visit: Visit) -> str:
    return "\n".join(texts_of(visit))


def running(actor: Actor, *customers: Customer) -> str:
    """The code of a campaign in which these customers take part."""
    made = factories.make_campaign(actor)
    if customers:
        with db.transaction(actor) as session:
            participations.add_selection(session, actor, made.id, Selection(tuple(one.code for one in customers)))
    return made.code


def test_a_campaign_is_planned_in_the_list_and_opens(marketing: Actor) -> None:
    visit = Visit(marketing).go(routes.CAMPAIGNS)
    assert zh("No campaigns yet") in shown(visit)
    visit.press("New campaign").press("Plan campaign")
    assert zh("{label} is required.").format(label=zh("Campaign name")) in shown(visit)
    values = factories.campaign_values(cost="-1")
    visit.fill(**{f"campaign__{name}": value for name, value in values.items()}).press("Plan campaign")
    assert zh("An amount cannot be negative. Enter 0 or more.") in shown(visit)
    visit.fill(campaign__cost="20000").press("Plan campaign")
    assert (visit.page, visit.query["campaign"], only().owner_id) == (routes.CAMPAIGN, only().code, marketing.id)


def test_a_campaign_is_corrected_and_moved_on(marketing: Actor) -> None:
    visit = Visit(marketing).go(routes.CAMPAIGN, campaign=running(marketing)).press("Edit")
    visit.fill(campaign__cost="1234.5").press("Save")
    assert str(only().cost) == "1234.50"
    visit.press("Start campaign").press("Close campaign")
    assert only().state == CampaignState.RUNNING
    visit.press("Close campaign")
    assert only().state == CampaignState.CLOSED
    assert not visit.has("Add participants")


def test_somebody_else_was_faster_and_the_page_says_so(marketing: Actor) -> None:
    code = running(marketing)
    late, first = Visit(marketing).go(routes.CAMPAIGN, campaign=code), Visit(marketing).go(routes.CAMPAIGN, campaign=code)
    first.press("Start campaign")
    late.press("Start campaign")
    assert zh("Somebody changed this campaign meanwhile: it is in the state “{state}” now. Look at it as it is.").format(
        state=zh("Campaign running")
    ) in "".join(late.refusals)


def test_people_are_added_by_list_and_unknown_lines_are_told(marketing: Actor, customer: Customer) -> None:
    visit = Visit(marketing).go(routes.CAMPAIGN, campaign=running(marketing)).press("Add participants").enter("adding_way", "list")
    visit.fill(adding_list=f"{customer.code}\nCUS209901999").press("Add")
    assert [one.customer_id for one in people()] == [customer.id]
    assert zh("no customer or contact that you see is called so") in shown(visit)
    assert "CUS209901999" in shown(visit)


def test_one_customer_is_added_and_not_twice(marketing: Actor, customer: Customer) -> None:
    visit = Visit(marketing).go(routes.CAMPAIGN, campaign=running(marketing))
    visit.press("Add participants").enter("Customer", customer.name).press("Add")
    assert [one.contact_name for one in people()] == ["李明轩"]
    visit.press("Add participants").enter("Customer", customer.name).press("Add")
    assert zh("{name} takes part in this campaign already.").format(name=customer.name) in "".join(visit.refusals)


def test_customers_selected_in_the_list_are_added(marketing: Actor, customer: Customer) -> None:
    running(marketing)
    visit = Visit(marketing).go(routes.CUSTOMERS).press("select_mode").press("bulk_all").pick("bulk_menu", "campaign")
    visit.enter("adding_campaign", only().id).press("Add to a campaign")
    assert [one.customer_id for one in people()] == [customer.id]


def test_a_customer_is_added_on_its_own_page(marketing: Actor, customer: Customer) -> None:
    running(marketing)
    visit = Visit(marketing).go(routes.CUSTOMER, code=customer.code).open_tab("detail_tab", "Campaigns").press("customer_campaign_add")
    visit.enter("adding_campaign", only().id).press("Add to a campaign")
    assert zh(only().name) in shown(visit.open_tab("detail_tab", "Campaigns"))


def test_steps_are_recorded_and_the_figures_follow(marketing: Actor, customer: Customer) -> None:
    visit = Visit(marketing).go(routes.CAMPAIGN, campaign=running(marketing, customer)).press("Attended")
    assert people()[0].step is Step.ATTENDED
    assert "100.0%" in shown(visit)
    visit.press("Gave feedback").fill(participant_score_1=5, participant_said_1="很实用").press("Save")
    assert (people()[0].score, people()[0].feedback) == (5, "很实用")
    visit.press("Take the last step back").press("Remove participant").press("Remove")
    assert people() == []


def test_who_only_reads_sees_the_course_and_changes_nothing(marketing: Actor, sales: Actor, customer: Customer) -> None:
    code = running(marketing, customer)
    visit = Visit(sales).go(routes.CAMPAIGN, campaign=code)
    assert "李明轩" in shown(visit)
    assert not any(visit.has(name) for name in ("Record", "Add participants", "Edit", "Switch the code on"))
    assert not Visit(sales).go(routes.CAMPAIGNS).has("New campaign")


def test_the_check_in_is_switched_on_and_off(marketing: Actor) -> None:
    visit = Visit(marketing).go(routes.CAMPAIGN, campaign=running(marketing)).press("Switch the code on")
    token = only().link
    assert token
    assert visit.has("Code to print")
    visit.press("Renew the link")
    assert only().link not in (None, token)
    visit.press("Switch the code off")
    assert only().link is None


def test_the_code_to_print_is_a_picture_of_its_own() -> None:
    # In a page a piece of SVG needs no namespace; a file without one is no picture to any program.
    picture = ElementTree.fromstring(campaign_sheet.picture_to_print("http://localhost/check-in?to=x"))
    assert picture.tag == "{http://www.w3.org/2000/svg}svg"


class TestEntrance:
    def come(self, marketing: Actor, customer: Customer) -> Visit:
        running(marketing, customer)
        with db.transaction(marketing) as session:
            token = check_in.open_check_in(session, marketing, only().id)
        return Visit().go(routes.CHECK_IN, to=token)

    def test_a_visitor_without_an_account_checks_in(self, marketing: Actor, customer: Customer) -> None:
        visit = self.come(marketing, customer)
        visit.fill(check_in_name="李明轩", check_in_digits=PHONE[-4:]).press("Check in")
        assert people()[0].is_self_checked
        assert zh("Welcome! You are checked in.") in shown(visit)
        visit.press("Check in somebody else").fill(check_in_name="李明轩", check_in_digits=PHONE[-4:]).press("Check in")
        assert zh("You are checked in already. Welcome!") in shown(visit)

    def test_a_stranger_learns_nothing_about_any_customer(self, marketing: Actor, customer: Customer) -> None:
        visit = self.come(marketing, customer)
        visit.fill(check_in_name="李明轩", check_in_digits="0000").press("Check in")
        assert visit.refusals
        text = shown(visit)
        assert not any(secret in text for secret in (customer.name, customer.code, PHONE, PHONE[-4:]))
        assert people()[0].attended_at is None

    @pytest.mark.parametrize("query", [{}, {"to": "guessed"}])
    def test_without_a_good_link_there_is_nothing_to_fill_in(self, marketing: Actor, query: dict[str, str]) -> None:
        factories.make_campaign(marketing, starts_on=today())
        visit = Visit().go(routes.CHECK_IN, **query)
        assert zh("The check-in is not open") in shown(visit)
        assert not visit.has("Check in")
