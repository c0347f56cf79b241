"""The start page: what waits for one person, nobody else's, and what they did this month."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from crm_core import clock
from crm_core.db import reading, transaction
from crm_core.errors import NotAllowed
from crm_core.models import Contract, Customer, Place, Ticket, TicketMove
from crm_core.permissions import Actor
from crm_core.services import customers, follow_ups, reviews, tasks, workbench
from crm_core.services.follow_ups import Entry, Plan
from crm_core.services.notices import mark_read, notify
from crm_core.services.review_steps import begin_review
from crm_core.services.ticket_work import move_ticket
from crm_core.services.verification import finish_task
from crm_core.services.workbench import Figures, Workbench
from tests import factories

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 6, 10, 12, tzinfo=SHANGHAI)
SetClock = Callable[[datetime], None]

pytestmark = pytest.mark.usefixtures("noon")


@pytest.fixture
def noon(set_clock: SetClock) -> None:
    set_clock(NOON)


def bench(actor: Actor) -> Workbench:
    with reading(actor) as session:
        return workbench.read_workbench(session, actor)


def give(actor: Actor, **values: Any) -> None:
    with transaction(actor) as session:
        tasks.create_task(session, actor, **{"assignee_id": actor.id, "due_on": clock.today()} | values)


def sign(owner: Actor, customer: Customer, **values: Any) -> None:
    with transaction(owner) as session:
        basic = {"customer_id": customer.id, "number": f"HT{factories.unique_number()}", "product": "年度维护", "owner_id": owner.id}
        session.add(Contract(**basic | {"amount": Decimal(120000), "signed_on": clock.today()} | values))


def test_without_anything_the_bench_is_clear(database: str, sales: Actor, colleague: Actor) -> None:
    factories.make_customer(colleague)
    give(colleague, name="别人的任务")
    assert bench(sales).is_clear
    assert bench(sales).is_new
    assert bench(sales).figures == Figures(0, 0, 0, None, 0, Decimal(0))


def test_a_head_sees_what_waits_in_the_team_and_nobody_else_does(
    database: str, manager: Actor, sales: Actor, stranger: Actor, set_clock: SetClock
) -> None:
    set_clock(NOON - timedelta(days=20))
    customers_of = [factories.make_customer(one) for one in (sales, sales, stranger)]
    for one in (sales, manager, stranger):
        give(one, name="逾期的")
    set_clock(NOON)
    give(sales, name="今天的", customer_id=customers_of[0].id)
    team = bench(manager).team
    assert team == workbench.TeamFigures(overdue=1, watched={"first_follow_up": 2, "no_next_step": 1, "quiet": 0})
    assert bench(sales).team is None


def test_unread_notices_are_counted_beyond_those_that_are_shown(database: str, sales: Actor) -> None:
    with transaction(sales) as session:
        for number in range(13):
            notify(session, [sales.id or 0], "mentioned", {"actor": "x", "customer": "y", "text": str(number)})
    assert bench(sales).unread == 13


def test_overdue_and_todays_tasks_stand_in_order_and_later_ones_wait(database: str, sales: Actor, set_clock: SetClock) -> None:
    for name, days in (("后天的", 2), ("今天的", 0)):
        give(sales, name=name, due_on=clock.today() + timedelta(days=days))
    set_clock(NOON - timedelta(days=3))
    give(sales, name="逾期的")
    set_clock(NOON)
    assert [task.name for task in bench(sales).duties.rows] == ["逾期的", "今天的"]


def test_a_new_customer_waits_for_its_first_follow_up_and_then_for_a_next_step(database: str, sales: Actor) -> None:
    customer = factories.make_customer(sales)
    before = bench(sales)
    assert [row.first_follow_up_on for row in before.awaited.rows] == [date(2026, 6, 15)]
    assert [row.id for row in before.without_step.rows] == [customer.id]
    plan = Plan(NOON + timedelta(days=7), "报价", sales.id or 0)
    with transaction(sales) as session:
        follow_ups.write_follow_up(session, sales, customer.id, Entry(NOON, "phone", "初次沟通", "有意向"), plan)
    after = bench(sales)
    assert (after.awaited.rows, after.without_step.rows, after.figures.followed_up) == ([], [], 1)


def test_entries_to_review_wait_for_who_decides_and_returned_ones_for_their_author(database: str, manager: Actor, sales: Actor) -> None:
    customer = factories.make_customer(sales)
    with transaction(sales) as session:
        review = begin_review(session, sales, session.get_one(Customer, customer.id), [manager.id or 0])
        customers.put(session.get_one(Customer, customer.id), Place.REVIEW)
    waiting = bench(manager).waiting
    assert waiting is not None
    assert [row.code for row in waiting.rows] == [customer.code]
    assert bench(sales).waiting is None
    with transaction(manager) as session:
        reviews.return_entry(session, manager, review.id, reason="请补充地址", version=review.version)
    assert [row.code for row in bench(sales).returned] == [customer.code]
    assert bench(manager).returned == []


def test_contracts_that_end_within_two_months_are_shown_to_the_owner_of_the_customer(database: str, sales: Actor, colleague: Actor) -> None:
    customer = factories.make_customer(sales, stage="customer")
    for days in (-1, 0, 60, 61):
        sign(sales, customer, ends_on=clock.today() + timedelta(days=days))
    assert [(one.ends_on - clock.today()).days for one in bench(sales).contracts.ending if one.ends_on] == [0, 60]
    assert bench(colleague).contracts.ending == []


def test_notices_are_news_until_they_are_read(database: str, sales: Actor) -> None:
    with transaction(sales) as session:
        notify(session, [sales.id or 0], "tasks_passed_on", {"actor": "主管", "count": 3}, path="/tasks")
    (news,) = bench(sales).news
    with transaction(sales) as session:
        mark_read(session, sales, news.id)
    assert bench(sales).news == []


def test_the_figures_count_ones_own_month(database: str, sales: Actor, colleague: Actor, set_clock: SetClock) -> None:
    set_clock(datetime(2026, 5, 31, 23, 59, tzinfo=SHANGHAI))
    old = factories.make_customer(sales, stage="customer")
    give(sales, name="上月的")
    sign(sales, old)
    set_clock(datetime(2026, 6, 1, 0, 1, tzinfo=SHANGHAI))
    factories.make_customer(sales)
    factories.make_customer(colleague)
    sign(sales, old, amount=Decimal("1234.56"))
    sign(colleague, old)
    give(sales, name="本月的")
    for task in bench(sales).duties.rows:
        with transaction(sales) as session:
            finish_task(session, sales, task.id, note="好", version=task.version)
    assert bench(sales).figures == Figures(entered=1, followed_up=0, tasks_done=2, tickets=None, contracts=1, signed=Decimal("1234.56"))


def test_figures_are_of_what_the_role_does(database: str, administrator: Actor, sales: Actor) -> None:
    clerk = factories.make_user(role="service", username="clerk", name="客服己")
    customer = factories.make_customer(sales)
    ticket, _open = (factories.make_ticket(clerk, customer, handler_id=clerk.id) for _turn in range(2))
    with transaction(clerk) as session:
        move_ticket(session, clerk, ticket.id, TicketMove.BEGIN, version=ticket.version)
        move_ticket(session, clerk, ticket.id, TicketMove.RESOLVE, content="已更换", version=session.get_one(Ticket, ticket.id).version)
    assert bench(clerk).figures == Figures(None, None, 0, 1, None, None)
    viewer = factories.make_user(role="viewer", username="viewer", name="只读辛")
    assert bench(viewer).figures == Figures(None, None, 0, None, None, None)


def test_somebody_who_reads_no_customers_has_no_bench(database: str, sales: Actor) -> None:
    with pytest.raises(NotAllowed):
        bench(replace(sales, permissions=frozenset()))


def test_own_open_tickets_are_shown_what_is_overdue_first_and_counted(database: str, sales: Actor, set_clock: SetClock) -> None:
    clerk, other = (factories.make_user(role="service") for _person in range(2))
    customer = factories.make_customer(sales)
    later = [factories.make_ticket(clerk, customer, handler_id=clerk.id) for _ticket in range(workbench.SHOWN)]
    urgent = factories.make_ticket(clerk, customer, handler_id=clerk.id, priority="urgent")
    factories.make_ticket(other, customer, handler_id=other.id)
    set_clock(NOON + timedelta(hours=5))
    page = bench(clerk).tickets
    assert page
    assert ([row.id for row in page.rows], page.total) == (
        [urgent.id, *(one.id for one in later[:-1])],
        workbench.SHOWN + 1,
    )
    assert page.rows[0].is_overdue
    assert bench(sales).tickets is None
