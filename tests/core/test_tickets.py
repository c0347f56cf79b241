"""Tickets: entering, assigning, answering, the moves of the state machine, satisfaction, and who may do what."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select, update

from crm_core.db import reading, transaction
from crm_core.errors import Conflict, CrmError, IllegalTransition, NotAllowed, NotFound, ValidationFailed
from crm_core.i18n import in_language
from crm_core.models import TICKET_MOVES, Attachment, Customer, Notice, Ticket, TicketMove, TicketState, TicketStep, User
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import attachments, contacts, history, ticket_list, ticket_work, tickets, timeline, transfers
from crm_core.services.archive import archive_customer
from crm_core.services.file_store import store_file
from crm_core.services.ticket_list import NOBODY, TicketQuery
from tests import factories

SHANGHAI = ZoneInfo("Asia/Shanghai")
SetClock = Callable[[datetime], None]


@pytest.fixture
def clerk(database: str, administrator: Actor) -> Actor:
    """Somebody of the service, who sees every customer."""
    return factories.make_user(role="service", username="clerk", name="客服己")


@pytest.fixture
def other_clerk(database: str) -> Actor:
    return factories.make_user(role="service", username="other_clerk", name="客服庚")


@pytest.fixture
def customer(sales: Actor) -> Customer:
    return factories.make_customer(sales, name="杭州恒远机械有限公司")


def now(ticket: Ticket) -> Ticket:
    with reading(SYSTEM) as session:
        return session.get_one(Ticket, ticket.id)


def move(actor: Actor, ticket: Ticket, what: TicketMove, content: str = "已处理", *, version: int | None = None) -> None:
    with transaction(actor) as session:
        ticket_work.move_ticket(session, actor, ticket.id, what, content=content, version=version or now(ticket).version)


def answer(actor: Actor, ticket: Ticket, content: str = "工程师下午到", *, version: int | None = None) -> None:
    with transaction(actor) as session:
        ticket_work.answer_ticket(session, actor, ticket.id, content, version=version or now(ticket).version)


def rate(actor: Actor, ticket: Ticket, score: int | None, remark: str = "") -> None:
    with transaction(actor) as session:
        ticket_work.rate_ticket(session, actor, ticket.id, score, remark=remark, version=now(ticket).version)


def take(actor: Actor, ticket: Ticket, *, version: int | None = None) -> None:
    with transaction(actor) as session:
        tickets.take_ticket(session, actor, ticket.id, version=version or now(ticket).version)


def told(actor: Actor) -> list[str]:
    with reading(actor) as session:
        return list(session.execute(select(Notice.kind).where(Notice.user_id == actor.id).order_by(Notice.id)).scalars())


class TestEntering:
    def test_a_complaint_is_numbered_due_by_its_priority_and_told_to_the_owner(
        self, clerk: Actor, sales: Actor, customer: Customer, set_clock: SetClock
    ) -> None:
        set_clock(datetime(2026, 3, 6, 16, tzinfo=SHANGHAI))  # a Friday
        made = factories.make_ticket(clerk, customer, priority="high")
        assert (made.code, made.state, made.handler_id) == ("TKT202603001", TicketState.NEW, None)
        assert made.due_at == datetime(2026, 3, 9, 16, tzinfo=SHANGHAI)  # nine service hours: two on Friday, seven on Monday
        assert told(sales) == ["complaint_entered"]
        assert [line.action for line in factories.log_of("ticket", made.id)] == ["created"]

    def test_an_inquiry_is_not_told_to_the_owner(self, clerk: Actor, sales: Actor, customer: Customer) -> None:
        factories.make_ticket(clerk, customer, type="inquiry")
        assert told(sales) == []

    def test_a_second_click_makes_no_second_ticket(self, clerk: Actor, customer: Customer) -> None:
        first, second = (factories.make_ticket(clerk, customer, key="one-form") for _click in range(2))
        assert first.id == second.id
        with reading(SYSTEM) as session:
            assert session.execute(select(func.count()).select_from(TicketStep)).scalar_one() == 1

    @pytest.mark.parametrize(
        ("field", "value", "sentence"),
        [
            ("name", "", "Title is required"),
            ("name", "长" * 121, "At most 120"),
            ("description", " ", "Ticket description is required"),
            ("description", "长" * 10_001, "At most 10000 characters are possible here, you entered 10001"),
            ("type", "praise", "is not one of the choices"),
            ("priority", "", "Priority is required"),
            ("category", "ticket_category.gone", "not offered any more"),
            ("source", "source.exhibition", "not offered any more"),
        ],
    )
    def test_what_is_missing_or_wrong_is_told_at_its_field(
        self, clerk: Actor, customer: Customer, field: str, value: str, sentence: str
    ) -> None:
        with in_language("en"), pytest.raises(ValidationFailed) as refused:
            factories.make_ticket(clerk, customer, **{field: value})
        assert sentence in refused.value.errors[field][0]

    def test_the_longest_description_is_kept_whole(self, clerk: Actor, customer: Customer) -> None:
        assert len(now(factories.make_ticket(clerk, customer, description="长" * 10_000)).description) == 10_000

    def test_a_contact_is_one_of_the_customer(self, clerk: Actor, sales: Actor, customer: Customer) -> None:
        other = factories.make_customer(sales)
        with reading(SYSTEM) as session:
            own, foreign = (contacts.list_contacts(session, SYSTEM, one.id)[0] for one in (customer, other))
        assert now(factories.make_ticket(clerk, customer, contact_id=own.id)).contact_name == own.name
        with in_language("en"), pytest.raises(ValidationFailed) as refused:
            factories.make_ticket(clerk, customer, contact_id=foreign.id)
        assert "is no contact of 杭州恒远机械有限公司" in refused.value.errors["contact_id"][0]

    def test_nothing_is_entered_for_an_archived_customer(self, clerk: Actor, manager: Actor, customer: Customer) -> None:
        with transaction(manager) as session:
            archive_customer(session, manager, customer.id, reason="暂停合作")
        with pytest.raises(IllegalTransition):
            factories.make_ticket(clerk, customer)

    def test_sales_see_the_tickets_of_their_customers_and_enter_none(
        self, clerk: Actor, sales: Actor, stranger: Actor, customer: Customer
    ) -> None:
        made = factories.make_ticket(clerk, customer)
        for actor, seen in ((sales, 1), (stranger, 0), (clerk, 1)):
            with reading(actor) as session:
                assert ticket_list.list_tickets(session, actor, TicketQuery()).total == seen
        with reading(stranger) as session, pytest.raises(NotFound):
            ticket_list.get_ticket(session, stranger, made.code)
        for refused in (lambda: factories.make_ticket(sales, customer), lambda: answer(sales, made), lambda: take(sales, made)):
            with pytest.raises(NotAllowed):
                refused()


class TestHandlers:
    def test_an_unassigned_ticket_is_taken_once(self, clerk: Actor, other_clerk: Actor, customer: Customer) -> None:
        made = factories.make_ticket(clerk, customer)
        take(clerk, made, version=1)
        assert (now(made).handler_id, now(made).state) == (clerk.id, TicketState.DOING)
        with in_language("en"), pytest.raises(Conflict, match="“Being worked on” now, handler: 客服己"):
            take(other_clerk, made, version=1)
        with pytest.raises(Conflict):
            take(other_clerk, made)

    def test_of_two_who_take_it_at_the_same_time_one_gets_it(self, clerk: Actor, other_clerk: Actor, customer: Customer) -> None:
        made, outcomes = factories.make_ticket(clerk, customer), list[object]()
        barrier = threading.Barrier(2)

        def attempt(actor: Actor) -> None:
            barrier.wait()
            try:
                take(actor, made, version=1)
                outcomes.append(actor.id)
            except CrmError as problem:
                outcomes.append(type(problem))

        threads = [threading.Thread(target=attempt, args=(actor,)) for actor in (clerk, other_clerk)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert Conflict in outcomes
        assert now(made).handler_id in outcomes

    def test_heads_assign_and_the_handler_is_told(self, clerk: Actor, manager: Actor, customer: Customer) -> None:
        made = factories.make_ticket(clerk, customer)
        with transaction(manager) as session:
            tickets.assign_ticket(session, manager, made.id, clerk.id or 0, version=1)
        assert (now(made).handler_id, now(made).state, told(clerk)) == (clerk.id, TicketState.NEW, ["ticket_assigned"])
        assert [(line.old, line.new) for line in factories.log_of("ticket", made.id, field="handler_id")] == [(None, str(clerk.id))]

    def test_who_does_not_see_the_customer_or_work_on_tickets_cannot_have_one(
        self, clerk: Actor, manager: Actor, sales: Actor, customer: Customer, teams: dict[str, int]
    ) -> None:
        outside = factories.make_user(role="manager", name="主管辛", team_id=teams["west"])
        made = factories.make_ticket(clerk, customer)
        for handler in (sales, outside):
            with in_language("en"), pytest.raises(ValidationFailed) as refused, transaction(manager) as session:
                tickets.assign_ticket(session, manager, made.id, handler.id or 0, version=1)
            assert refused.value.errors["handler_id"][0].startswith(handler.name)
        with pytest.raises(NotAllowed), transaction(clerk) as session:
            tickets.assign_ticket(session, clerk, made.id, clerk.id or 0, version=1)

    def test_others_leave_notes_only(self, clerk: Actor, other_clerk: Actor, customer: Customer) -> None:
        made = factories.make_ticket(clerk, customer)
        with in_language("en"), pytest.raises(NotAllowed, match="Take it first"):
            answer(other_clerk, made)
        take(clerk, made)
        with in_language("en"), pytest.raises(NotAllowed, match="客服己 has this ticket"):
            move(other_clerk, made, TicketMove.RESOLVE)
        with transaction(other_clerk) as session:
            ticket_work.note_ticket(session, other_clerk, made.id, "上次也是这台", version=now(made).version)
        with reading(clerk) as session:
            assert [one.kind for one in ticket_list.list_history(session, clerk, made.id)][-1] == "note"

    def test_a_transfer_moves_open_tickets_to_whoever_works_on_them_else_to_nobody(
        self, administrator: Actor, manager: Actor, sales: Actor, teams: dict[str, int]
    ) -> None:
        customer = factories.make_customer(manager)
        for receiver, holder in ((sales, None), (factories.make_user(role="manager", team_id=teams["east"]), "receiver")):
            made = factories.make_ticket(manager, customer, handler_id=manager.id)
            with transaction(administrator) as session:
                batch = transfers.transfer(session, administrator, [customer.id], to=receiver.id or 0, reason="离职交接")
            assert now(made).handler_id == (receiver.id if holder else None)
            with transaction(administrator) as session:
                transfers.undo(session, administrator, batch.id)
            assert now(made).handler_id == manager.id
            with transaction(SYSTEM) as session:
                session.execute(update(Ticket).values(handler_id=None))


class TestMoves:
    @pytest.mark.parametrize("state", TicketState)
    @pytest.mark.parametrize("what", TicketMove)
    def test_each_state_allows_the_moves_of_the_table(self, clerk: Actor, customer: Customer, state: TicketState, what: TicketMove) -> None:
        made = factories.make_ticket(clerk, customer, handler_id=clerk.id)
        with transaction(SYSTEM) as session:
            session.execute(update(Ticket).values(state=state))
        way = TICKET_MOVES[what]
        if state not in way.sources:
            with pytest.raises(IllegalTransition):
                move(clerk, made, what)
            assert now(made).state == state
            return
        if way.text:
            with pytest.raises(ValidationFailed):
                move(clerk, made, what, "  ")
        move(clerk, made, what)
        assert now(made).state == way.target
        with reading(SYSTEM) as session:
            last = session.execute(select(TicketStep).order_by(TicketStep.id.desc()).limit(1)).scalar_one()
        assert (last.from_state, last.to_state, last.actor_id) == (state, way.target, clerk.id)
        logged = factories.log_of("ticket", made.id, field="state")
        assert [(line.old, line.new) for line in logged] == ([(state, way.target)] if state != way.target else [])

    def test_while_the_customer_has_to_act_the_clock_stands_still(self, clerk: Actor, customer: Customer, set_clock: SetClock) -> None:
        monday = datetime(2026, 3, 2, 9, tzinfo=SHANGHAI)
        set_clock(monday)
        made = factories.make_ticket(clerk, customer, priority="high", handler_id=clerk.id)  # nine hours: the whole Monday
        move(clerk, made, TicketMove.BEGIN)
        set_clock(monday + timedelta(hours=4))
        move(clerk, made, TicketMove.WAIT, "请发照片")
        set_clock(monday + timedelta(days=7))
        with reading(clerk) as session:
            assert not ticket_list.get_ticket(session, clerk, made.code).is_overdue
        move(clerk, made, TicketMove.RESUME)
        assert now(made).due_at == monday + timedelta(days=7, hours=5)

    def test_reopening_needs_a_reason_counts_and_gives_the_whole_time_again(
        self, clerk: Actor, other_clerk: Actor, sales: Actor, customer: Customer, set_clock: SetClock
    ) -> None:
        monday = datetime(2026, 3, 2, 9, tzinfo=SHANGHAI)
        set_clock(monday)
        made = factories.make_ticket(clerk, customer, priority="high", handler_id=clerk.id)
        move(clerk, made, TicketMove.RESOLVE, "更换了电机")
        rate(clerk, made, 5)
        set_clock(monday + timedelta(days=1))
        move(other_clerk, made, TicketMove.REOPEN, "又停机了")
        found = now(made)
        assert (found.reopened, found.satisfaction, found.resolved_at) == (1, None, None)
        assert found.due_at == monday + timedelta(days=1, hours=9)
        assert found.handler_id == clerk.id
        assert (told(clerk), told(sales)) == (["ticket_reopened"], ["complaint_entered", "ticket_reopened"])

    def test_reopened_for_somebody_who_left_it_is_nobodys(self, clerk: Actor, other_clerk: Actor, customer: Customer) -> None:
        made = factories.make_ticket(clerk, customer, handler_id=clerk.id)
        move(clerk, made, TicketMove.RESOLVE)
        with transaction(SYSTEM) as session:
            session.execute(update(User).where(User.id == clerk.id).values(is_active=False))
        move(other_clerk, made, TicketMove.REOPEN, "又停机了")
        assert now(made).handler_id is None

    def test_an_answer_begins_the_work_and_none_follows_the_solution(self, clerk: Actor, customer: Customer) -> None:
        made = factories.make_ticket(clerk, customer, handler_id=clerk.id)
        answer(clerk, made)
        assert now(made).state == TicketState.DOING
        move(clerk, made, TicketMove.RESOLVE)
        with in_language("en"), pytest.raises(IllegalTransition, match="Reopen it to answer"):
            answer(clerk, made)

    @pytest.mark.parametrize("content", ["", "长" * 10_001])
    def test_an_answer_has_words_and_not_too_many(self, clerk: Actor, customer: Customer, content: str) -> None:
        made = factories.make_ticket(clerk, customer, handler_id=clerk.id)
        with pytest.raises(ValidationFailed) as refused:
            answer(clerk, made, content)
        assert list(refused.value.errors) == ["content"]

    def test_of_two_who_answer_or_resolve_at_once_the_second_sees_the_present_state(
        self, clerk: Actor, manager: Actor, customer: Customer
    ) -> None:
        made = factories.make_ticket(clerk, customer, handler_id=clerk.id)
        seen = now(made).version
        answer(clerk, made, version=seen)
        with in_language("en"), pytest.raises(Conflict, match="Being worked on"):
            answer(manager, made, version=seen)
        seen = now(made).version
        move(clerk, made, TicketMove.RESOLVE, version=seen)
        with in_language("en"), pytest.raises(Conflict, match="“Resolved” now"):
            move(manager, made, TicketMove.RESOLVE, version=seen)

    def test_what_was_resolved_some_days_ago_is_closed_by_the_job(self, clerk: Actor, customer: Customer, set_clock: SetClock) -> None:
        monday = datetime(2026, 3, 2, 9, tzinfo=SHANGHAI)
        set_clock(monday)
        made = factories.make_ticket(clerk, customer, handler_id=clerk.id)
        move(clerk, made, TicketMove.RESOLVE)
        served = now(made).served_at
        for days, state in ((6, TicketState.RESOLVED), (8, TicketState.CLOSED), (9, TicketState.CLOSED)):
            set_clock(monday + timedelta(days=days))
            with transaction(SYSTEM) as session:
                ticket_work.close_resolved(session)
            assert now(made).state == state
        assert now(made).served_at == served
        with reading(SYSTEM) as session:
            assert session.execute(select(TicketStep.actor_id).order_by(TicketStep.id.desc()).limit(1)).scalar() is None


class TestSatisfaction:
    def test_it_is_recorded_once_the_ticket_is_resolved(self, clerk: Actor, customer: Customer) -> None:
        made = factories.make_ticket(clerk, customer, handler_id=clerk.id)
        with in_language("en"), pytest.raises(IllegalTransition, match="once it is resolved"):
            rate(clerk, made, 5)
        move(clerk, made, TicketMove.RESOLVE)
        rate(clerk, made, 4, "来得快")
        move(clerk, made, TicketMove.CLOSE)
        rate(clerk, made, 3)
        assert (now(made).satisfaction, now(made).satisfaction_remark) == (3, None)
        assert [line.new for line in factories.log_of("ticket", made.id, field="satisfaction")] == ["4", "3"]

    @pytest.mark.parametrize("score", [None, 0, 6])
    def test_a_score_is_from_one_to_five(self, clerk: Actor, customer: Customer, score: int | None) -> None:
        made = factories.make_ticket(clerk, customer, handler_id=clerk.id)
        move(clerk, made, TicketMove.RESOLVE)
        with pytest.raises(ValidationFailed):
            rate(clerk, made, score)


class TestEditing:
    def edit(self, actor: Actor, ticket: Ticket, **over: Any) -> None:
        with transaction(actor) as session:
            tickets.edit_ticket(session, actor, ticket.id, factories.ticket_values(**over), contact_id=None, version=now(ticket).version)

    def test_another_priority_gives_another_time_less_what_has_passed(self, clerk: Actor, customer: Customer, set_clock: SetClock) -> None:
        monday = datetime(2026, 3, 2, 9, tzinfo=SHANGHAI)
        set_clock(monday)
        made = factories.make_ticket(clerk, customer, priority="normal", handler_id=clerk.id)
        set_clock(monday + timedelta(hours=3))
        self.edit(clerk, made, priority="urgent")
        assert now(made).due_at == monday + timedelta(hours=4)
        self.edit(clerk, made, priority="normal")
        assert now(made).due_at == monday + timedelta(days=1, hours=9)
        set_clock(monday + timedelta(hours=8))
        self.edit(clerk, made, priority="urgent")
        assert now(made).due_at == monday + timedelta(hours=8)

    def test_what_becomes_a_complaint_is_told_to_the_owner(self, clerk: Actor, sales: Actor, customer: Customer) -> None:
        made = factories.make_ticket(clerk, customer, type="inquiry", handler_id=clerk.id)
        self.edit(clerk, made, type="complaint")
        assert told(sales) == ["complaint_entered"]


class TestReading:
    def test_views_filters_and_search_find_their_tickets(
        self, clerk: Actor, other_clerk: Actor, customer: Customer, sales: Actor, set_clock: SetClock
    ) -> None:
        monday = datetime(2026, 3, 2, 9, tzinfo=SHANGHAI)
        set_clock(monday)
        quick = factories.make_ticket(clerk, customer, priority="urgent", handler_id=clerk.id, name="停机")
        slow = factories.make_ticket(clerk, customer, type="request", category="ticket_category.feature", name="导出报表")
        done = factories.make_ticket(other_clerk, customer, handler_id=other_clerk.id)
        move(other_clerk, done, TicketMove.RESOLVE)
        set_clock(monday + timedelta(hours=6))
        wanted: dict[TicketQuery, list[Ticket]] = {
            TicketQuery(): [quick, slow],
            TicketQuery(states=tuple(TicketState)): [quick, slow, done],
            TicketQuery(handlers=(clerk.id or 0,)): [quick],
            TicketQuery(handlers=(NOBODY,)): [slow],
            TicketQuery(handlers=(NOBODY, clerk.id or 0)): [quick, slow],
            TicketQuery(types=("request",)): [slow],
            TicketQuery(categories=("ticket_category.feature",)): [slow],
            TicketQuery(priorities=("urgent",)): [quick],
            TicketQuery(is_overdue=True): [quick],
            TicketQuery(phrase="报表"): [slow],
            TicketQuery(phrase=quick.code): [quick],
            TicketQuery(phrase="恒远"): [quick, slow],
            TicketQuery(customer_id=customer.id): [quick, slow],
        }
        with reading(clerk) as session:
            for query, expected in wanted.items():
                page = ticket_list.list_tickets(session, clerk, query)
                assert [row.id for row in page.rows] == [one.id for one in expected], query
                assert page.total == len(expected)
            own = ticket_list.list_own(session, clerk, 5)
            assert ([row.id for row in own.rows], own.total) == ([quick.id], 1)
            assert ticket_list.holders(session, clerk) == {clerk.id: clerk.name, other_clerk.id: other_clerk.name}

    def test_a_customers_timeline_has_steps_and_answers_without_notes(self, clerk: Actor, sales: Actor, customer: Customer) -> None:
        made = factories.make_ticket(clerk, customer, handler_id=clerk.id)
        answer(clerk, made, "工程师下午到")
        with transaction(clerk) as session:
            ticket_work.note_ticket(session, clerk, made.id, "客户情绪激动", version=now(made).version)
        move(clerk, made, TicketMove.RESOLVE, "更换了电机")
        with reading(sales) as session:
            events = timeline.list_events(session, sales, customer.id, kinds=("ticket", "ticket_answer")).events
        assert [event.text for event in events if event.text] == ["更换了电机", "工程师下午到"]
        marketing = factories.make_user(role="marketing")
        with reading(marketing) as session:
            kinds = {event.kind for event in timeline.list_events(session, marketing, customer.id).events}
            logged = {line.entity for line in history.list_changes(session, marketing, customer.id).rows}
            subjects, _actions = history.list_subjects(session, marketing, customer.id)
        assert not kinds & {"ticket", "ticket_answer"}
        assert "ticket" not in logged | {entity for entity, _field in subjects}
        with reading(sales) as session:
            assert "ticket" in {line.entity for line in history.list_changes(session, sales, customer.id).rows}

    def test_a_file_of_a_ticket_is_for_those_who_read_tickets(self, clerk: Actor, sales: Actor, customer: Customer) -> None:
        made, other = factories.make_ticket(clerk, customer), factories.make_ticket(clerk, factories.make_customer(sales))
        what = {"file": store_file(factories.PDF), "type": "attachment_type.other", "customer_id": customer.id}
        with transaction(clerk) as session:
            file = attachments.add_attachment(session, clerk, **what, ticket_id=made.id)
            with pytest.raises(NotFound):
                attachments.add_attachment(session, clerk, **what, ticket_id=other.id)
        for actor, seen in ((clerk, True), (sales, True), (factories.make_user(role="marketing"), False)):
            with reading(actor) as session:
                assert (file.id in [one.id for one in attachments.list_attachments(session, actor, customer_id=customer.id)]) is seen
                if seen:
                    assert attachments.open_attachment(session, actor, file.id).filename
                    assert [one.id for one in ticket_list.list_files(session, actor, made.id)] == [file.id]
                else:
                    with pytest.raises(NotFound):
                        attachments.open_attachment(session, actor, file.id)
        with reading(SYSTEM) as session:
            assert session.execute(select(func.count()).select_from(Attachment)).scalar_one() == 1
