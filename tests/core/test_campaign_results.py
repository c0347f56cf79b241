"""What came of a campaign, and checking in at its entrance."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, update

from crm_core import clock
from crm_core.db import reading, transaction
from crm_core.errors import IllegalTransition, NotAllowed
from crm_core.models import Campaign, CampaignMove, Customer, Notice, Participation, StageChange, Step
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import campaign_list, campaign_results, campaigns, check_in, participations
from crm_core.services.campaign_list import CampaignQuery
from crm_core.services.campaign_results import Rate, Results
from crm_core.services.check_in import Answer
from crm_core.services.contracts import add_contract
from crm_core.services.insight.boards import answer
from crm_core.services.insight.question import Period, Question
from crm_core.services.stage_changes import change_stage
from tests import factories
from tests.core.test_campaigns import act, refused, row, seen, take_part
from tests.core.test_merges import merge

PHONE = "13812345678"


@pytest.fixture
def marketing(administrator: Actor) -> Actor:
    return factories.make_user(role="marketing", username="marketing", name="市场庚")


@pytest.fixture
def guest(sales: Actor) -> Customer:
    return factories.make_customer(sales, contacts=[factories.contact_values(name="Ada 李", phone=PHONE)])


def results(actor: Actor, campaign: Campaign) -> Results:
    with reading(actor) as session:
        return campaign_results.get_results(session, actor, campaign_list.get_campaign(session, actor, campaign.code))


def move(actor: Actor, customer: Customer, stage: str, **values: object) -> None:
    with transaction(actor) as session:
        version = session.get_one(Customer, customer.id).version
        change_stage(session, actor, customer.id, stage, {"core_need": "排产", **values}, version=version)


class TestResults:
    def test_a_campaign_without_anybody_divides_by_nothing(self, database: str, marketing: Actor) -> None:
        made = factories.make_campaign(marketing, cost="0")
        found = results(marketing, made)
        rates = (found.click_rate, found.registration_rate, found.attendance_rate, found.answer_rate, found.qualified_rate, found.won_rate)
        assert all((rate, rate.value) == (Rate(0, 0), None) for rate in rates)
        assert (found.average_score, found.return_on_cost, found.amount) == (None, None, Decimal(0))

    def test_steps_customers_and_contracts_count_from_the_first_reaction_on(self, database: str, marketing: Actor, sales: Actor) -> None:
        made, people = factories.make_campaign(marketing), [factories.make_customer(sales) for _ in range(4)]
        first, second, third, _fourth = take_part(marketing, made, *people)
        signed = {"product": "排产系统", "amount": "30000.50", "signed_on": clock.today()}
        move(sales, people[3], "qualified")  # who never reacted is no result
        move(sales, people[2], "qualified")  # before the reaction
        for one, step in ((first, Step.CLICKED), (first, Step.ATTENDED), (second, Step.REGISTERED), (third, Step.CLICKED)):
            act(marketing, participations.reach, one, step)
        act(marketing, participations.reach, first, Step.ANSWERED, score=4)
        move(sales, people[0], "qualified")
        won = {f"contract.{name}": value for name, value in signed.items()}
        move(sales, people[0], "customer", **won)
        act(sales, add_contract, people[0].id, signed | {"amount": "9999.50"})
        act(sales, add_contract, people[0].id, signed | {"amount": "70000", "signed_on": clock.today() - timedelta(days=1)})
        found = results(marketing, made)
        assert (found.click_rate, found.registration_rate) == (Rate(2, 4), Rate(2, 4))
        assert (found.attendance_rate, found.answer_rate, found.average_score) == (Rate(1, 2), Rate(1, 1), 4)
        assert (found.qualified_rate, found.won_rate) == (Rate(1, 3), Rate(1, 3))
        assert (found.amount, found.cost, found.return_on_cost) == (Decimal(40_000), Decimal(20_000), 2.0)

    def test_the_board_of_sources_tells_what_each_campaign_brought(
        self, database: str, administrator: Actor, marketing: Actor, sales: Actor
    ) -> None:
        made, customer = factories.make_campaign(administrator), factories.make_customer(sales, stage="customer")
        others = [factories.make_customer(sales) for _ in range(3)]
        mine, second, *_rest = take_part(administrator, made, customer, *others)
        for one, step in ((mine, Step.REGISTERED), (mine, Step.ATTENDED), (second, Step.REGISTERED)):
            act(administrator, participations.reach, one, step)
        act(sales, add_contract, customer.id, {"product": "排产系统", "amount": "30000", "signed_on": clock.today()})
        told = {}
        for actor in (administrator, sales, factories.make_user(role="service")):
            with reading(actor) as session:
                board = answer(session, actor, "sources", Question(Period(made.starts_on, made.starts_on)))
            told[actor.id] = {point.label: point.values for chart in board.charts if chart.key == "campaigns" for point in chart.points}
        figures = (4, 1, Decimal("0.5"), 0, Decimal(30_000))
        assert list(told.values()) == [{made.name: (*figures, Decimal("1.5"))}, {made.name: (*figures, None)}, {}]

    def test_what_happens_after_the_days_of_results_counts_no_more(self, database: str, marketing: Actor, sales: Actor) -> None:
        made, customer = factories.make_campaign(marketing, result_days="0"), factories.make_customer(sales)
        (mine,) = take_part(marketing, made, customer)
        act(marketing, participations.reach, mine, Step.CLICKED)
        move(sales, customer, "qualified")
        assert results(marketing, made).qualified == 1
        tomorrow = clock.start_of_day(clock.today() + timedelta(days=1))
        with transaction(SYSTEM) as session:
            session.execute(update(StageChange).where(StageChange.to_stage == "qualified").values(at=tomorrow))
        assert results(marketing, made).qualified == 0

    def test_who_sees_a_part_of_the_customers_sees_their_figures_and_no_return(
        self, database: str, manager: Actor, sales: Actor, stranger: Actor
    ) -> None:
        made, own, foreign = factories.make_campaign(manager), factories.make_customer(sales), factories.make_customer(stranger)
        for one in take_part(SYSTEM, made, own, foreign):
            act(SYSTEM, participations.reach, one, Step.ATTENDED)
        found = results(sales, made)
        assert (found.invited, found.attended, found.cost, found.is_whole) == (1, 1, None, False)
        assert results(SYSTEM, made).attended == 2

    @pytest.mark.parametrize(("place", "counted"), [("bin", 0), ("archive", 1)])
    def test_customers_in_the_recycle_bin_are_neither_listed_nor_counted(
        self, any_database: str, marketing: Actor, sales: Actor, place: str, counted: int
    ) -> None:
        made, customer = factories.make_campaign(marketing), factories.make_customer(sales)
        take_part(marketing, made, customer)
        with transaction(SYSTEM) as session:
            session.execute(update(Customer).values(place=place))
        with reading(marketing) as session:
            listed = campaign_list.list_participants(session, marketing, campaign_list.ParticipantQuery(made.id)).total
            (row_of_list,) = campaign_list.list_campaigns(session, marketing, CampaignQuery()).rows
        assert (listed, row_of_list.participants, results(marketing, made).invited) == (counted, counted, counted)

    def test_roles_without_contracts_see_no_amount(self, any_database: str, marketing: Actor, manager: Actor) -> None:
        made = factories.make_campaign(marketing)
        poor = factories.make_user(role="service", username="poor")
        with reading(poor) as session, pytest.raises(NotAllowed):
            campaign_results.get_results(session, poor, made)

    def test_somebody_who_took_part_for_two_merged_customers_is_counted_once(
        self, database: str, administrator: Actor, sales: Actor
    ) -> None:
        person = factories.contact_values(name="李明轩", phone=PHONE)
        made = factories.make_campaign(administrator)
        kept = factories.make_customer(sales, contacts=[person])
        merged = factories.make_customer(sales, contacts=[person], duplicate_reason="两家分公司")
        first, second = take_part(administrator, made, kept, merged)
        act(administrator, participations.reach, first, Step.CLICKED)
        act(administrator, participations.reach, second, Step.ATTENDED)
        merge(administrator, kept, merged)
        found = results(administrator, made)
        assert (found.invited, found.clicked, found.attended, found.reacted_customers) == (1, 1, 1, 1)


class TestCheckIn:
    def opened(self, marketing: Actor, guest: Customer, **over: object) -> tuple[str, int]:
        """The token of the link, and the participation of the guest."""
        made = factories.make_campaign(marketing, tags=["沙龙"], **over)
        (mine,) = take_part(marketing, made, guest)
        token: str = act(marketing, check_in.open_check_in, made.id)
        return token, mine

    def say(self, token: str, name: str = "ada 李", digits: str = PHONE[-4:], address: str = "10.9.8.7") -> Answer:
        with transaction() as session:
            return check_in.check_in(session, token, name=name, digits=digits, address=address)

    def test_a_visitor_checks_in_with_name_and_digits_once(self, database: str, marketing: Actor, guest: Customer) -> None:
        token, mine = self.opened(marketing, guest)
        assert self.say(token) is Answer.WELCOME
        first = row(mine)
        assert (first.step, first.is_self_checked, first.registered_at) == (Step.ATTENDED, True, first.attended_at)
        assert self.say(token) is Answer.ALREADY
        assert row(mine).attended_at == first.attended_at
        (line,) = factories.log_of("participation", mine, field="attended_at")
        assert (line.actor_id, line.customer_id) == (None, guest.id)
        assert factories.log_of("customer", guest.id, field="tags")
        with reading(SYSTEM) as session:
            told = session.execute(select(Notice.kind, Notice.user_id, Notice.path)).all()
        assert told == [("customer_attended", guest.owner_id, f"/customer?code={guest.code}")]

    def test_whoever_is_removed_at_this_very_moment_is_not_found(self, database: str, marketing: Actor, guest: Customer) -> None:
        token, mine = self.opened(marketing, guest)
        with ThreadPoolExecutor(1) as pool:
            with transaction(marketing) as session:
                participations.remove_participant(session, marketing, mine)
                coming = pool.submit(self.say, token)
                wait([coming], timeout=0.5)
            assert coming.result(timeout=20) is Answer.UNKNOWN

    @pytest.mark.parametrize(
        ("name", "digits"),
        [
            ("Ada 李", "0000"),
            ("Bob", "5678"),
            ("", "5678"),
            ("Ada 李", ""),
            ("Ada 李", "%%%%"),
            ("%", "5678"),
            ("Ada 李", "45678"),
            ("😀" * 60, "５６７８"),
        ],
    )
    def test_whoever_does_not_fit_hears_the_same_whatever_is_wrong(
        self, sqlite_database: str, marketing: Actor, guest: Customer, name: str, digits: str
    ) -> None:
        token, mine = self.opened(marketing, guest)
        assert self.say(token, name, digits) is Answer.UNKNOWN
        assert row(mine).attended_at is None

    def test_who_guesses_digits_is_stopped_after_some_and_others_are_not(self, database: str, marketing: Actor, guest: Customer) -> None:
        token, mine = self.opened(marketing, guest)
        limit = check_in.PERSON_LIMIT.failures
        heard = [self.say(token, digits=f"{number:04}", address=f"10.0.0.{number}") for number in range(limit + 1)]
        assert heard == [Answer.UNKNOWN] * limit + [Answer.LATER]
        assert self.say(token) is Answer.LATER  # even with the right digits, or the lock would tell them
        assert self.say(token, name="Bob") is Answer.UNKNOWN
        assert row(mine).attended_at is None

    def test_visitors_behind_one_address_do_not_shut_each_other_out(self, sqlite_database: str, marketing: Actor, guest: Customer) -> None:
        token, _mine = self.opened(marketing, guest)
        limit = check_in.ADDRESS_LIMIT.failures
        for _again in range(limit + 2):
            assert self.say(token) in (Answer.WELCOME, Answer.ALREADY)
        heard = [self.say(token, name=f"无名{number}") for number in range(limit + 1)]
        assert heard[-2:] == [Answer.UNKNOWN, Answer.LATER]

    def test_two_people_of_one_name_and_number_are_told_apart_by_the_reception(
        self, sqlite_database: str, marketing: Actor, sales: Actor, guest: Customer
    ) -> None:
        twin = factories.make_customer(sales, contacts=[factories.contact_values(name="Ada 李", phone="13900005678")])
        made = factories.make_campaign(marketing)
        take_part(marketing, made, guest, twin)
        assert self.say(act(marketing, check_in.open_check_in, made.id)) is Answer.UNKNOWN

    def test_a_customer_that_takes_part_in_nobodys_person_is_found_by_its_contacts(
        self, sqlite_database: str, marketing: Actor, guest: Customer
    ) -> None:
        made = factories.make_campaign(marketing)
        act(marketing, participations.add_participants, made.id, [(guest.id, None)])
        assert self.say(act(marketing, check_in.open_check_in, made.id)) is Answer.WELCOME

    def test_a_link_ends_when_it_is_switched_off_renewed_or_the_campaign_is_over(
        self, database: str, marketing: Actor, guest: Customer
    ) -> None:
        token, mine = self.opened(marketing, guest)
        made = row(mine).campaign
        act(marketing, check_in.close_check_in, made.id)
        assert self.say(token) is Answer.CLOSED
        second = act(marketing, check_in.open_check_in, made.id)
        third = act(marketing, check_in.open_check_in, made.id)
        assert (self.say(second), self.say(third, name="Bob")) == (Answer.CLOSED, Answer.UNKNOWN)
        act(marketing, campaigns.move_campaign, made.id, CampaignMove.CANCEL, version=seen(made).version)
        assert (self.say(third), seen(made).link_hash) == (Answer.CLOSED, None)
        assert isinstance(refused(marketing, check_in.open_check_in, made.id), IllegalTransition)
        lines = [line.action for line in factories.log_of("campaign", made.id) if line.action.startswith("check_in")]
        assert lines == ["check_in_opened", "check_in_closed", "check_in_opened", "check_in_opened"]

    def test_a_link_is_good_on_the_days_of_the_campaign_only(
        self, sqlite_database: str, marketing: Actor, guest: Customer, set_clock: Callable[[datetime], None]
    ) -> None:
        token, _mine = self.opened(marketing, guest)
        day = timedelta(days=1)
        for moment, is_open in ((clock.now() - day, False), (clock.now(), True), (clock.now() + day, False)):
            set_clock(moment)
            with reading() as session:
                assert (check_in.find_entrance(session, token) is not None) is is_open

    def test_the_token_is_kept_encrypted_and_shown_to_those_who_run_campaigns_only(
        self, database: str, marketing: Actor, sales: Actor, guest: Customer
    ) -> None:
        token, mine = self.opened(marketing, guest)
        code = row(mine).campaign.code
        for actor, expected in ((marketing, token), (sales, "")):
            with reading(actor) as session:
                assert campaign_list.get_campaign(session, actor, code).link == expected
        with reading(SYSTEM) as session:
            stored = session.connection().exec_driver_sql("SELECT link FROM campaign").scalar_one()
        assert token not in stored
        assert isinstance(refused(sales, check_in.open_check_in, row(mine).campaign_id), NotAllowed)

    def test_customers_outside_of_the_library_are_not_found(self, sqlite_database: str, marketing: Actor, guest: Customer) -> None:
        token, _mine = self.opened(marketing, guest)
        with transaction(SYSTEM) as session:
            session.execute(update(Customer).values(place="archive"))
        assert self.say(token) is Answer.UNKNOWN
        with reading(SYSTEM) as session:
            assert session.execute(select(Participation.attended_at)).scalar_one() is None
