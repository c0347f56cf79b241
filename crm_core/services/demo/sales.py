"""Demo content of sales: a catalogue with earlier prices, and opportunities in every stage, dated around today."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.models import Contact, Customer, Opportunity, OpportunityMove, OpportunityStage, Outcome, Product, User
from crm_core.permissions import SYSTEM, Actor, Permission
from crm_core.services import decision_chain, opportunities, opportunity_moves, opportunity_stages, products
from crm_core.services.actors import acting_as, list_actors
from crm_core.services.demo.rows import Row, read_rows
from crm_core.services.opportunities import Line

TURNS = 4
"""So many customers get each of the opportunities."""
_PARTS = ("decision_maker", "buyer", "influencer")
_ATTITUDES = ("supportive", "neutral", "unknown", "opposed")
_ALL_LOST = ("loss_reason.price", "loss_reason.competitor", "loss_reason.own_change", "loss_reason.service")


@dataclass(frozen=True)
class _Field:
    """What the rows refer to."""

    products: dict[str, Product]
    stages: Sequence[OpportunityStage]
    owners: dict[int, Actor]


def fill_sales(session: CrmSession) -> None:
    """Fill the catalogue, and give customers with an owner opportunities that the owner entered."""
    known = _fill_catalogue(session)
    people = {one.id: one for one in list_actors(session, User.is_active.is_(True)) if one.id and one.can(Permission.OPPORTUNITY_WRITE)}
    field = _Field(known, opportunity_stages.list_stages(session), people)
    wanted = select(Customer).where(Customer.is_listed, Customer.owner_id.in_(people), Customer.stage != "churned")
    customers = list(session.execute(wanted.order_by(Customer.id.desc())).scalars())
    rows = read_rows("opportunities.csv")
    for place, customer in enumerate(customers[: TURNS * len(rows)]):
        turn, number = divmod(place, len(rows))
        _enter(session, field, customer, rows[number], turn)


def _fill_catalogue(session: CrmSession) -> dict[str, Product]:
    found = {}
    for row in read_rows("products.csv"):
        first = {"price": row["price_before"] or row["price"], "valid_from": clock.today() - timedelta(days=400)}
        values = {name: row[name] for name in ("name", "category", "unit", "description")}
        product = products.create_product(session, SYSTEM, values | first)
        if row["price_before"]:
            products.set_price(session, SYSTEM, product.id, price=row["price"], valid_from=clock.today() - timedelta(days=120))
        found[product.name] = product
    for row in read_rows("products.csv"):
        if row["retired"]:
            retired = found.pop(row["name"])
            products.set_active(session, SYSTEM, retired.id, is_active=False, version=retired.version)
    return found


def _enter(session: CrmSession, field: _Field, customer: Customer, row: Row, turn: int) -> None:
    owner = field.owners[customer.owner_id or 0]
    values: dict[str, Any] = {name: row[name] or None for name in ("name", "probability", "competitors", "remark")}
    values |= {"amount": 0, "expected_on": clock.today() + timedelta(days=int(row["expected_in_days"]) + 4 * turn)}
    with acting_as(session, owner):
        made = opportunities.create_opportunity(session, owner, customer.id, values, lines=_lines(field, row["products"], turn))
        _move(session, field, owner, made, row["stage"], turn)
        _decide(session, owner, made, turn)
    _date(session, made, row, turn)


def _lines(field: _Field, text: str, turn: int) -> list[Line]:
    found = []
    for part in text.split(";"):
        name, _star, count = part.partition("*")
        product = field.products[name]
        found.append(Line(product.id, int(count or 1) + (turn if count else 0), product.price))
    return found


def _move(session: CrmSession, field: _Field, owner: Actor, made: Opportunity, stage: str, turn: int) -> None:
    open_ones = [one for one in field.stages if one.outcome == Outcome.OPEN]
    last = int(stage) if stage.isdecimal() else len(open_ones)
    for one in open_ones[1:last]:
        opportunity_moves.move_opportunity(session, owner, made.id, one.id, seen=made.stage_id)
    if stage == Outcome.WON:
        opportunity_moves.win_opportunity(session, owner, made.id, seen=made.stage_id)
    if stage == Outcome.LOST:
        reason = _ALL_LOST[turn % len(_ALL_LOST)]
        opportunity_moves.lose_opportunity(session, owner, made.id, seen=made.stage_id, reason=reason, note=made.remark or "")


def _decide(session: CrmSession, owner: Actor, made: Opportunity, turn: int) -> None:
    people = session.execute(select(Contact.id).where(Contact.customer_id == made.customer_id).order_by(Contact.id)).scalars().all()
    for number, contact_id in enumerate(people[: len(_PARTS)]):
        attitude = _ATTITUDES[(turn + number) % len(_ATTITUDES)]
        decision_chain.put_decider(session, owner, made.id, contact_id, role=_PARTS[number], attitude=attitude)


def _date(session: CrmSession, made: Opportunity, row: Row, turn: int) -> None:
    """Lay its entries between the day on which it was opened and the one on which it came into its stage."""
    opened, entered = (_moment(int(row[name]) + 3 * turn) for name in ("opened_days_ago", "stage_days_ago"))
    moves = (
        session.execute(select(OpportunityMove).where(OpportunityMove.opportunity_id == made.id).order_by(OpportunityMove.id))
        .scalars()
        .all()
    )
    step = (entered - opened) / max(1, len(moves) - 1)
    for number, move in enumerate(moves):
        move.at = opened + step * number
    session.flush()
    values: dict[str, datetime | date | None] = {"opened_on": clock.day_of(opened), "created_at": opened, "stage_since": moves[-1].at}
    values |= {"closed_at": moves[-1].at if made.closed_at else None, "updated_at": moves[-1].at}
    session.execute(update(Opportunity).where(Opportunity.id == made.id).values(values))
    session.expire(made)


def _moment(days_ago: int) -> datetime:
    return clock.start_of_day(clock.today() - timedelta(days=days_ago)) + timedelta(hours=10)
