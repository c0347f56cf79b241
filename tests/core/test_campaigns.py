"""Campaigns: planned, edited, moved on; who takes part and how far each came; tags, scope, change log, merge."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import delete, select

from crm_core.clock import today
from crm_core.db import reading, transaction
from crm_core.errors import Conflict, CrmError, IllegalTransition, NotAllowed, NotFound, ValidationFailed
from crm_core.models import CAMPAIGN_MOVES, Campaign, CampaignMove, CampaignState, Contact, Customer, Participation, Step
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import campaign_list, campaigns, history, participations, tags, timeline
from crm_core.services.bulk_targets import Selection
from crm_core.services.campaign_list import CampaignQuery, ParticipantQuery
from crm_core.services.customer_list import CustomerQuery
from crm_core.services.merges import undo_merge
from crm_core.services.participant_lines import find_people, split_file, split_text
from crm_core.services.participations import Done
from crm_core.validation import LONGEST_TEXT
from tests import factories
from tests.core.test_merges import merge

EMOJI = "👩‍🔬🎉 春天"


@pytest.fixture
def marketing(administrator: Actor) -> Actor:
    return factories.make_user(role="marketing", username="marketing", name="市场庚")


def act(actor: Actor, do: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    with transaction(actor) as session:
        return do(session, actor, *arguments, **named)


def take_part(actor: Actor, campaign: Campaign, *customers: Customer) -> list[int]:
    """Invite these customers; the ids of their participations."""
    act(actor, participations.add_selection, campaign.id, Selection(tuple(customer.code for customer in customers)))
    return [rows_of(campaign, customer)[0].id for customer in customers]


def rows_of(campaign: Campaign, customer: Customer | None = None) -> list[Participation]:
    own = select(Participation).where(Participation.campaign_id == campaign.id).order_by(Participation.id)
    with reading(SYSTEM) as session:
        return list(session.execute(own if customer is None else own.where(Participation.customer_id == customer.id)).scalars())


def row(participation_id: int) -> Participation:
    with reading(SYSTEM) as session:
        return session.execute(select(Participation).where(Participation.id == participation_id)).scalar_one()


def seen(campaign: Campaign) -> Campaign:
    with reading(SYSTEM) as session:
        return session.get_one(Campaign, campaign.id)


def refused(actor: Actor, do: Callable[..., Any], *arguments: Any, **named: Any) -> CrmError:
    with pytest.raises(CrmError) as found:
        act(actor, do, *arguments, **named)
    return found.value


class TestPlanning:
    def test_a_campaign_has_a_code_and_a_leader_and_stands_in_the_log(self, database: str, marketing: Actor) -> None:
        made = factories.make_campaign(marketing, name=EMOJI, tags=["沙龙", "沙龙 "])
        assert (made.code[:3], made.owner_id, made.state, made.tags) == ("CAM", marketing.id, CampaignState.PLANNED, ["沙龙"])
        assert made.name == EMOJI
        assert [line.action for line in factories.log_of("campaign", made.id)] == ["created"]

    def test_a_second_submission_of_one_form_makes_no_second_campaign(self, database: str, marketing: Actor) -> None:
        assert factories.make_campaign(marketing, key="form").id == factories.make_campaign(marketing, key="form").id

    @pytest.mark.parametrize(
        ("over", "field"),
        [
            ({"cost": "-1"}, "cost"),
            ({"budget": "1e30"}, "budget"),
            ({"ends_on": today() - timedelta(days=1)}, "ends_on"),
            ({"ends_on": today() + timedelta(days=400)}, "ends_on"),
            ({"starts_on": "31.31.2026"}, "starts_on"),
            ({"name": ""}, "name"),
            ({"name": "长" * 10_000}, "name"),
            ({"plan": "长" * 10_001}, "plan"),
            ({"plan": "长" * (LONGEST_TEXT + 1)}, "plan"),
            ({"channel": "campaign_channel.moon"}, "channel"),
            ({"interests": ["interest.moon"]}, "interests"),
            ({"tags_from": "invited"}, "tags_from"),
            ({"result_days": "-3"}, "result_days"),
            ({"result_days": "soon"}, "result_days"),
        ],
    )
    def test_what_makes_no_sense_is_told_at_its_field(self, any_database: str, marketing: Actor, over: dict[str, Any], field: str) -> None:
        with pytest.raises(ValidationFailed) as problem:
            factories.make_campaign(marketing, **over)
        assert list(problem.value.errors) == [field]

    def test_a_plan_of_ten_thousand_letters_is_kept(self, any_database: str, marketing: Actor) -> None:
        assert len(factories.make_campaign(marketing, plan="长" * 10_000).plan or "") == 10_000

    def test_only_who_runs_campaigns_leads_one(self, any_database: str, marketing: Actor, sales: Actor) -> None:
        values = factories.campaign_values()
        assert isinstance(refused(marketing, campaigns.create_campaign, values, owner_id=sales.id), ValidationFailed)
        assert isinstance(refused(sales, campaigns.create_campaign, values), NotAllowed)

    def test_an_edit_keeps_what_stood_there_in_the_log_and_never_overwrites_silently(self, database: str, marketing: Actor) -> None:
        made = factories.make_campaign(marketing)
        values = {"owner_id": marketing.id, "tags": ["回访"], "version": made.version}
        act(marketing, campaigns.edit_campaign, made.id, factories.campaign_values(cost="1234.50"), **values)
        assert [(line.old, line.new) for line in factories.log_of("campaign", made.id, field="cost")] == [("20000.00", "1234.50")]
        late = refused(marketing, campaigns.edit_campaign, made.id, factories.campaign_values(cost="1"), **values)
        assert isinstance(late, Conflict)
        assert str(seen(made).cost) == "1234.50"

    @pytest.mark.parametrize("state", CampaignState)
    @pytest.mark.parametrize("move", CampaignMove)
    def test_each_move_leads_on_from_its_states_only(self, sqlite_database: str, marketing: Actor, state: str, move: CampaignMove) -> None:
        made = factories.make_campaign(marketing)
        with transaction(SYSTEM) as session:
            session.get_one(Campaign, made.id).state = state
        version = seen(made).version
        if state in CAMPAIGN_MOVES[move].sources:
            act(marketing, campaigns.move_campaign, made.id, move, version=version)
            assert seen(made).state == CAMPAIGN_MOVES[move].target
        else:
            assert isinstance(refused(marketing, campaigns.move_campaign, made.id, move, version=version), IllegalTransition)
            assert seen(made).state == state


class TestParticipants:
    def test_selected_customers_take_part_in_their_primary_contacts_and_nobody_twice(
        self, database: str, marketing: Actor, sales: Actor
    ) -> None:
        made, customers = factories.make_campaign(marketing), [factories.make_customer(sales) for _ in range(3)]
        first = Selection((customers[0].code, customers[1].code))
        assert act(marketing, participations.add_selection, made.id, first) == Done(2)
        assert act(marketing, participations.add_selection, made.id, Selection(query=CustomerQuery())) == Done(1, already=2)
        assert all(one.contact_id and one.contact_name for one in rows_of(made))
        assert len(rows_of(made)) == 3
        (line,) = factories.log_of("participation", action="created")[:1]
        assert (line.customer_id, line.subject.startswith(made.name)) == (customers[0].id, True)

    def test_a_customer_that_takes_part_already_is_told(self, database: str, marketing: Actor, sales: Actor) -> None:
        made, customer = factories.make_campaign(marketing), factories.make_customer(sales)
        take_part(marketing, made, customer)
        contact = rows_of(made)[0].contact_id
        assert customer.name in str(refused(marketing, participations.add_customer, made.id, customer.id, contact))
        other = factories.make_contact(sales, customer)
        assert act(marketing, participations.add_customer, made.id, customer.id, other.id).count == 1

    def test_a_contact_of_another_customer_is_refused(self, any_database: str, marketing: Actor, sales: Actor) -> None:
        made, customer, other = factories.make_campaign(marketing), factories.make_customer(sales), factories.make_customer(sales)
        take_part(marketing, made, other)
        wrong = rows_of(made)[0].contact_id
        assert isinstance(refused(marketing, participations.add_customer, made.id, customer.id, wrong), ValidationFailed)

    def test_customers_with_a_tag_are_invited(self, database: str, marketing: Actor, sales: Actor) -> None:
        made, customer, _other = factories.make_campaign(marketing), factories.make_customer(sales), factories.make_customer(sales)
        act(sales, tags.set_tags, customer.code, ["展会"])
        with reading(SYSTEM) as session:
            (tag,) = tags.list_tags(session)
        act(marketing, participations.add_selection, made.id, Selection(query=CustomerQuery(tags=(tag,))))
        assert [one.customer_id for one in rows_of(made)] == [customer.id]

    def test_a_manager_adds_and_sees_the_customers_of_the_team_only(
        self, database: str, manager: Actor, sales: Actor, stranger: Actor
    ) -> None:
        made, own, foreign = factories.make_campaign(manager), factories.make_customer(sales), factories.make_customer(stranger)
        act(manager, participations.add_selection, made.id, Selection((own.code, foreign.code)))
        assert [one.customer_id for one in rows_of(made)] == [own.id]
        (theirs,) = take_part(SYSTEM, made, foreign)
        with reading(manager) as session:
            page = campaign_list.list_participants(session, manager, ParticipantQuery(made.id))
            listed = campaign_list.list_campaigns(session, manager, CampaignQuery()).rows
        assert [one.customer_id for one in page.rows] == [own.id]
        assert [one.participants for one in listed] == [1]
        assert isinstance(refused(manager, participations.reach, theirs, Step.CLICKED), NotFound)

    def test_phones_of_participants_are_masked_for_everybody(self, any_database: str, administrator: Actor, sales: Actor) -> None:
        made, customer = factories.make_campaign(administrator), factories.make_customer(sales)
        take_part(administrator, made, customer)
        with reading(administrator) as session:
            (one,) = campaign_list.list_participants(session, administrator, ParticipantQuery(made.id)).rows
        assert "****" in one.phone

    @pytest.mark.parametrize("move", [CampaignMove.CANCEL, CampaignMove.CLOSE])
    def test_nothing_is_recorded_once_a_campaign_is_over(
        self, any_database: str, marketing: Actor, sales: Actor, move: CampaignMove
    ) -> None:
        made, customer = factories.make_campaign(marketing), factories.make_customer(sales)
        (mine,) = take_part(marketing, made, customer)
        act(marketing, campaigns.move_campaign, made.id, CampaignMove.START, version=seen(made).version)
        act(marketing, campaigns.move_campaign, made.id, move, version=seen(made).version)
        for do, *what in (
            (participations.reach, mine, Step.ATTENDED),
            (partial(participations.take_back, seen=Step.INVITED), mine),
            (participations.remove_participant, mine),
            (participations.add_selection, made.id, Selection((customer.code,))),
            (participations.add_lines, made.id, split_text("CUS000000001")),
            (participations.reach_lines, made.id, Step.CLICKED, split_text(customer.code)),
        ):
            assert isinstance(refused(marketing, do, *what), IllegalTransition)
        assert row(mine).attended_at is None

    def test_who_only_reads_records_nothing(self, any_database: str, marketing: Actor, sales: Actor) -> None:
        made, customer = factories.make_campaign(marketing), factories.make_customer(sales)
        (mine,) = take_part(marketing, made, customer)
        assert isinstance(refused(sales, participations.reach, mine, Step.CLICKED), NotAllowed)
        assert isinstance(refused(sales, participations.add_selection, made.id, Selection((customer.code,))), NotAllowed)


class TestSteps:
    def test_somebody_comes_step_by_step_and_each_is_recorded_once(self, database: str, marketing: Actor, sales: Actor) -> None:
        made, customer = factories.make_campaign(marketing), factories.make_customer(sales)
        (mine,) = take_part(marketing, made, customer)
        for step in (Step.CLICKED, Step.REGISTERED, Step.ATTENDED):
            act(marketing, participations.reach, mine, step)
            assert (row(mine).step, row(mine).reacted_at) == (step, row(mine).clicked_at)
        act(marketing, participations.reach, mine, Step.ANSWERED, score=4, feedback=EMOJI)
        assert (row(mine).score, row(mine).feedback, row(mine).reacted_on) == (4, EMOJI, today())
        for step in Step:
            assert isinstance(refused(marketing, participations.reach, mine, step, score=1), IllegalTransition)
        assert [line.field for line in factories.log_of("participation", mine, action="changed")][:2] == ["clicked_at", "registered_at"]

    def test_who_comes_without_having_signed_up_has_done_so_then(self, database: str, marketing: Actor, sales: Actor) -> None:
        made, customer = factories.make_campaign(marketing), factories.make_customer(sales)
        (mine,) = take_part(marketing, made, customer)
        act(marketing, participations.reach, mine, Step.ATTENDED)
        assert row(mine).registered_at == row(mine).attended_at

    @pytest.mark.parametrize(("score", "said"), [(None, " "), (6, ""), (5, "长" * 10_001)])
    def test_feedback_is_a_score_of_five_or_some_words(
        self, any_database: str, marketing: Actor, sales: Actor, score: int | None, said: str
    ) -> None:
        made, customer = factories.make_campaign(marketing), factories.make_customer(sales)
        (mine,) = take_part(marketing, made, customer)
        assert isinstance(refused(marketing, participations.reach, mine, Step.ANSWERED, score=5), IllegalTransition)
        act(marketing, participations.reach, mine, Step.ATTENDED)
        assert isinstance(refused(marketing, participations.reach, mine, Step.ANSWERED, score=score, feedback=said), ValidationFailed)
        assert row(mine).answered_at is None

    def test_a_step_recorded_by_mistake_is_taken_back(self, database: str, marketing: Actor, sales: Actor) -> None:
        made, customer = factories.make_campaign(marketing), factories.make_customer(sales)
        (mine,) = take_part(marketing, made, customer)
        for step in (Step.CLICKED, Step.REGISTERED):
            act(marketing, participations.reach, mine, step)
        act(marketing, participations.take_back, mine, seen=Step.REGISTERED)
        late = refused(marketing, participations.take_back, mine, seen=Step.REGISTERED)
        assert isinstance(late, Conflict)
        assert row(mine).step is Step.CLICKED
        act(marketing, participations.take_back, mine, seen=Step.CLICKED)
        assert (row(mine).step, row(mine).reacted_at, row(mine).reacted_on) == (Step.INVITED, None, None)
        assert isinstance(refused(marketing, participations.take_back, mine, seen=Step.INVITED), IllegalTransition)
        act(marketing, participations.remove_participant, mine)
        assert rows_of(made) == []
        assert [line.action for line in factories.log_of("participation", mine)][-1] == "deleted"

    def test_tags_and_interest_tags_are_set_from_the_chosen_step_on(self, database: str, marketing: Actor, sales: Actor) -> None:
        made = factories.make_campaign(marketing, tags=["沙龙"], interests=["interest.training"], tags_from="registered")
        early, late = factories.make_customer(sales), factories.make_customer(sales, interests=["interest.after_sales"])
        first, second = take_part(marketing, made, early, late)
        act(marketing, participations.reach, first, Step.CLICKED)
        act(marketing, participations.reach, second, Step.ATTENDED)
        with reading(SYSTEM) as session:
            assert tags.names_of_tags(session, [early.id, late.id]) == {late.id: ["沙龙"]}
            assert [session.get_one(Customer, one.id).interests for one in (early, late)] == [
                [],
                ["interest.after_sales", "interest.training"],
            ]
        fields = {line.field for line in factories.log_of("customer", late.id, action="changed")}
        assert fields >= {"tags", "interests"}


class TestLists:
    def test_lines_name_people_by_code_phone_and_name_and_the_others_are_told_by_line(
        self, database: str, administrator: Actor, sales: Actor
    ) -> None:
        made = factories.make_campaign(administrator)
        by_code, by_name = factories.make_customer(sales), factories.make_customer(sales)
        by_phone = factories.make_customer(sales, contacts=[factories.contact_values(name="李明轩", phone="13812345678")])
        by_person = factories.make_customer(sales, contacts=[factories.contact_values(name="欧阳芷若")])
        text = f"{by_code.code.lower()}\n\n138-1234-5678,李明轩\n{by_name.name}\n欧阳芷若\n月球公司{EMOJI}\n{by_code.code}\nCUS209901999"
        done = act(administrator, participations.add_lines, made.id, split_text(text))
        assert {one.customer_id for one in rows_of(made)} == {by_code.id, by_name.id, by_phone.id, by_person.id}
        assert (done.count, [problem.number for problem in done.problems]) == (4, [6, 7, 8])
        assert done.problems[1].reason.endswith(" 1") or "1" in done.problems[1].reason

    def test_a_name_that_fits_several_customers_is_told(self, any_database: str, administrator: Actor, sales: Actor) -> None:
        for _ in range(2):
            factories.make_customer(sales, contacts=[factories.contact_values(name="赵小满")])
        with reading(administrator) as session:
            found = find_people(session, administrator, split_text("赵小满"))
        assert (found.people, [problem.number for problem in found.problems]) == ([], [1])

    def test_an_unknown_company_is_not_taken_for_somebody_elsewhere(self, any_database: str, administrator: Actor, sales: Actor) -> None:
        factories.make_customer(sales, contacts=[factories.contact_values(name="李明轩")])
        with reading(administrator) as session:
            found = find_people(session, administrator, split_text("月球公司,李明轩"))
        assert (found.people, [problem.number for problem in found.problems]) == ([], [1])

    def test_roles_that_read_no_phones_find_nobody_by_them(self, any_database: str, marketing: Actor, sales: Actor) -> None:
        factories.make_customer(sales, contacts=[factories.contact_values(phone="13812345678")])
        with reading(marketing) as session:
            found = find_people(session, marketing, split_text("13812345678"))
        assert (found.people, len(found.problems)) == ([], 1)

    def test_a_file_names_people_as_a_pasted_list_does(self, any_database: str, administrator: Actor, sales: Actor) -> None:
        made, customer = factories.make_campaign(administrator), factories.make_customer(sales)
        content = f"客户编号,备注\n{customer.code},老客户\nCUS209901999,\n".encode("gbk")
        done = act(administrator, participations.add_lines, made.id, split_file("名单.csv", content))
        assert (done.count, [problem.number for problem in done.problems]) == (1, [3])

    def test_nothing_and_too_much_are_refused(self, any_database: str) -> None:
        for text in ("", " \n\t", "x\n" * 5_001):
            with pytest.raises(ValidationFailed):
                split_text(text)

    def test_a_list_records_a_step_for_those_who_take_part(self, database: str, marketing: Actor, sales: Actor) -> None:
        made, inside, outside = factories.make_campaign(marketing), factories.make_customer(sales), factories.make_customer(sales)
        take_part(marketing, made, inside)
        lines = split_text(f"{outside.code}\n{inside.code}")
        done = act(marketing, participations.reach_lines, made.id, Step.CLICKED, lines)
        assert (done.count, done.already, [problem.number for problem in done.problems]) == (1, 0, [1])
        assert act(marketing, participations.reach_lines, made.id, Step.CLICKED, lines).already == 1


class TestReading:
    def test_lists_are_searched_filtered_and_told(self, database: str, marketing: Actor) -> None:
        salon = factories.make_campaign(marketing, name="春季沙龙")
        fair = factories.make_campaign(marketing, name="秋季展会 100%", channel="campaign_channel.fair", place="上海")
        queries = {
            CampaignQuery(phrase="沙龙"): [salon.id],
            CampaignQuery(phrase="100%"): [fair.id],
            CampaignQuery(phrase=fair.code): [fair.id],
            CampaignQuery(channels=("campaign_channel.fair",)): [fair.id],
            CampaignQuery(states=("closed",)): [],
            CampaignQuery(owners=(marketing.id or 0,), starts_from=today(), starts_until=today(), page=9): [fair.id, salon.id],
            CampaignQuery(starts_from=today() + timedelta(days=1)): [],
        }
        with reading(marketing) as session:
            for query, expected in queries.items():
                assert [one.id for one in campaign_list.list_campaigns(session, marketing, query).rows] == expected
            assert campaign_list.leading(session, marketing) == {marketing.id: marketing.name}
            assert list(campaign_list.open_campaigns(session, marketing)) == [fair.id, salon.id]
            with pytest.raises(NotFound):
                campaign_list.get_campaign(session, marketing, "CAM1")

    def test_participants_are_searched_and_narrowed_to_a_step(self, database: str, marketing: Actor, sales: Actor) -> None:
        made, one, two = factories.make_campaign(marketing), factories.make_customer(sales), factories.make_customer(sales)
        first, _second = take_part(marketing, made, one, two)
        act(marketing, participations.reach, first, Step.ATTENDED)
        with reading(marketing) as session:

            def found(**how: Any) -> list[int]:
                return [
                    person.customer_id
                    for person in campaign_list.list_participants(session, marketing, ParticipantQuery(made.id, **how)).rows
                ]

            assert found() == [one.id, two.id]
            assert (found(step="attended"), found(step="invited"), found(step="registered")) == ([one.id], [two.id], [])
            assert (found(phrase=two.code), found(phrase="%")) == ([two.id], [])

    def test_a_service_role_sees_neither_campaigns_nor_their_traces(self, any_database: str, marketing: Actor, sales: Actor) -> None:
        clerk = factories.make_user(role="service", username="clerk")
        made, customer = factories.make_campaign(marketing), factories.make_customer(sales)
        take_part(marketing, made, customer)
        with reading(clerk) as session:
            with pytest.raises(NotAllowed):
                campaign_list.list_campaigns(session, clerk, CampaignQuery())
            assert "campaign" not in timeline.sources_for(clerk)
            changes = history.list_changes(session, clerk, customer.id)
        assert "participation" not in {line.entity for line in changes.rows}

    def test_a_participation_stands_on_the_customer_and_in_its_timeline(self, database: str, marketing: Actor, sales: Actor) -> None:
        made, customer = factories.make_campaign(marketing), factories.make_customer(sales)
        (mine,) = take_part(marketing, made, customer)
        act(marketing, participations.reach, mine, Step.ATTENDED)
        with reading(sales) as session:
            (taken,) = campaign_list.list_of_customer(session, sales, customer.id).rows
            events = timeline.list_events(session, sales, customer.id, kinds=["campaign"], phrase="沙龙").events
        assert (taken.code, taken.step) == (made.code, Step.ATTENDED)
        assert [(event.kind, made.name in event.title) for event in events] == [("campaign", True)]


def test_a_merge_moves_participations_and_its_undo_brings_them_back(database: str, administrator: Actor, sales: Actor) -> None:
    made, kept, merged = factories.make_campaign(administrator), factories.make_customer(sales), factories.make_customer(sales)
    take_part(administrator, made, kept, merged)
    done = merge(administrator, kept, merged)
    assert {one.customer_id for one in rows_of(made)} == {kept.id}
    with transaction(administrator) as session:
        undo_merge(session, administrator, done.id)
    assert {one.customer_id for one in rows_of(made)} == {kept.id, merged.id}


def test_a_contact_that_leaves_leaves_its_name_with_the_campaign(database: str, marketing: Actor, sales: Actor) -> None:
    made, customer = factories.make_campaign(marketing), factories.make_customer(sales)
    (mine,) = take_part(marketing, made, customer)
    name = row(mine).contact_name
    with transaction(SYSTEM) as session:
        session.execute(delete(Contact).where(Contact.customer_id == customer.id))
    assert (row(mine).contact_id, row(mine).contact_name) == (None, name)
