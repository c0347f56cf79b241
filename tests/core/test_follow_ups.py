"""跟进记录: written, corrected, deleted; the next plan is a task; who is told and who sees it."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from crm_core import clock
from crm_core.db import reading, transaction
from crm_core.errors import Conflict, CrmError, IllegalTransition, NotAllowed, NotFound, ValidationFailed
from crm_core.models import Attachment, Customer, FollowUp, Notice, Task, User
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import attachments, follow_ups, task_work
from crm_core.services.archive import archive_customer
from crm_core.services.customers import delete_customer
from crm_core.services.file_store import store_file
from crm_core.services.follow_up_list import FollowUpPage, FollowUpQuery, get_follow_up, list_follow_ups, list_latest, subjects
from crm_core.services.follow_ups import Entry, Plan
from crm_core.services.history import list_record_changes
from crm_core.services.transfers import transfer
from crm_core.services.verification import finish_task
from tests import factories


def entry(**over: Any) -> Entry:
    values: dict[str, Any] = {
        "happened_at": clock.now() - timedelta(hours=1),
        "method": "phone",
        "subject": "产品需求沟通",
        "content": "客户想先看同行业的案例，希望下周给出报价。",
        "feedback": "需进一步考虑预算",
    }
    return Entry(**(values | over))


def plan(person: Actor, *, days: float = 3, goal: str = "送报价单") -> Plan:
    return Plan(clock.now() + timedelta(days=days), goal, person.id or 0)


def write(actor: Actor, customer: Customer, next_plan: Plan | None = None, **over: Any) -> FollowUp:
    with transaction(actor) as session:
        return follow_ups.write_follow_up(session, actor, customer.id, entry(**over), next_plan)


def now(model: Any, key: int) -> Any:
    with reading(SYSTEM) as session:
        return session.get_one(model, key)


def plans(customer: Customer) -> list[Task]:
    with reading(SYSTEM) as session:
        return list(
            session.execute(select(Task).where(Task.customer_id == customer.id, Task.kind == "follow_up").order_by(Task.id)).scalars()
        )


def told(actor: Actor, kind: str) -> list[Notice]:
    with reading(actor) as session:
        return list(session.execute(select(Notice).where(Notice.user_id == actor.id, Notice.kind == kind)).scalars())


def errors_of(act: Callable[[], object]) -> dict[str, list[str]]:
    with pytest.raises(ValidationFailed) as problem:
        act()
    return problem.value.errors


class TestWriting:
    def test_it_notes_the_contact_and_makes_the_first_follow_up(self, database: str, sales: Actor) -> None:
        customer = factories.make_customer(sales)
        assert now(Customer, customer.id).awaits_first_follow_up
        made = write(sales, customer)
        after = now(Customer, customer.id)
        assert (after.last_contact_at, after.followed_up_at) == (made.happened_at, made.happened_at)
        assert (after.awaits_first_follow_up, after.first_follow_up_on) == (False, customer.first_follow_up_on)
        assert after.version == customer.version  # no form of the customer that is open elsewhere is disturbed
        assert after.activity == "active"
        assert [line.action for line in factories.log_of("follow_up", made.id)] == ["created"]

    def test_its_time_is_kept_to_the_minute_and_an_older_one_moves_nothing_ahead(self, database: str, sales: Actor) -> None:
        customer = factories.make_customer(sales)
        latest = write(sales, customer)
        older = write(sales, customer, happened_at=datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC))
        after = now(Customer, customer.id)
        assert now(FollowUp, older.id).happened_at == datetime(2024, 5, 6, 7, 8, tzinfo=UTC)
        assert (after.last_contact_at, after.followed_up_at) == (latest.happened_at, older.happened_at)

    def test_late_entries_are_marked_by_the_policy(self, database: str, sales: Actor) -> None:
        customer = factories.make_customer(sales)
        assert [write(sales, customer, happened_at=clock.now() - timedelta(hours=hours)).is_late for hours in (23, 25)] == [False, True]

    def test_all_that_is_wrong_is_said_at_once(self, database: str, sales: Actor) -> None:
        customer = factories.make_customer(sales)
        elsewhere = factories.make_contact(sales, factories.make_customer(sales))
        wrong = Plan(clock.now() - timedelta(days=1), " ", sales.id or 0)
        values = {"happened_at": clock.now() + timedelta(hours=1), "method": "pigeon", "subject": "", "contact_id": elsewhere.id}
        values |= {"content": "字" * 10_001}
        assert set(errors_of(lambda: write(sales, customer, wrong, **values))) == {
            "happened_at",
            "method",
            "subject",
            "content",
            "contact_id",
            "due_at",
            "goal",
        }
        assert plans(customer) == []

    def test_without_a_time_it_is_refused_in_a_sentence(self, database: str, sales: Actor) -> None:
        customer = factories.make_customer(sales)
        assert list(errors_of(lambda: write(sales, customer, happened_at=None))) == ["happened_at"]

    def test_ten_thousand_characters_and_emoji_are_kept_as_they_are(self, database: str, sales: Actor) -> None:
        text = "👩‍💻🎉" + "字" * 9_990
        made = write(sales, factories.make_customer(sales), content=text)
        assert now(FollowUp, made.id).content == text

    def test_a_customer_that_is_gone_or_out_of_sight_is_refused_in_a_sentence(
        self, database: str, sales: Actor, manager: Actor, stranger: Actor
    ) -> None:
        customer = factories.make_customer(sales)
        with pytest.raises(NotFound):
            write(stranger, customer)
        for leave, error in ((archive_customer, IllegalTransition), (delete_customer, NotFound)):
            gone = factories.make_customer(sales)
            with transaction(manager) as session:
                leave(session, manager, gone.id, reason="不再合作")  # type: ignore[operator]
            with pytest.raises(error):
                write(sales, gone)

    def test_whoever_only_reads_follow_ups_writes_none(self, database: str, sales: Actor) -> None:
        customer, service = factories.make_customer(sales), factories.make_user(role="service")
        write(sales, customer)
        with pytest.raises(NotAllowed):
            write(service, customer)
        with reading(service) as session:
            assert list_follow_ups(session, service, FollowUpQuery()).total == 1

    def test_a_file_comes_with_it_and_belongs_to_the_customer(self, database: str, sales: Actor) -> None:
        customer, other = factories.make_customer(sales), factories.make_customer(sales)
        made = write(sales, customer)
        add = {"file": store_file(factories.PDF), "type": "attachment_type.other", "follow_up_id": made.id}
        with transaction(sales) as session:
            attachments.add_attachment(session, sales, customer_id=customer.id, **add)
        with pytest.raises(NotFound), transaction(sales) as session:
            attachments.add_attachment(session, sales, customer_id=other.id, **add)
        with reading(sales) as session:
            assert [file.type for file in get_follow_up(session, sales, made.id).files] == ["attachment_type.other"]
            assert len(attachments.list_attachments(session, sales, customer_id=customer.id)) == 1

    def test_subjects_come_from_the_preset_library(self, database: str, sales: Actor) -> None:
        with reading(sales) as session:
            assert "合同条款确认" in subjects(session)


class TestPlan:
    def test_the_plan_is_a_task_that_the_next_follow_up_closes(self, database: str, sales: Actor) -> None:
        customer = factories.make_customer(sales)
        first = write(sales, customer, plan(sales), happened_at=clock.now() - timedelta(hours=2))
        (task,) = plans(customer)
        assert (task.name, task.follow_up_id, task.is_open, task.remind_at is not None) == ("送报价单", first.id, True, True)
        write(sales, customer, plan(sales, goal="确认合同"), subject="报价沟通")
        closed, opened = plans(customer)
        assert (closed.state, closed.done_note, opened.name, opened.is_open) == ("done", "报价沟通", "确认合同", True)

    def test_an_entry_from_before_the_plan_does_not_close_it(self, database: str, sales: Actor) -> None:
        customer = factories.make_customer(sales)
        write(sales, customer, plan(sales))
        write(sales, customer, happened_at=clock.now() - timedelta(days=3))
        assert [task.is_open for task in plans(customer)] == [True]

    def test_whoever_moves_the_task_moves_the_plan_and_the_other_way_round(self, database: str, sales: Actor) -> None:
        customer = factories.make_customer(sales)
        made = write(sales, customer, plan(sales))
        (task,) = plans(customer)
        later = (clock.now() + timedelta(days=9)).replace(microsecond=0)
        with transaction(sales) as session:
            task_work.postpone_task(session, sales, task.id, due_at=later, version=task.version)
        with reading(sales) as session:
            seen = get_follow_up(session, sales, made.id).plan
        assert seen is not None
        assert seen.due_at == later
        sooner = Plan(clock.now() + timedelta(days=1), "先打电话", sales.id or 0, remind_lead=60)
        with transaction(sales) as session:
            follow_ups.set_plan(session, sales, made.id, sooner)
        (task,) = plans(customer)
        assert (task.due_at, task.name, task.remind_lead) == (sooner.due_at, "先打电话", 60)

    def test_a_closed_plan_stays_closed_and_a_cancelled_one_is_no_next_step(self, database: str, sales: Actor) -> None:
        customer = factories.make_customer(sales)
        made = write(sales, customer, plan(sales))
        with transaction(sales) as session:
            follow_ups.set_plan(session, sales, made.id, None)
        assert plans(customer)[0].state == "cancelled"

        def again() -> None:
            with transaction(sales) as session:
                follow_ups.set_plan(session, sales, made.id, plan(sales))

        assert set(errors_of(again)) == {"due_at"}

    def test_it_is_for_somebody_who_sees_the_customer(self, database: str, manager: Actor, sales: Actor, colleague: Actor) -> None:
        customer = factories.make_customer(sales)
        assert set(errors_of(lambda: write(manager, customer, plan(colleague)))) == {"assignee"}
        assert set(errors_of(lambda: write(sales, customer, plan(manager)))) == {"assignee"}
        write(manager, customer, plan(sales))
        assert len(told(sales, "task_assigned")) == 1

    def test_it_can_be_done_without_a_follow_up(self, database: str, sales: Actor) -> None:
        customer = factories.make_customer(sales)
        write(sales, customer, plan(sales))
        (task,) = plans(customer)
        with transaction(sales) as session:
            finish_task(session, sales, task.id, note="已送达", version=task.version)
        assert plans(customer)[0].state == "done"


class TestMentions:
    def test_a_colleague_who_is_mentioned_is_told_once(self, database: str, sales: Actor, manager: Actor) -> None:
        customer = factories.make_customer(sales)
        made = write(sales, customer, mentions=(manager.id, manager.id, sales.id))
        assert [notice.data["text"] for notice in told(manager, "mentioned")] == ["产品需求沟通"]
        assert told(sales, "mentioned") == []
        with reading(manager) as session:
            found = list_follow_ups(session, manager, FollowUpQuery(mentioned=manager.id)).rows
        assert [(one.id, one.mentions[manager.id or 0]) for one in found] == [(made.id, manager.name)]

    def test_one_who_left_or_does_not_see_the_customer_is_not_mentioned(
        self, database: str, sales: Actor, colleague: Actor, stranger: Actor
    ) -> None:
        customer = factories.make_customer(sales)
        with transaction(SYSTEM) as session:
            session.execute(update(User).where(User.id == colleague.id).values(is_active=False))
        for person in (colleague, stranger):
            (sentence,) = errors_of(lambda one=person: write(sales, customer, mentions=(one.id,)))["mentions"]
            assert person.name in sentence
        with reading(sales) as session:
            assert not {colleague.id, stranger.id} & follow_ups.mentionable(session, customer.id).keys()


class TestCorrection:
    def correct(self, actor: Actor, made: FollowUp, *, reason: str = "时间记错", version: int = 1, **over: Any) -> None:
        with transaction(actor) as session:
            follow_ups.correct_follow_up(session, actor, made.id, entry(**over), version=version, reason=reason)

    def test_it_leaves_a_trace_with_its_reason_and_moves_the_contact(self, database: str, sales: Actor, stranger: Actor) -> None:
        customer = factories.make_customer(sales)
        made = write(sales, customer)
        earlier = (clock.now() - timedelta(days=5)).replace(second=0, microsecond=0)
        self.correct(sales, made, happened_at=earlier, content="客户要三家报价。")
        lines = {line.field: line for line in factories.log_of("follow_up", made.id, action="changed")}
        assert set(lines) == {"happened_at", "content"}
        assert (lines["content"].reason, lines["content"].new) == ("时间记错", "客户要三家报价。")
        assert now(Customer, customer.id).last_contact_at == earlier
        with reading(sales) as session:
            assert get_follow_up(session, sales, made.id).is_corrected
            trace = list_record_changes(session, sales, entity="follow_up", entity_id=made.id)
        assert sorted(line.field or line.action for line in trace) == ["content", "created", "happened_at"]
        with reading(stranger) as session:
            assert list_record_changes(session, stranger, entity="follow_up", entity_id=made.id) == []

    def test_it_needs_a_reason_the_present_version_and_its_author_or_a_manager(
        self, database: str, sales: Actor, colleague: Actor, manager: Actor, administrator: Actor
    ) -> None:
        customer = factories.make_customer(sales)
        made = write(administrator, customer)
        assert set(errors_of(lambda: self.correct(administrator, made, reason=" "))) == {"reason"}
        with pytest.raises(NotAllowed):
            self.correct(sales, made)
        with pytest.raises(NotFound):
            self.correct(colleague, made)
        self.correct(manager, made, subject="更正")
        with pytest.raises(Conflict):
            self.correct(administrator, made, subject="另一更正")

    def test_a_deleted_one_takes_its_files_and_its_open_plan_along(self, database: str, sales: Actor, manager: Actor) -> None:
        customer = factories.make_customer(sales)
        made = write(sales, customer, plan(sales))
        with transaction(sales) as session:
            file = store_file(factories.PDF)
            attachments.add_attachment(
                session, sales, customer_id=customer.id, file=file, type="attachment_type.other", follow_up_id=made.id
            )

        def delete(actor: Actor, reason: str = "写错客户") -> None:
            with transaction(actor) as session:
                follow_ups.delete_follow_up(session, actor, made.id, reason=reason)

        with pytest.raises(NotAllowed):
            delete(sales)
        assert set(errors_of(lambda: delete(manager, ""))) == {"reason"}
        delete(manager)
        with reading(SYSTEM) as session:
            assert session.execute(select(Attachment)).first() is None
        after = now(Customer, customer.id)
        assert (after.last_contact_at, after.awaits_first_follow_up, plans(customer)[0].state) == (None, True, "cancelled")
        (line,) = factories.log_of("follow_up", made.id, action="deleted")
        assert (line.subject, line.reason) == ("产品需求沟通", "写错客户")


class TestList:
    @pytest.fixture
    def written(self, database: str, sales: Actor, colleague: Actor, stranger: Actor) -> dict[str, FollowUp]:
        own = factories.make_customer(sales, name="杭州远帆科技有限公司")
        return {
            "own": write(sales, own, happened_at=clock.now() - timedelta(days=2)),
            "visit": write(sales, own, method="visit", subject="现场走访", feedback="满意 100%"),
            "colleague": write(colleague, factories.make_customer(colleague)),
            "stranger": write(stranger, factories.make_customer(stranger)),
        }

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            (FollowUpQuery(), ["colleague", "visit", "own"]),
            (FollowUpQuery(phrase="远帆 走访"), ["visit"]),
            (FollowUpQuery(phrase="100%"), ["visit"]),
            (FollowUpQuery(phrase="1%"), []),
            (FollowUpQuery(methods=("visit",)), ["visit"]),
            (FollowUpQuery(is_late=True), ["own"]),
            (FollowUpQuery(has_files=True), []),
            (FollowUpQuery(since=date(2020, 1, 1), until=date(2020, 12, 31)), []),
        ],
    )
    def test_search_and_filters_stay_within_the_scope(
        self, written: dict[str, FollowUp], manager: Actor, query: FollowUpQuery, expected: list[str]
    ) -> None:
        with reading(manager) as session:
            page = list_follow_ups(session, manager, query)
        assert [row.id for row in page.rows] == [written[name].id for name in expected]
        assert page.total == len(expected)

    def test_one_out_of_scope_is_not_found(self, written: dict[str, FollowUp], colleague: Actor) -> None:
        with reading(colleague) as session, pytest.raises(CrmError):
            get_follow_up(session, colleague, written["own"].id)

    def test_pages_are_counted(self, database: str, sales: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(FollowUpPage, "size", 2)
        customer = factories.make_customer(sales)
        made = [write(sales, customer, happened_at=clock.now() - timedelta(hours=hours)).id for hours in (3, 2, 1)]
        with reading(sales) as session:
            page = list_follow_ups(session, sales, FollowUpQuery(customer_id=customer.id, page=2))
            latest, total = list_latest(session, sales, customer.id, 2)
        assert ([row.id for row in page.rows], page.page, page.pages) == ([made[0]], 2, 2)
        assert ([row.id for row in latest], total) == ([made[2], made[1]], 3)


def test_open_plans_move_along_with_their_customer(database: str, administrator: Actor, sales: Actor, colleague: Actor) -> None:
    customer = factories.make_customer(sales)
    write(sales, customer, plan(sales))
    with transaction(administrator) as session:
        transfer(session, administrator, [customer.id], to=colleague.id or 0, reason="离职交接")
    assert [task.assignee_id for task in plans(customer)] == [colleague.id]
    with reading(colleague) as session:
        assert [one.kind for one in factories.own_tasks(session, colleague)] == ["follow_up"]
