"""Recycling: what is due and when, what counts as contact, the notice before, and the job that may run twice."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select

from crm_core import clock
from crm_core.db import reading, transaction
from crm_core.models import Customer, Notice, OwnerChange, Place
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import customer_list, customers, jobs, recycling
from crm_core.services.customer_list import CustomerQuery
from tests import factories
from tests.core.test_pool import NOON, set_rules
from tests.core.test_transfers import make_task, owner_of, put, read

Clock = Callable[[datetime], None]
DAYS = {"prospect": {"A": 60, "": 30}, "customer": {"C": 100}}


@pytest.fixture
def rules(any_database: str, set_clock: Clock) -> None:
    """Prospects are recycled after 30 days, those of tier A after 60, won customers after 100; a week's notice; on since long ago."""
    set_clock(NOON - timedelta(days=1000))
    set_rules(recycles=True, contact_days=DAYS, contract_days={}, notice_days=7, excluded_stages=("partner",))
    set_clock(NOON)


def run() -> None:
    with transaction(SYSTEM) as session:
        recycling.recycle(session)


def make(owner: Actor, set_clock: Clock, *, days_ago: int, **values: Any) -> Customer:
    """A customer that its owner has had for so many days."""
    set_clock(NOON - timedelta(days=days_ago))
    made = factories.make_customer(owner, **values)
    set_clock(NOON)
    return made


def day(number: int) -> date:
    return (NOON + timedelta(days=number)).date()


def is_due(customer: Customer, by: date) -> bool:
    with reading(SYSTEM) as session:
        found = session.execute(select(Customer.id).where(recycling.due_by(session, by))).scalars().all()
    return customer.id in found


def deadline(customer: Customer) -> date | None:
    with reading(SYSTEM) as session:
        return recycling.deadline_of(session, customers.get_customer(session, SYSTEM, customer.code))


CONTACTS: dict[str, Callable[[Customer, Actor, int], Any]] = {
    "follow-up": lambda made, owner, ago: put(made, last_contact_at=NOON - timedelta(days=ago)),
    "cooperation": lambda made, owner, ago: put(made, last_cooperated_on=day(-ago)),
    "check": lambda made, owner, ago: put(made, verified_on=day(-ago)),
    "new owner": lambda made, owner, ago: put(made, owned_since=NOON - timedelta(days=ago)),
}


class TestWhatIsDue:
    @pytest.mark.parametrize(
        ("values", "after"),
        [
            ({}, 30),
            ({"tier": "A"}, 60),
            ({"tier": "B"}, None),
            ({"stage": "qualified"}, None),
            ({"stage": "partner"}, None),
            ({"stage": "customer"}, 100),  # of tier C by its amount of long ago
        ],
    )
    def test_follows_type_and_tier(
        self, database: str, rules: None, sales: Actor, set_clock: Clock, values: dict[str, Any], after: int | None
    ) -> None:
        made = make(sales, set_clock, days_ago=10, **values)
        expected = None if after is None else day(after - 10)
        assert deadline(made) == expected
        assert not is_due(made, day(6))
        if expected:
            assert not is_due(made, expected - timedelta(days=1))
            assert is_due(made, expected)
        else:
            assert not is_due(made, day(3000))

    @pytest.mark.parametrize("kind", CONTACTS)
    def test_any_contact_moves_the_day(self, database: str, rules: None, sales: Actor, set_clock: Clock, kind: str) -> None:
        made = make(sales, set_clock, days_ago=25)
        CONTACTS[kind](made, sales, 4)
        assert deadline(made) == day(26)
        assert not is_due(made, day(25))
        assert is_due(made, day(26))

    def test_a_task_that_was_done_counts_and_one_that_is_open_does_not(
        self, database: str, rules: None, sales: Actor, set_clock: Clock
    ) -> None:
        done, left = make(sales, set_clock, days_ago=20), make(sales, set_clock, days_ago=20)
        make_task(done, sales, is_done=True), make_task(left, sales)
        assert (deadline(done), deadline(left)) == (day(30), day(10))
        assert (is_due(done, day(10)), is_due(left, day(10))) == (False, True)

    def test_days_without_cooperation_count_however_often_there_was_contact(
        self, database: str, rules: None, sales: Actor, set_clock: Clock
    ) -> None:
        set_rules(contract_days={"prospect": 40})
        made = make(sales, set_clock, days_ago=20)
        put(made, last_contact_at=NOON)
        assert deadline(made) == day(20)
        assert (is_due(made, day(19)), is_due(made, day(20))) == (False, True)

    @pytest.mark.parametrize(
        "values", [{"is_on_hold": True}, {"place": Place.ARCHIVE}, {"place": Place.REVIEW}, {"place": Place.BIN}, {"owner_id": None}]
    )
    def test_some_customers_are_never_recycled(
        self, database: str, rules: None, sales: Actor, set_clock: Clock, values: dict[str, Any]
    ) -> None:
        made = make(sales, set_clock, days_ago=500)
        put(made, **values)
        assert not is_due(made, day(3000))
        for number in (0, 7, 14):
            set_clock(NOON + timedelta(days=number))
            run()
        assert read(OwnerChange, OwnerChange.cause == "recycle") == []

    @pytest.mark.parametrize("over", [{"is_on": False}, {"recycles": False}, {"excluded_tiers": ("",)}, {"excluded_stages": ("prospect",)}])
    def test_nothing_is_due_where_it_is_switched_off_or_excluded(
        self, any_database: str, rules: None, sales: Actor, set_clock: Clock, over: dict[str, Any]
    ) -> None:
        made = make(sales, set_clock, days_ago=500)
        set_rules(**over)
        assert (deadline(made), is_due(made, day(3000))) == (None, False)

    def test_no_time_before_recycling_was_switched_on_counts(self, database: str, sales: Actor, set_clock: Clock) -> None:
        made = make(sales, set_clock, days_ago=500)
        set_rules(recycles=True, contact_days=DAYS, notice_days=7)
        assert deadline(made) == day(30)
        assert (is_due(made, day(29)), is_due(made, day(30))) == (False, True)
        run()
        assert read(Notice) == []


class TestTheJob:
    def test_warns_once_and_takes_back_when_the_notice_has_run_out(
        self, database: str, rules: None, sales: Actor, colleague: Actor, set_clock: Clock
    ) -> None:
        first, second = make(sales, set_clock, days_ago=23), make(sales, set_clock, days_ago=24)
        later, others = make(sales, set_clock, days_ago=10), make(colleague, set_clock, days_ago=25)
        for _again in range(2):
            run()
        told = {one.user_id: one.data for one in read(Notice)}
        assert told == {sales.id: {"count": 2, "days": 7}, colleague.id: {"count": 1, "days": 7}}
        assert read(Notice)[0].path == f"/customers?recycled=1&owner={read(Notice)[0].user_id}"
        assert [deadline(one) for one in (first, second, later)] == [day(7), day(7), day(20)]
        set_clock(NOON + timedelta(days=6))
        run()
        assert [owner_of(one) for one in (first, second, others)] == [sales.id, sales.id, colleague.id]
        set_clock(NOON + timedelta(days=7))
        for _again in range(2):
            run()
        assert [owner_of(one) for one in (first, second, later, others)] == [None, None, sales.id, None]
        changes = read(OwnerChange, OwnerChange.cause == "recycle")
        assert [(one.customer_id, one.from_owner_id, one.actor_id) for one in changes] == [
            (first.id, sales.id, None),
            (second.id, sales.id, None),
            (others.id, colleague.id, None),
        ]
        lost = [(one.user_id, one.data["count"]) for one in read(Notice, Notice.kind == "pool_recycled")]
        assert sorted(lost) == sorted([(sales.id, 2), (colleague.id, 1)])
        lines = factories.log_of("customer", first.id, field="owner_id")
        assert [(line.old, line.new, line.actor_name) for line in lines] == [(str(sales.id), None, "system")]
        assert {one.updated_at == one.created_at for one in read(Customer, Customer.id == later.id)} == {True}

    def test_contact_after_the_notice_keeps_the_customer_and_the_next_deadline_is_warned_of_anew(
        self, database: str, rules: None, sales: Actor, set_clock: Clock
    ) -> None:
        made = make(sales, set_clock, days_ago=25)
        run()
        set_clock(NOON + timedelta(days=3))
        put(made, last_contact_at=clock.now())
        run()
        set_clock(NOON + timedelta(days=10))
        run()
        assert owner_of(made) == sales.id
        assert len(read(Notice)) == 1
        set_clock(NOON + timedelta(days=27))
        run()
        assert [one.kind for one in read(Notice)] == ["pool_soon", "pool_soon"]

    def test_shortened_days_never_take_a_customer_without_notice(self, database: str, rules: None, sales: Actor, set_clock: Clock) -> None:
        made = make(sales, set_clock, days_ago=20)
        set_rules(contact_days={"prospect": {"": 5}})
        run()
        assert (owner_of(made), deadline(made)) == (sales.id, day(7))
        set_clock(NOON + timedelta(days=7))
        run()
        assert owner_of(made) is None

    def test_without_a_time_of_notice_it_takes_back_at_once(self, any_database: str, rules: None, sales: Actor, set_clock: Clock) -> None:
        made = make(sales, set_clock, days_ago=30)
        set_rules(notice_days=0)
        run()
        assert owner_of(made) is None

    def test_the_list_of_what_goes_soon_is_the_one_that_the_notice_opens(
        self, database: str, rules: None, sales: Actor, set_clock: Clock
    ) -> None:
        soon = make(sales, set_clock, days_ago=26)
        make(sales, set_clock, days_ago=5)
        query = CustomerQuery(recycled_by=day(7))
        for _round in range(2):
            with reading(sales) as session:
                assert [row.id for row in customer_list.list_customers(session, sales, query).rows] == [soon.id]
            run()

    def test_it_is_one_of_the_jobs(self, any_database: str, rules: None, sales: Actor, set_clock: Clock) -> None:
        made = make(sales, set_clock, days_ago=40)
        set_rules(notice_days=0)
        jobs.run_due()
        assert owner_of(made) is None

    def test_thousands_go_in_batches(self, database: str, rules: None, sales: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(recycling, "BATCH", 100)
        set_rules(notice_days=0)
        old = datetime(2024, 1, 1, tzinfo=UTC)
        values = {"kind": "enterprise", "stage": "prospect", "owner_id": sales.id, "owned_since": old, "created_at": old}
        with transaction(SYSTEM) as session:
            rows = [{**values, "name": f"批量{n}", "name_key": f"批量{n}", "code": f"X{n}"} for n in range(450)]
            session.execute(insert(Customer), rows)
        run()
        assert len(read(Customer, Customer.pooled_at.is_not(None))) == 450
        assert [one.data["count"] for one in read(Notice)] == [450]
