"""What tickets come to for the customer: the same figures kept as counted, after anything that can be done; and the check of it."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update
from typer.testing import CliRunner

from crm_core import cli, clock
from crm_core.db import reading, transaction
from crm_core.errors import CrmError
from crm_core.models import Customer, Ticket, TicketMove
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import merges, ticket_work, tickets
from crm_core.services.customer_list import CustomerQuery, list_customers
from crm_core.services.library import get_library
from crm_core.services.list_columns import offered_columns
from crm_core.services.service_figures import FIGURES, find_wrong
from tests import factories


@pytest.fixture
def clerk(database: str, administrator: Actor) -> Actor:
    return factories.make_user(role="service", username="clerk", name="客服己")


def now(customer: Customer) -> Customer:
    with reading(SYSTEM) as session:
        return session.get_one(Customer, customer.id)


def resolve(actor: Actor, ticket: Ticket, score: int | None = None) -> None:
    with transaction(actor) as session:
        done = ticket_work.move_ticket(session, actor, ticket.id, TicketMove.RESOLVE, content="已处理", version=ticket.version)
        session.flush()
        if score:
            ticket_work.rate_ticket(session, actor, ticket.id, score, version=done.version)


def test_complaints_latest_service_and_satisfaction_follow_the_tickets(clerk: Actor, sales: Actor) -> None:
    customer = factories.make_customer(sales)
    assert (now(customer).complaints, now(customer).last_service_at, now(customer).satisfaction) == (0, None, None)
    for kind, score in (("complaint", 2), ("inquiry", 5), ("complaint", None)):
        ticket = factories.make_ticket(clerk, customer, type=kind, handler_id=clerk.id)
        resolve(clerk, ticket, score)
    found = now(customer)
    assert (found.complaints, found.satisfaction) == (2, 3.5)
    assert found.last_service_at is not None
    assert found.version == customer.version  # no form of the customer that is open elsewhere is disturbed


def test_the_list_filters_and_shows_them_to_those_who_read_tickets(clerk: Actor, sales: Actor) -> None:
    annoyed, pleased, quiet = (factories.make_customer(sales) for _one in range(3))
    resolve(clerk, factories.make_ticket(clerk, annoyed, handler_id=clerk.id), 1)
    resolve(clerk, factories.make_ticket(clerk, pleased, type="inquiry", handler_id=clerk.id), 5)
    wanted = {
        CustomerQuery(complaints=1): {annoyed.id},
        CustomerQuery(complaints=0): {annoyed.id, pleased.id, quiet.id},
        CustomerQuery(satisfaction=4.5): {annoyed.id},
        CustomerQuery(satisfaction=5): {annoyed.id, pleased.id},
        CustomerQuery(served_from=clock.today()): {annoyed.id, pleased.id},
        CustomerQuery(served_from=clock.today() + timedelta(days=1)): set(),
    }
    with reading(sales) as session:
        offered = offered_columns(get_library(session), sales)
        chosen = [offered[name] for name in ("complaints", "last_service", "satisfaction")]
        for query, expected in wanted.items():
            assert {row.id for row in list_customers(session, sales, query).rows} == expected, query
        (row,) = list_customers(session, sales, CustomerQuery(complaints=1, sort="complaints"), chosen).rows
        assert (row.complaints, float(row.satisfaction), row.last_service_at is not None) == (1, 1.0, True)
    marketing = factories.make_user(role="marketing")
    with reading(marketing) as session:
        assert not {"complaints", "last_service", "satisfaction"} & offered_columns(get_library(session), marketing).keys()


def test_a_merge_and_its_undo_keep_them_right(clerk: Actor, administrator: Actor, sales: Actor) -> None:
    kept, merged = (factories.make_customer(sales) for _one in range(2))
    for customer, score in ((kept, 5), (merged, 2), (merged, 2)):
        resolve(clerk, factories.make_ticket(clerk, customer, handler_id=clerk.id), score)
    with transaction(administrator) as session:
        versions = (now(kept).version, now(merged).version)
        made = merges.merge_customers(session, administrator, kept.id, merged.id, {}, versions=versions)
    assert (now(kept).complaints, now(kept).satisfaction, now(merged).complaints, wrong()) == (3, 3.0, 0, [])
    with transaction(administrator) as session:
        merges.undo_merge(session, administrator, made.id)
    assert (now(kept).complaints, now(kept).satisfaction, now(merged).complaints, now(merged).satisfaction) == (1, 5.0, 2, 2.0)
    assert wrong() == []


def wrong() -> list[str]:
    with reading(SYSTEM) as session:
        return [one.code for one in find_wrong(session)]


def test_taking_a_ticket_is_service_too(clerk: Actor, sales: Actor, set_clock: Callable[[datetime], None]) -> None:
    customer = factories.make_customer(sales)
    ticket = factories.make_ticket(clerk, customer)
    set_clock(clock.now() + timedelta(hours=3))
    with transaction(clerk) as session:
        tickets.take_ticket(session, clerk, ticket.id, version=ticket.version)
    assert now(customer).last_service_at == clock.now()
    assert wrong() == []


@pytest.mark.parametrize("seed", range(3))
def test_after_any_sequence_of_actions_they_equal_what_the_tickets_say(clerk: Actor, administrator: Actor, sales: Actor, seed: int) -> None:
    chance = random.Random(seed)
    people = [factories.make_customer(sales) for _one in range(3)]
    made: list[Ticket] = []
    merge = None
    for _turn in range(40):
        act = chance.choice(("enter", "answer", "move", "rate", "edit", "merge", "close"))
        try:
            with transaction(administrator) as session:
                ticket = session.get_one(Ticket, chance.choice(made).id) if made else None
                if act == "enter" or ticket is None:
                    values = factories.ticket_values(type=chance.choice(("complaint", "inquiry", "request")))
                    who = {"handler_id": administrator.id}
                    made.append(tickets.create_ticket(session, administrator, chance.choice(people).id, values, **who))
                elif act == "answer":
                    ticket_work.answer_ticket(session, administrator, ticket.id, "在处理", version=ticket.version)
                elif act == "move":
                    what = chance.choice(list(TicketMove))
                    ticket_work.move_ticket(session, administrator, ticket.id, what, content="说明", version=ticket.version)
                elif act == "rate":
                    ticket_work.rate_ticket(session, administrator, ticket.id, chance.randint(1, 5), version=ticket.version)
                elif act == "edit":
                    values = factories.ticket_values(
                        type=chance.choice(("complaint", "inquiry")), priority=chance.choice(("urgent", "low"))
                    )
                    tickets.edit_ticket(session, administrator, ticket.id, values, contact_id=None, version=ticket.version)
                elif act == "close":
                    ticket_work.close_resolved(session)
                elif merge is None:
                    versions = (session.get_one(Customer, people[0].id).version, session.get_one(Customer, people[1].id).version)
                    merge = merges.merge_customers(session, administrator, people[0].id, people[1].id, {}, versions=versions)
                else:
                    merges.undo_merge(session, administrator, merge.id)
                    merge = None
        except CrmError:
            pass  # a random action may be refused; nothing of it stays
        assert wrong() == [], act
    assert len(made) > 1


def test_the_check_finds_what_was_written_past_the_services(clerk: Actor, sales: Actor) -> None:
    customer = factories.make_customer(sales)
    factories.make_ticket(clerk, customer)
    assert CliRunner().invoke(cli.app, ["check", "service"]).exit_code == 0
    for name in FIGURES:
        value = None if name == "last_service_at" else 7
        with transaction(SYSTEM) as session:
            session.execute(update(Customer).values({name: value}))
        found = CliRunner().invoke(cli.app, ["check", "service"])
        assert (found.exit_code, customer.code in found.output) == (1, True)
        with transaction(clerk) as session:
            ticket = session.execute(select(Ticket)).scalar_one()
            if ticket.handler_id is None:
                tickets.take_ticket(session, clerk, ticket.id, version=ticket.version)
                session.flush()
            ticket_work.answer_ticket(session, clerk, ticket.id, "在处理", version=ticket.version)
        assert wrong() == []
