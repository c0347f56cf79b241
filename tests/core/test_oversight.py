"""What heads look after: first follow-ups, next steps, long silence."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from crm_core import clock
from crm_core.db import reading, transaction
from crm_core.errors import NotAllowed, ValidationFailed
from crm_core.models import Customer
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import follow_up_rules, oversight
from crm_core.services.customer_list import CustomerQuery, list_customers
from crm_core.services.customers import get_customer
from crm_core.services.follow_up_rules import FollowUpPolicy
from crm_core.services.oversight import WATCHES, list_watched
from tests import factories
from tests.core.test_follow_ups import plan, write
from tests.core.test_task_work import finish, give

SHANGHAI = ZoneInfo("Asia/Shanghai")
SetClock = Callable[[datetime], None]


def put(customer: Customer, **values: object) -> None:
    with transaction(SYSTEM) as session:
        session.execute(update(Customer).where(Customer.id == customer.id).values(**values))


def watched(actor: Actor, watch: str, **over: int) -> list[int]:
    with reading(actor) as session:
        page = list_watched(session, actor, watch, **over)
    assert page.total == len(page.rows)
    return [row.id for row in page.rows]


def test_a_first_follow_up_that_was_not_made_in_time_is_listed(database: str, sales: Actor, manager: Actor, stranger: Actor) -> None:
    late, made, ahead = (factories.make_customer(sales) for _number in range(3))
    for one in (late, made):
        put(one, first_follow_up_on=clock.today() - timedelta(days=1))
    write(sales, made)
    assert [watched(actor, "first_follow_up") for actor in (sales, manager, stranger)] == [[late.id], [late.id], []]
    assert ahead.first_follow_up_on


def test_a_customer_without_plan_or_task_has_no_next_step(database: str, sales: Actor) -> None:
    bare, planned, tasked, churned = (
        factories.make_customer(sales, stage=stage) for stage in ("prospect", "prospect", "prospect", "churned")
    )
    write(sales, planned, plan(sales))
    task = give(sales, sales, tasked)
    assert watched(sales, "no_next_step") == [bare.id]
    with reading(sales) as session:
        assert [oversight.has_next_step(session, sales, one.id) for one in (bare, planned, tasked)] == [False, True, True]
        views = [get_customer(session, sales, one.code) for one in (bare, planned, tasked, churned)]
        assert [oversight.lacks_next_step(session, sales, one) for one in views] == [True, False, False, False]
        assert [row.id for row in list_customers(session, sales, CustomerQuery(unplanned=True)).rows] == [bare.id]
    finish(sales, task)
    assert watched(sales, "no_next_step") == [tasked.id, bare.id]
    with reading(sales) as session:  # the list has counted before and sees at once that the task is done
        found = list_customers(session, sales, CustomerQuery(unplanned=True))
    assert ([row.id for row in found.rows], found.total) == ([tasked.id, bare.id], 2)
    assert churned.id


def test_long_without_contact_is_what_the_policy_says(database: str, sales: Actor, administrator: Actor) -> None:
    spoken, silent, never, fresh = (factories.make_customer(sales) for _number in range(4))
    put(spoken, last_contact_at=clock.now() - timedelta(days=29))
    put(silent, last_contact_at=clock.now() - timedelta(days=31))
    put(never, created_at=clock.now() - timedelta(days=40))
    assert watched(sales, "quiet") == [never.id, silent.id]
    with transaction(administrator) as session:
        follow_up_rules.save_follow_up_policy(session, administrator, FollowUpPolicy(quiet_days=20), version=0)
    assert watched(sales, "quiet") == [never.id, silent.id, spoken.id]
    assert watched(sales, "quiet", owner_id=administrator.id or 0) == []
    assert fresh.id


def test_a_policy_is_kept_within_its_limits(database: str, administrator: Actor, sales: Actor) -> None:
    for actor, policy, error in (
        (administrator, FollowUpPolicy(late_hours=0, quiet_days=0), ValidationFailed),
        (sales, FollowUpPolicy(), NotAllowed),
    ):
        with pytest.raises(error), transaction(actor) as session:
            follow_up_rules.save_follow_up_policy(session, actor, policy, version=0)


def test_the_rate_counts_working_days_where_the_team_works(
    database: str, manager: Actor, sales: Actor, colleague: Actor, set_clock: SetClock
) -> None:
    # Entered on the Wednesday before the national holiday: due three working days later.
    entered = datetime(2026, 9, 30, 10, tzinfo=SHANGHAI)
    set_clock(entered)
    in_time, late, missing, ahead = (factories.make_customer(sales) for _number in range(4))
    theirs = factories.make_customer(colleague)
    due = in_time.first_follow_up_on
    assert due is not None
    assert due > date(2026, 10, 8)
    put(ahead, first_follow_up_on=due + timedelta(days=60))
    for customer, actor, moment in (
        (in_time, sales, datetime.combine(due, datetime.min.time(), SHANGHAI) + timedelta(hours=23, minutes=59)),
        (late, sales, datetime.combine(due, datetime.min.time(), SHANGHAI) + timedelta(hours=24)),
        (theirs, colleague, entered),
    ):
        set_clock(moment)
        write(actor, customer, happened_at=moment)
    set_clock(datetime.combine(due + timedelta(days=5), entered.timetz()))
    with reading(manager) as session:
        rates = oversight.first_follow_up_rates(session, manager, due - timedelta(days=30), due + timedelta(days=90))
    assert [(one.name, one.due, one.in_time, one.late, one.missing, one.percent) for one in rates] == [
        (sales.name, 3, 1, 1, 1, 33),
        (colleague.name, 1, 1, 0, 0, 100),
    ]
    assert missing.id
    with reading(sales) as session, pytest.raises(NotAllowed):
        oversight.first_follow_up_rates(session, sales, due, due)


def test_heads_see_how_many_each_person_has_in_every_list(
    database: str, sales: Actor, colleague: Actor, stranger: Actor, manager: Actor
) -> None:
    for actor, count in ((sales, 1), (colleague, 2), (stranger, 1)):
        for _number in range(count):
            put(factories.make_customer(actor), first_follow_up_on=clock.today() - timedelta(days=1))
    with reading(manager) as session:
        tallies = oversight.count_by_owner(session, manager)
    expected = [
        (actor.name, {"first_follow_up": count, "no_next_step": count, "quiet": 0}) for actor, count in ((colleague, 2), (sales, 1))
    ]
    assert [(one.name, one.counts) for one in tallies] == expected
    with reading(sales) as session, pytest.raises(NotAllowed):
        oversight.count_by_owner(session, sales)


@pytest.mark.parametrize("watch", WATCHES)
def test_a_list_is_paged(database: str, sales: Actor, watch: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oversight.WatchedPage, "size", 2)
    for _number in range(3):
        long_ago = clock.now() - timedelta(days=90)
        put(factories.make_customer(sales), created_at=long_ago, first_follow_up_on=clock.day_of(long_ago))
    with reading(sales) as session:
        first, second = (list_watched(session, sales, watch, page=number) for number in (1, 2))
    assert (len(first.rows), len(second.rows), first.total) == (2, 1, 3)
    assert all(row.quiet_days == 90 for row in first.rows)
