"""审核: every move by everybody in every state, corrections, deadlines, several reviewers at once, and who sees what."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import func, select, update

from crm_core import clock
from crm_core.config import settings
from crm_core.db import reading, transaction
from crm_core.errors import Conflict, IllegalTransition, NotAllowed, NotFound, ValidationFailed
from crm_core.i18n import _
from crm_core.models import (
    REVIEW_MOVES,
    TRANSITIONS,
    ChangeLog,
    Customer,
    Draft,
    FieldType,
    Move,
    Notice,
    Place,
    Review,
    ReviewState,
    Team,
    User,
)
from crm_core.permissions import SYSTEM, Access, Actor, Permission
from crm_core.services import (
    attachments,
    contacts,
    customer_list,
    customers,
    drafts,
    duplicates,
    jobs,
    review_list,
    review_rules,
    reviews,
)
from crm_core.services.customer_list import CustomerQuery
from crm_core.services.file_store import store_file
from crm_core.services.imports.mapping import guess_mapping
from crm_core.services.imports.plan import ImportPlan
from crm_core.services.imports.reading import read_table
from crm_core.services.imports.running import run_import
from crm_core.services.review_deadlines import follow_up
from crm_core.services.review_routing import reviewers_for
from crm_core.services.review_rules import By, Rule
from crm_core.workdays import add_workdays
from tests import factories
from tests.core.test_concurrency import at_once
from tests.core.test_custom_fields import make_field

PHONE = "13800001234"


def set_rules(*rules: Rule) -> None:
    for rule in rules:
        with transaction(SYSTEM) as session:
            review_rules.save_rule(session, SYSTEM, None, rule, version=review_rules.get_rules(session)[1])


def make_head(team_id: int, head: Actor) -> None:
    with transaction(SYSTEM) as session:
        session.get_one(Team, team_id).head_id = head.id


@pytest.fixture
def rules(database: str, teams: dict[str, int], manager: Actor, sales: Actor, administrator: Actor) -> None:
    """Whatever salespeople enter is reviewed by the head of their team; there are a manager, the head of East, and an administrator."""
    make_head(teams["east"], manager)
    set_rules(Rule(roles=("sales",)))


def enter(actor: Actor, **over: Any) -> Customer:
    return factories.make_customer(actor, contacts=[factories.contact_values(name="陈立群", phone=PHONE)], **over)


def review_of(customer: Customer) -> Review:
    with reading(SYSTEM) as session:
        return session.execute(select(Review).where(Review.customer_id == customer.id)).scalar_one()


def place_of(customer: Customer) -> str:
    with reading(SYSTEM) as session:
        return session.execute(select(Customer.place).where(Customer.id == customer.id)).scalar_one()


def version_of(customer: Customer) -> int:
    return review_of(customer).version


def approve(actor: Actor, customer: Customer, *, version: int = 0) -> None:
    with transaction(actor) as session:
        review = review_of(customer)
        reviews.approve(session, actor, review.id, version=version or review.version)


def give_back(actor: Actor, customer: Customer, *, reason: str = "名称请写全称。", version: int = 0) -> None:
    with transaction(actor) as session:
        review = review_of(customer)
        reviews.return_entry(session, actor, review.id, reason=reason, version=version or review.version)


def withdraw(actor: Actor, customer: Customer) -> str:
    with transaction(actor) as session:
        review = review_of(customer)
        return reviews.withdraw(session, actor, review.id, version=review.version)


def correct(actor: Actor, customer: Customer, *, contacts: list[Mapping[str, Any]] | None = None, **changes: Any) -> customers.NewCustomer:
    with transaction(actor) as session:
        draft_id = reviews.begin_correction(session, actor, review_of(customer).id)
        values = {**drafts.get_draft(session, actor, draft_id).values, **changes}
        return reviews.submit(session, actor, draft_id, values, values["contacts"] if contacts is None else contacts)


MAKE: dict[Move, Callable[[Actor, Customer], object]] = {
    Move.APPROVE: approve,
    Move.RETURN: give_back,
    Move.RESUBMIT: correct,
    Move.WITHDRAW: withdraw,
}
BRING: dict[ReviewState, Callable[[Actor, Actor, Customer], object]] = {
    ReviewState.WAITING: lambda _author, _head, _entry: None,
    ReviewState.RETURNED: lambda _author, head, entry: give_back(head, entry),
    ReviewState.WITHDRAWN: lambda author, _head, entry: withdraw(author, entry),
    ReviewState.APPROVED: lambda _author, head, entry: approve(head, entry),
}
REVIEWERS, AUTHORS = {"manager", "administrator"}, {"sales"}
WHO = {Move.APPROVE: REVIEWERS, Move.RETURN: REVIEWERS, Move.RESUBMIT: AUTHORS, Move.WITHDRAW: AUTHORS}


@pytest.mark.usefixtures("rules")
@pytest.mark.parametrize("move", MAKE)
@pytest.mark.parametrize("state", ReviewState)
def test_a_move_is_made_by_those_who_may_in_the_states_that_allow_it(
    state: ReviewState, move: Move, sales: Actor, manager: Actor, administrator: Actor, stranger: Actor
) -> None:
    people = {"sales": sales, "manager": manager, "administrator": administrator, "stranger": stranger}
    for name, actor in people.items():
        entry = enter(sales)
        BRING[state](sales, manager, entry)
        before = review_of(entry)
        if name == "stranger":
            with pytest.raises(NotFound):
                MAKE[move](actor, entry)
        elif name not in WHO[move]:
            with pytest.raises(NotAllowed):
                MAKE[move](actor, entry)
        elif move not in TRANSITIONS[state]:
            with pytest.raises(IllegalTransition) as refused:
                MAKE[move](actor, entry)
            assert all(_(REVIEW_MOVES[one]) in str(refused.value) for one in TRANSITIONS[state] if one is not Move.ESCALATE)
        else:
            MAKE[move](actor, entry)
            assert review_of(entry).state == TRANSITIONS[state][move]
            (line,) = factories.log_of("review", before.id, action=move)
            assert (line.actor_id, line.customer_id, line.subject) == (actor.id, entry.id, entry.name)
            continue
        assert (review_of(entry).state, review_of(entry).version) == (before.state, before.version)


class TestSubmission:
    def test_without_a_rule_an_entry_goes_straight_into_the_library(self, database: str, sales: Actor) -> None:
        entry = factories.make_customer(sales)
        assert entry.is_listed
        assert entry.first_follow_up_on == add_workdays(clock.today(), 3)

    @pytest.mark.usefixtures("rules")
    def test_an_entry_under_review_is_in_no_list_search_count_or_dashboard(self, sales: Actor, administrator: Actor) -> None:
        entry = enter(sales, name="杭州审核待批科技有限公司")
        for actor in (sales, administrator):
            with reading(actor) as session:
                assert customer_list.list_customers(session, actor, CustomerQuery()).total == 0
                assert customer_list.list_customers(session, actor, CustomerQuery(phrase="审核待批")).rows == []
                assert factories.count_on_board(session, actor) == 0
                with pytest.raises(NotFound):
                    customers.get_customer(session, actor, entry.code)
        approve(administrator, entry)
        with reading(sales) as session:
            assert customer_list.list_customers(session, sales, CustomerQuery(phrase="审核待批")).total == 1

    @pytest.mark.usefixtures("rules")
    def test_it_counts_for_duplicate_hints_until_it_is_withdrawn(self, sales: Actor, stranger: Actor) -> None:
        entry = enter(sales)
        with reading(stranger) as session:
            (found,) = duplicates.find_duplicates(session, stranger, name=entry.name)
        assert (found.place, found.code) == (Place.REVIEW, "")
        withdraw(sales, entry)
        with reading(stranger) as session:
            assert duplicates.find_duplicates(session, stranger, name=entry.name) == []

    @pytest.mark.usefixtures("rules")
    def test_the_reviewer_is_told_of_it_and_the_author_of_the_decision(self, sales: Actor, manager: Actor) -> None:
        entry = enter(sales)
        assert notices_of(manager) == ["review_asked"]
        give_back(manager, entry)
        correct(sales, entry, remark="已更正")
        approve(manager, entry)
        assert notices_of(sales) == ["review_returned", "review_approved"]
        assert notices_of(manager) == ["review_asked", "review_again"]

    @pytest.mark.usefixtures("rules")
    def test_approval_sets_the_first_follow_up_three_working_days_from_then(
        self, sales: Actor, manager: Actor, set_clock: Callable[[datetime], None]
    ) -> None:
        entry = enter(sales)
        assert entry.first_follow_up_on is None
        later = clock.now() + timedelta(days=10)
        set_clock(later)
        approve(manager, entry)
        with reading(sales) as session:
            found = customers.get_customer(session, sales, entry.code)
        assert found.first_follow_up_on == add_workdays(later.astimezone(settings().timezone).date(), 3)


@pytest.mark.usefixtures("rules")
def test_imported_rows_follow_the_same_rules_and_their_reviewers_are_told_once(manager: Actor, administrator: Actor) -> None:
    set_rules(Rule(roles=("manager",), tiers=("A",)))
    lines = [f"杭州导入{number}机械有限公司,A" for number in "一二三"] + ["杭州导入四机械有限公司,B"]
    table = read_table("x.csv", "\n".join(["客户名称,客户等级", *lines]).encode())
    result = run_import(manager, table, ImportPlan(mapping=guess_mapping(table.headings)))
    assert (result.created, result.waiting, result.failed) == (4, 3, 0)
    with reading(manager) as session:
        assert customer_list.list_customers(session, manager, CustomerQuery()).total == 1
    assert notices_of(administrator) == ["review_imported"]
    assert run_import(manager, table, ImportPlan(mapping=guess_mapping(table.headings))).skipped == 4


def notices_of(actor: Actor) -> list[str]:
    with reading(actor) as session:
        return list(session.execute(select(Notice.kind).where(Notice.user_id == actor.id).order_by(Notice.id)).scalars())


class TestWhoReviews:
    def asked(self, author: Actor, stage: str = "prospect", tier: str | None = None) -> list[int]:
        with reading(SYSTEM) as session:
            return reviewers_for(session, author.id, stage, tier)

    def test_the_first_rule_that_fits_counts(self, database: str, sales: Actor, manager: Actor, administrator: Actor) -> None:
        set_rules(
            Rule(tiers=("A",), by=By.PEOPLE, people=(administrator.id or 0,)),
            Rule(stages=("qualified", "customer"), by=By.ROLE, role="manager"),
        )
        assert self.asked(sales, tier="A") == [administrator.id]
        assert self.asked(sales, "customer", "B") == [manager.id]
        assert self.asked(sales, "prospect", "B") == []
        assert self.asked(manager, "customer", "B") == [administrator.id]

    @pytest.mark.usefixtures("rules")
    def test_without_a_head_of_the_own_team_the_next_one_up_reviews_and_else_an_administrator(
        self, sales: Actor, manager: Actor, administrator: Actor, stranger: Actor, teams: dict[str, int]
    ) -> None:
        assert self.asked(sales) == [manager.id]
        assert self.asked(stranger) == [administrator.id]
        make_head(teams["below"], sales)
        assert self.asked(sales) == [manager.id]
        disable(manager)
        assert self.asked(sales) == [administrator.id]

    def test_nobody_reviews_their_own_entry_and_where_nobody_else_could_none_is_needed(self, database: str, administrator: Actor) -> None:
        set_rules(Rule())
        assert self.asked(administrator) == []
        assert factories.make_customer(administrator).is_listed

    @pytest.mark.usefixtures("rules")
    def test_when_all_who_were_asked_left_somebody_else_is_asked(self, sales: Actor, manager: Actor, administrator: Actor) -> None:
        entry = enter(sales)
        disable(manager)
        for _turn in range(2):
            with transaction(SYSTEM) as session:
                follow_up(session)
        assert notices_of(administrator) == ["review_asked"]
        approve(administrator, entry)

    def test_a_rule_names_only_people_who_can_review(self, database: str, sales: Actor, manager: Actor) -> None:
        for rule in (Rule(by=By.PEOPLE), Rule(by=By.PEOPLE, people=(sales.id or 0,)), Rule(by=By.ROLE, role="sales"), Rule(roles=("x",))):
            with pytest.raises(ValidationFailed), transaction(SYSTEM) as session:
                review_rules.save_rule(session, SYSTEM, None, rule, version=0)
        with pytest.raises(NotAllowed), transaction(manager) as session:
            review_rules.save_rule(session, manager, None, Rule(), version=0)

    def test_two_who_change_the_rules_at_once_do_not_overwrite_each_other(self, database: str) -> None:
        set_rules(Rule(stages=("prospect",)))
        with pytest.raises(Conflict), transaction(SYSTEM) as session:
            review_rules.delete_rule(session, SYSTEM, 0, version=0)
        with transaction(SYSTEM) as session:
            review_rules.delete_rule(session, SYSTEM, 0, version=1)
            assert review_rules.get_rules(session) == ([], 2)


def disable(actor: Actor) -> None:
    with transaction(SYSTEM) as session:
        session.get_one(User, actor.id).is_active = False


@pytest.mark.usefixtures("rules")
class TestCorrection:
    def test_the_author_corrects_the_whole_entry_and_the_reviewer_sees_what_changed(self, sales: Actor, manager: Actor) -> None:
        entry = enter(sales)
        give_back(manager, entry)
        made = correct(
            sales,
            entry,
            source_detail="2026年工业博览会",
            contacts=[factories.contact_values(name="陈立群", phone="13900005678"), factories.contact_values(name="周敏")],
        )
        assert made.reviewers == [manager.id]
        with reading(manager) as session:
            file = review_list.get_review(session, manager, entry.code)
        changed = {line.label: (line.old, line.new) for line in file.last_changes or () if line.is_changed}
        assert changed[_("Source detail")] == ("2023年行业展会", "2026年工业博览会")
        first, second = (_("Contact {number}").format(number=number) for number in (1, 2))
        assert changed[f"{first} · {_('Phone')}"] == (PHONE, "13900005678")
        assert changed[f"{second} · {_('Contact name')}"] == ("", "周敏")
        assert [step.action for step in file.steps] == ["submitted", "returned", "resubmitted"]
        assert [contact.name for contact in file.contacts] == ["陈立群", "周敏"]
        assert place_of(entry) == Place.REVIEW

    def test_a_custom_field_is_corrected_and_compared_like_others(self, sales: Actor, manager: Actor) -> None:
        key = make_field(FieldType.NUMBER, name="走访次数")
        entry = enter(sales, **{key: "3"})
        give_back(manager, entry)
        correct(sales, entry, **{key: "4"})
        approve(manager, entry)
        with reading(manager) as session:
            steps = review_list.list_steps_of(session, manager, entry.id)
            assert customers.get_customer(session, manager, entry.code).extra[key] == "4"
        changed = [(one.label, one.old, one.new) for step in steps for one in step.changes or () if one.is_changed]
        assert changed == [("走访次数", "3", "4")]

    def test_a_correction_that_breaks_a_rule_changes_nothing(self, sales: Actor, manager: Actor) -> None:
        entry = enter(sales)
        give_back(manager, entry)
        with pytest.raises(ValidationFailed):
            correct(sales, entry, name="王总")
        assert review_of(entry).state == ReviewState.RETURNED

    def test_the_same_correction_submitted_twice_counts_once(self, sales: Actor, manager: Actor) -> None:
        entry = enter(sales)
        give_back(manager, entry)
        with transaction(sales) as session:
            draft_id = reviews.begin_correction(session, sales, review_of(entry).id)
            values = drafts.get_draft(session, sales, draft_id).values

        def submit() -> customers.NewCustomer:
            with transaction(sales) as session:
                return reviews.submit(session, sales, draft_id, values, values["contacts"])

        made = at_once([submit] * 2)
        assert [one.customer.id for one in made if isinstance(one, customers.NewCustomer)] == [entry.id] * 2
        assert len(factories.log_of("review", action="resubmitted")) == 1

    def test_a_withdrawn_entry_goes_on_as_a_draft_under_the_same_code(self, sales: Actor, manager: Actor) -> None:
        entry = enter(sales)
        withdraw(sales, entry)
        made = correct(sales, entry, remark="补充")
        assert (made.customer.code, made.reviewers, place_of(entry)) == (entry.code, [manager.id], Place.REVIEW)

    def test_a_withdrawn_entry_goes_straight_in_where_the_rules_are_gone(self, sales: Actor) -> None:
        entry = enter(sales)
        withdraw(sales, entry)
        with transaction(SYSTEM) as session:
            review_rules.delete_rule(session, SYSTEM, 0, version=1)
        assert correct(sales, entry).reviewers == []
        assert (place_of(entry), review_of(entry).state) == (Place.LIBRARY, ReviewState.APPROVED)

    def test_discarding_the_draft_of_a_withdrawn_entry_removes_it_for_good(self, sales: Actor) -> None:
        entry = enter(sales)
        draft_id = withdraw(sales, entry)
        with transaction(sales) as session:
            drafts.discard_draft(session, sales, draft_id)
        with reading(SYSTEM) as session:
            assert [session.execute(select(func.count()).select_from(one)).scalar_one() for one in (Customer, Review, Draft)] == [0, 0, 0]
        assert factories.log_of("customer", entry.id, action="deleted")

    def test_discarding_the_draft_of_a_correction_leaves_the_entry_returned(self, sales: Actor, manager: Actor) -> None:
        entry = enter(sales)
        give_back(manager, entry)
        with transaction(sales) as session:
            drafts.discard_draft(session, sales, reviews.begin_correction(session, sales, review_of(entry).id))
        assert (place_of(entry), review_of(entry).state) == (Place.REVIEW, ReviewState.RETURNED)

    def test_files_stay_with_the_entry_and_new_ones_come_with_the_correction(self, sales: Actor, manager: Actor) -> None:
        entry = enter(sales)
        draft_id = withdraw(sales, entry)
        with transaction(sales) as session:
            file = store_file(factories.PDF)
            attachments.add_attachment(session, sales, file=file, type="attachment_type.other", draft_id=draft_id)
        correct(sales, entry)
        with reading(manager) as session:
            (found,) = review_list.get_review(session, manager, entry.code).files
        give_back(manager, entry)
        with transaction(sales) as session:
            draft_id = reviews.begin_correction(session, sales, review_of(entry).id)
            assert [one.id for one in attachments.list_attachments(session, sales, draft_id=draft_id)] == [found.id]
            attachments.delete_attachment(session, sales, found.id)

    def test_only_its_author_takes_a_file_off_an_entry_that_is_corrected(self, sales: Actor, manager: Actor) -> None:
        entry = enter(sales)
        draft_id = withdraw(sales, entry)
        with transaction(sales) as session:
            file = store_file(factories.PDF)
            attachments.add_attachment(session, sales, file=file, type="attachment_type.other", draft_id=draft_id)
        correct(sales, entry)
        give_back(manager, entry)
        with transaction(sales) as session:
            reviews.begin_correction(session, sales, review_of(entry).id)
        with reading(manager) as session:
            (found,) = review_list.get_review(session, manager, entry.code).files
        with transaction(manager) as session, pytest.raises(NotFound):
            attachments.delete_attachment(session, manager, found.id)

    def test_an_author_who_may_not_enter_customers_any_more_submits_nothing(self, sales: Actor, manager: Actor) -> None:
        entry = enter(sales)
        give_back(manager, entry)
        demoted = replace(sales, permissions=sales.permissions - {Permission.CUSTOMER_CREATE})
        with pytest.raises(NotAllowed):
            correct(demoted, entry)
        assert review_of(entry).state == ReviewState.RETURNED

    def test_a_return_needs_a_reason(self, sales: Actor, manager: Actor) -> None:
        entry = enter(sales)
        with pytest.raises(ValidationFailed):
            give_back(manager, entry, reason="  ")


@pytest.mark.usefixtures("rules")
class TestDeadline:
    def test_a_returned_entry_is_due_within_24_hours_and_escalated_once(
        self, sales: Actor, manager: Actor, administrator: Actor, set_clock: Callable[[datetime], None]
    ) -> None:
        begun = clock.now()
        set_clock(begun)
        entry = enter(sales)
        give_back(administrator, entry)
        assert review_of(entry).due_at == begun + timedelta(hours=24)
        for hours, told in ((23.9, 0), (24.1, 1), (30, 1)):
            set_clock(begun + timedelta(hours=hours))
            with transaction(SYSTEM) as session:
                jobs.JOBS["reviews"].do(session)
            assert (notices_of(sales).count("review_overdue"), notices_of(manager).count("review_overdue")) == (told, told)
            with reading(sales) as session:
                (row,) = review_list.list_reviews(session, sales, review_list.OWN).rows
            assert row.is_overdue is bool(told)
        assert len(factories.log_of("review", action="escalated")) == 1
        correct(sales, entry)
        give_back(manager, entry)
        set_clock(begun + timedelta(hours=60))
        with transaction(SYSTEM) as session:
            follow_up(session)
        assert notices_of(sales).count("review_overdue") == 2


@pytest.mark.usefixtures("rules")
class TestReminders:
    """Workdays: March 2, 2026 is a Monday."""

    def run(self) -> None:
        for _turn in range(2):
            with transaction(SYSTEM) as session:
                follow_up(session)

    def test_authors_are_reminded_six_hours_before_their_time_is_over_once_for_each_return(
        self, sales: Actor, manager: Actor, administrator: Actor, set_clock: Callable[[datetime], None]
    ) -> None:
        begun = datetime(2026, 3, 2, 9, tzinfo=settings().timezone)
        set_clock(begun)
        entry = enter(sales)
        give_back(manager, entry)
        version = review_of(entry).version
        for hours, count in ((17.9, 0), (18, 1), (20, 1)):
            set_clock(begun + timedelta(hours=hours))
            self.run()
            assert notices_of(sales).count("review_due_soon") == count
        assert review_of(entry).version == version
        correct(sales, entry)
        give_back(manager, entry)
        set_clock(begun + timedelta(hours=40))
        self.run()
        assert notices_of(sales).count("review_due_soon") == 2

    def test_reviewers_are_reminded_of_what_waits_for_a_day_once_for_each_submission(
        self, sales: Actor, manager: Actor, set_clock: Callable[[datetime], None]
    ) -> None:
        friday = datetime(2026, 3, 6, 15, tzinfo=settings().timezone)
        set_clock(friday)
        entry, _other = enter(sales), enter(sales)
        for moment, count in ((friday + timedelta(days=1), 0), (friday + timedelta(days=2), 0), (friday + timedelta(days=3), 1)):
            set_clock(moment)
            self.run()
            assert notices_of(manager).count("reviews_waiting") == count
        with reading(SYSTEM) as session:
            assert session.execute(select(Notice.data).where(Notice.kind == "reviews_waiting")).scalar_one() == {"count": 2}
        give_back(manager, entry)
        correct(sales, entry)
        set_clock(friday + timedelta(days=5))
        self.run()
        assert notices_of(manager).count("reviews_waiting") == 2

    def test_what_was_decided_in_time_is_not_told(self, sales: Actor, manager: Actor, set_clock: Callable[[datetime], None]) -> None:
        begun = datetime(2026, 3, 2, 9, tzinfo=settings().timezone)
        set_clock(begun)
        approve(manager, enter(sales))
        set_clock(begun + timedelta(days=2))
        self.run()
        assert "reviews_waiting" not in notices_of(manager)


@pytest.mark.usefixtures("rules")
def test_of_two_reviewers_at_once_the_second_is_told_who_decided_and_how(sales: Actor, manager: Actor, administrator: Actor) -> None:
    for _turn in range(3):
        entry = enter(sales)
        version = version_of(entry)
        outcomes = at_once([partial(approve, manager, entry, version=version), partial(give_back, administrator, entry, version=version)])
        (conflict,) = [one for one in outcomes if isinstance(one, Conflict)]
        is_approved = review_of(entry).state == ReviewState.APPROVED
        assert (manager.name if is_approved else administrator.name) in str(conflict)
        assert ("名称请写全称" in str(conflict)) is not is_approved


@pytest.mark.usefixtures("rules")
class TestSight:
    def test_a_reviewer_sees_and_decides_what_they_were_asked_beyond_their_scope(self, stranger: Actor, manager: Actor) -> None:
        with transaction(SYSTEM) as session:
            review_rules.save_rule(session, SYSTEM, 0, Rule(by=By.PEOPLE, people=(manager.id or 0,)), version=1)
        entry = enter(stranger)
        with transaction(manager) as session:
            assert contacts.list_contacts(session, manager, entry.id) == []
            assert [row.code for row in review_list.list_reviews(session, manager, review_list.WAITING).rows] == [entry.code]
            assert review_list.get_review(session, manager, entry.code).contacts[0].phone == PHONE
        approve(manager, entry)
        with reading(manager) as session, pytest.raises(NotFound):
            customers.get_customer(session, manager, entry.code)

    def test_who_was_not_asked_finds_nothing(self, sales: Actor, colleague: Actor, stranger: Actor) -> None:
        entry = enter(sales)
        other = factories.make_user(role="manager", username="other")
        for actor in (colleague, stranger, other):
            with reading(actor) as session:
                assert sum(review_list.count_reviews(session, actor).values()) == 0
                with pytest.raises(NotFound):
                    review_list.get_review(session, actor, entry.code)
                with pytest.raises(NotFound):
                    review_list.duplicates_of(session, actor, entry.code)

    def test_sensitive_values_are_masked_by_role_in_the_entry_and_in_what_changed(self, sales: Actor, manager: Actor) -> None:
        entry = enter(sales, address="文三路八十八号三幢五楼")
        give_back(manager, entry)
        correct(sales, entry, address="文一路六十六号一幢二楼", contacts=[factories.contact_values(name="陈立群", phone="13900005678")])
        with transaction(SYSTEM) as session:
            role = session.get_one(User, manager.id).role_id
            session.execute(
                update(User.role.property.mapper.class_)
                .where(User.role.property.mapper.class_.id == role)
                .values(access={"phone": int(Access.MASKED), "email": int(Access.MASKED), "address": int(Access.HIDDEN)})
            )
        viewer = factories.actor_of(manager.id or 0)
        with reading(viewer) as session:
            file = review_list.get_review(session, viewer, entry.code)
            steps = str(file.steps)
        assert (file.contacts[0].phone, file.customer.address) == ("139****5678", None)
        assert not any(secret in steps for secret in (PHONE, "13900005678", "文三路", "文一路"))
        changed = {line.label: line for line in file.last_changes or () if line.is_changed}
        assert (changed[_("Street address")].old, changed[_("Street address")].new) == (_("hidden from your role"),) * 2

    def test_the_change_log_holds_no_sensitive_value(self, sales: Actor, manager: Actor) -> None:
        number = factories.random_identity_number()
        entry = enter(sales, kind="individual", identity_number=number, address="文三路八十八号三幢五楼")
        give_back(manager, entry)
        correct(sales, entry, identity_number=factories.random_identity_number(), address="文一路六十六号一幢二楼")
        with reading(SYSTEM) as session:
            lines = session.execute(select(ChangeLog).where(ChangeLog.customer_id == entry.id)).scalars().all()
        text = " ".join(f"{line.old} {line.new} {line.reason} {line.subject}" for line in lines)
        assert {"submitted", "returned", "resubmitted"} <= {line.action for line in lines}
        assert not any(secret in text for secret in (number, PHONE, "八十八号", "六十六号"))

    def test_a_reviewer_opens_the_files_of_the_entry(self, stranger: Actor, sales: Actor, administrator: Actor, manager: Actor) -> None:
        with transaction(SYSTEM) as session:
            review_rules.save_rule(session, SYSTEM, 0, Rule(by=By.PEOPLE, people=(manager.id or 0,)), version=1)
        entry = enter(stranger)
        draft_id = withdraw(stranger, entry)
        with transaction(stranger) as session:
            file = attachments.add_attachment(
                session, stranger, file=store_file(factories.PDF), type="attachment_type.other", draft_id=draft_id
            ).id
        correct(stranger, entry)
        with transaction(manager) as session:
            assert attachments.open_attachment(session, manager, file).content == factories.PDF
        with pytest.raises(NotFound), transaction(sales) as session:
            attachments.open_attachment(session, sales, file)

    def test_a_customer_that_went_to_somebody_else_is_no_longer_read_through_its_review(
        self, sales: Actor, manager: Actor, stranger: Actor
    ) -> None:
        entry = enter(sales)
        approve(manager, entry)
        with reading(sales) as session:
            assert review_list.get_review(session, sales, entry.code).contacts[0].phone == PHONE
        with transaction(SYSTEM) as session:
            session.get_one(Customer, entry.id).owner_id = stranger.id
        for actor in (sales, manager):
            with reading(actor) as session, pytest.raises(NotFound):
                review_list.get_review(session, actor, entry.code)
            with reading(actor) as session, pytest.raises(NotFound):
                review_list.duplicates_of(session, actor, entry.code)

    @pytest.mark.parametrize("place", [Place.BIN, Place.MERGED])
    def test_what_was_deleted_or_merged_is_not_read_through_its_review(self, sales: Actor, manager: Actor, place: Place) -> None:
        entry = enter(sales)
        approve(manager, entry)
        with transaction(SYSTEM) as session:
            session.get_one(Customer, entry.id).place = place
        with reading(sales) as session, pytest.raises(NotFound):
            review_list.get_review(session, sales, entry.code)
