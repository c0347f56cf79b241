"""审核 on its pages: what waits, what one submitted, deciding, correcting, and the rules."""

import pytest
from sqlalchemy import select

from crm_core import db
from crm_core.models import Customer, Review, ReviewState, User
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import review_rules, reviews
from crm_core.services.review_rules import By, Rule
from tests import factories
from tests.pages.test_customers import texts
from tests.pages.test_intake import complete
from tests.pages.visit import Visit, zh
from ui import routes


@pytest.fixture
def entry(sales: Actor, manager: Actor) -> Customer:
    """An entry of the salesperson that the manager was asked to review."""
    with db.transaction(SYSTEM) as session:
        rule = Rule(by=By.PEOPLE, people=(manager.id or 0,))
        review_rules.save_rule(session, SYSTEM, None, rule, version=0)
    return factories.make_customer(sales, name="杭州恒远精密机械有限公司")


def state_of(entry: Customer) -> str:
    with db.reading(SYSTEM) as session:
        return session.execute(select(Review.state).where(Review.customer_id == entry.id)).scalar_one()


def give_back(entry: Customer, actor: Actor) -> None:
    with db.transaction(actor) as session:
        review = session.execute(select(Review).where(Review.customer_id == entry.id)).scalar_one()
        reviews.return_entry(session, actor, review.id, reason="联系电话有误。", version=review.version)


class TestReviewer:
    def test_the_list_says_what_waits_and_leads_to_it(self, entry: Customer, manager: Actor) -> None:
        visit = Visit(manager).go(routes.REVIEWS)
        assert entry.name in texts(visit)
        visit.press("Open")
        assert (visit.page, visit.query) == (routes.REVIEW, {"code": entry.code})

    def test_nothing_waiting_is_told(self, manager: Actor) -> None:
        visit = Visit(manager).go(routes.REVIEWS)
        assert zh("Nothing waits for your review") in texts(visit)
        assert zh("You have submitted nothing for review") in texts(visit.enter("reviews_view", "own"))

    def test_approving_takes_it_into_the_list(self, entry: Customer, manager: Actor) -> None:
        visit = Visit(manager).go(routes.REVIEW, code=entry.code).press("Approve")
        assert (visit.page, state_of(entry)) == (routes.REVIEWS, ReviewState.APPROVED)
        assert Visit(manager).go(routes.CUSTOMER, code=entry.code).titles == [entry.name]

    def test_chosen_entries_are_approved_together(self, entry: Customer, sales: Actor, manager: Actor) -> None:
        other = factories.make_customer(sales)
        visit = Visit(manager).go(routes.REVIEWS)
        for box in list(visit.elements("checkbox")):
            visit.enter(box.key, True)
        visit.press("Approve chosen entries")
        assert {state_of(entry), state_of(other)} == {ReviewState.APPROVED}

    def test_returning_asks_for_a_reason_and_offers_the_usual_ones(self, entry: Customer, manager: Actor) -> None:
        visit = Visit(manager).go(routes.REVIEW, code=entry.code).press("Return").press("Return to the author")
        assert zh("Say what has to be corrected.") in visit.refusals[0].replace("\\", "")
        visit.press("return_reason_1").press("Return to the author")
        assert (visit.page, state_of(entry)) == (routes.REVIEWS, ReviewState.RETURNED)

    def test_who_comes_second_is_told_who_decided(self, entry: Customer, manager: Actor, administrator: Actor) -> None:
        visit = Visit(administrator).go(routes.REVIEW, code=entry.code)
        give_back(entry, manager)
        visit.press("Approve")
        assert any(manager.name in node.value and "联系电话有误" in node.value for node in visit.tab.warning[:1])
        assert state_of(entry) == ReviewState.RETURNED


class TestAuthor:
    def test_the_intake_says_whom_the_entry_waits_for(self, entry: Customer, sales: Actor, manager: Actor) -> None:
        visit = Visit(sales).go(routes.INTAKE, draft=complete(sales)).press("Submit")
        visit.enter("intake_sure", True).press("Save customer")
        assert visit.page == routes.REVIEW
        assert any(manager.name in toast for toast in visit.toasts)
        assert not visit.has("Approve")

    def test_a_returned_entry_is_corrected_in_the_form_with_the_reason_in_sight(
        self, entry: Customer, sales: Actor, manager: Actor
    ) -> None:
        give_back(entry, manager)
        visit = Visit(sales).go(routes.REVIEW, code=entry.code).press("Correct")
        assert visit.page == routes.INTAKE
        assert "联系电话有误" in texts(visit)
        assert zh("Possible duplicates") not in texts(visit).splitlines()  # the navigation has similar words
        visit.enter("intake.remark", "已核对").press("Submit").enter("intake_sure", True).press("Save customer")
        assert (visit.page, state_of(entry)) == (routes.REVIEW, ReviewState.WAITING)
        assert "已核对" in texts(Visit(manager).go(routes.REVIEW, code=entry.code))

    def test_a_withdrawn_entry_is_among_the_unfinished_ones(self, entry: Customer, sales: Actor) -> None:
        visit = Visit(sales).go(routes.REVIEW, code=entry.code).press("Withdraw").press("Withdraw")
        assert (visit.page, state_of(entry)) == (routes.INTAKE, ReviewState.WITHDRAWN)
        assert entry.name in texts(visit)

    def test_somebody_elses_entry_is_not_shown(self, entry: Customer, stranger: Actor) -> None:
        visit = Visit(stranger).go(routes.REVIEW, code=entry.code)
        assert visit.refusals
        assert entry.name not in texts(visit)


class TestRules:
    def test_a_rule_is_added_and_told_in_words(self, administrator: Actor, manager: Actor) -> None:
        visit = Visit(administrator).go(routes.REVIEW_RULES)
        assert zh("Nothing is reviewed") in texts(visit)
        visit.press("Add rule").enter("rule_new_0_stages", ["prospect"]).enter("rule_new_0_by", By.ROLE)
        visit.enter("rule_new_0_role", "manager").press("Save")
        with db.reading(SYSTEM) as session:
            assert review_rules.get_rules(session)[0] == [Rule(stages=("prospect",), by="role", role="manager")]
        assert zh("Manager") in texts(visit.rerun())

    def test_a_rule_that_names_a_disabled_person_says_so(self, entry: Customer, administrator: Actor, manager: Actor) -> None:
        with db.transaction(SYSTEM) as session:
            session.get_one(User, manager.id).is_active = False
        sentence = zh("{name} cannot review: the account is disabled or its role does not review entries.").format(name=manager.name)
        assert sentence in texts(Visit(administrator).go(routes.REVIEW_RULES))

    def test_rules_are_put_in_order_and_deleted(self, entry: Customer, administrator: Actor) -> None:
        with db.transaction(SYSTEM) as session:
            review_rules.save_rule(session, SYSTEM, None, Rule(tiers=("A",)), version=1)
        visit = Visit(administrator).go(routes.REVIEW_RULES).press("rule_up_1").press("rule_delete_1")
        assert visit.refusals == []
        with db.reading(SYSTEM) as session:
            assert review_rules.get_rules(session)[0] == [Rule(tiers=("A",))]

    def test_a_button_never_means_a_rule_that_took_the_place_of_the_one_seen(self, entry: Customer, administrator: Actor) -> None:
        with db.transaction(SYSTEM) as session:
            for number, tier in enumerate("AB"):
                review_rules.save_rule(session, SYSTEM, None, Rule(tiers=(tier,)), version=1 + number)
        visit = Visit(administrator).go(routes.REVIEW_RULES)
        with db.transaction(SYSTEM) as session:
            review_rules.delete_rule(session, SYSTEM, 0, version=3)
        visit.press("rule_delete_1")
        assert visit.refusals
        with db.reading(SYSTEM) as session:
            assert review_rules.get_rules(session)[0] == [Rule(tiers=("A",)), Rule(tiers=("B",))]
        assert visit.press("rule_delete_1").refusals == []
        with db.reading(SYSTEM) as session:
            assert review_rules.get_rules(session)[0] == [Rule(tiers=("A",))]
