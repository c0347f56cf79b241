"""Reminders of tickets: to whom, once, and only while the team has to act."""

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event, insert, select, update

from crm_core.db import engine, reading, transaction
from crm_core.models import Customer, Notice, Team, Ticket, TicketMove
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import ticket_work
from crm_core.services.archive import archive_customer
from crm_core.services.ticket_reminders import tell_tickets
from tests import factories

MONDAY = datetime(2026, 3, 2, 9, tzinfo=ZoneInfo("Asia/Shanghai"))
SetClock = Callable[[datetime], None]


@pytest.fixture
def clerk(database: str, administrator: Actor) -> Actor:
    return factories.make_user(role="service", username="clerk", name="客服己")


@pytest.fixture
def customer(sales: Actor, manager: Actor, teams: dict[str, int]) -> Customer:
    """A customer of the salesperson, whose team has no head; the manager heads the one above."""
    with transaction(SYSTEM) as session:
        session.execute(update(Team).where(Team.id == teams["east"]).values(head_id=manager.id))
    return factories.make_customer(sales)


def run() -> None:
    for _twice in range(2):
        with transaction(SYSTEM) as session:
            tell_tickets(session)


def told(actor: Actor) -> list[str]:
    with reading(actor) as session:
        kinds = select(Notice.kind).where(Notice.user_id == actor.id, Notice.kind.startswith("ticket_")).order_by(Notice.id)
        return list(session.execute(kinds).scalars())


def test_the_handler_is_told_before_and_after_it_is_due_and_of_a_complaint_the_owner_and_their_head(
    clerk: Actor, sales: Actor, manager: Actor, customer: Customer, set_clock: SetClock
) -> None:
    set_clock(MONDAY)
    ticket = factories.make_ticket(clerk, customer, priority="urgent", handler_id=clerk.id)
    soon, late = ["ticket_due_soon"], ["ticket_due_soon", "ticket_overdue"]
    for hours, expected in ((1, []), (2, soon), (3, soon), (5, late), (9, late)):
        set_clock(MONDAY + timedelta(hours=hours))
        run()
        assert told(clerk) == expected
    assert told(sales) == told(manager) == ["ticket_overdue"]
    with reading(SYSTEM) as session:
        assert session.get_one(Ticket, ticket.id).version == ticket.version


def test_of_an_inquiry_only_the_handler_is_told_and_of_one_that_nobody_has_the_owner(
    clerk: Actor, sales: Actor, customer: Customer, set_clock: SetClock
) -> None:
    set_clock(MONDAY)
    factories.make_ticket(clerk, customer, type="inquiry", priority="urgent", handler_id=clerk.id)
    set_clock(MONDAY + timedelta(hours=5))
    run()
    assert (told(clerk), told(sales)) == (["ticket_overdue"], [])
    set_clock(MONDAY)
    factories.make_ticket(clerk, customer, type="inquiry", priority="urgent")
    set_clock(MONDAY + timedelta(hours=6))
    run()
    assert told(sales) == ["ticket_overdue"]


@pytest.mark.parametrize("rest", ["waiting", "resolved", "archived"])
def test_what_waits_is_resolved_or_rests_with_its_customer_is_not_told(
    clerk: Actor, manager: Actor, customer: Customer, set_clock: SetClock, rest: str
) -> None:
    set_clock(MONDAY)
    ticket = factories.make_ticket(clerk, customer, priority="urgent", handler_id=clerk.id)
    with transaction(manager) as session:
        if rest == "archived":
            archive_customer(session, manager, customer.id, reason="暂停合作")
        else:
            moves = [TicketMove.BEGIN, TicketMove.WAIT] if rest == "waiting" else [TicketMove.RESOLVE]
            for place, what in enumerate(moves):
                ticket_work.move_ticket(session, manager, ticket.id, what, content="说明", version=ticket.version + place)
                session.flush()
    set_clock(MONDAY + timedelta(days=3))
    run()
    assert told(clerk) == told(manager) == []


def test_fifty_overdue_tickets_ask_the_database_no_more_often_than_one(
    clerk: Actor, sales: Actor, manager: Actor, customer: Customer, set_clock: SetClock
) -> None:
    set_clock(MONDAY)
    first = factories.make_ticket(clerk, customer, priority="urgent", handler_id=clerk.id)
    set_clock(MONDAY + timedelta(hours=9))
    asked = count_statements(run)
    with transaction(SYSTEM) as session:
        row = dict(session.execute(select(Ticket.__table__).where(Ticket.__table__.c.id == first.id)).mappings().one())
        copies = [{**row, "id": first.id + place, "code": f"T-{place}", "overdue_told_at": None} for place in range(1, 51)]
        session.execute(insert(Ticket.__table__), copies)
    assert count_statements(run) == asked
    assert [len(told(one)) for one in (clerk, sales, manager)] == [51, 51, 51]


def count_statements(act: Callable[[], None]) -> int:
    statements: list[str] = []

    def note(*arguments: object) -> None:
        statements.append(str(arguments[2]))

    event.listen(engine(), "before_cursor_execute", note)
    act()
    event.remove(engine(), "before_cursor_execute", note)
    return len(statements)
