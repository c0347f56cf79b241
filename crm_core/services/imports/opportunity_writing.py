"""Writing many opportunities at once: themselves, their products, their stages as history, their lines of the change log."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Table, insert, select

from crm_core import audit, clock
from crm_core.db import CrmSession
from crm_core.models import Base, Opportunity, OpportunityLine, OpportunityMove, OpportunityStage
from crm_core.numbering import opportunity_codes
from crm_core.permissions import Actor
from crm_core.scope import unscoped
from crm_core.services.contract_lines import ENTERED, Line

_IN_MOMENTS = ("opened_on", "closed_on")


@dataclass(frozen=True)
class Ready:
    """A checked opportunity; `values` by field."""

    values: dict[str, Any]
    customer_id: int
    stage: OpportunityStage
    owner_id: int | None
    sold: list[Line]
    opened_at: datetime
    closed_at: datetime | None


def write_opportunities(session: CrmSession, actor: Actor, ready: Sequence[Ready], *, first: OpportunityStage, reason: str) -> list[int]:
    """Insert checked opportunities and return their ids. A closed one was in the `first` stage until the day on which it was closed."""
    if not ready:
        return []
    free = iter(opportunity_codes(session, sum(not one.values["code"] for one in ready)))
    rows = [_row(actor, one, one.values["code"] or next(free)) for one in ready]
    session.execute(insert(_table(Opportunity)), rows)
    codes = [row["code"] for row in rows]
    found = session.execute(select(Opportunity.code, Opportunity.id).where(Opportunity.code.in_(codes)), execution_options=unscoped)
    ids = {row.code: row.id for row in found}
    written = [(ids[code], one) for code, one in zip(codes, ready, strict=True)]
    if lines := [line for id, one in written for line in _lines(id, one)]:
        session.execute(insert(_table(OpportunityLine)), lines)
    session.execute(insert(_table(OpportunityMove)), [move for id, one in written for move in _moves(actor, id, one, first, reason)])
    logged = [
        audit.line_for(
            session, "created", entity="opportunity", entity_id=id, customer_id=one.customer_id, subject=one.values["name"], reason=reason
        )
        for id, one in written
    ]
    audit.add_lines(session, logged)
    return [id for id, _one in written]


def _table(model: type[Base]) -> Table:
    return cast(Table, model.__table__)


def _row(actor: Actor, one: Ready, code: str) -> dict[str, Any]:
    return {
        **{name: value for name, value in one.values.items() if name not in _IN_MOMENTS},
        "code": code,
        "customer_id": one.customer_id,
        "stage_id": one.stage.id,
        "owner_id": one.owner_id,
        "opened_on": clock.day_of(one.opened_at),
        "stage_since": one.closed_at or one.opened_at,
        "closed_at": one.closed_at,
        "created_by_id": actor.id,
    }


def _lines(opportunity_id: int, one: Ready) -> list[dict[str, Any]]:
    return [
        {"opportunity_id": opportunity_id, "position": position, "amount": line.amount} | {name: getattr(line, name) for name in ENTERED}
        for position, line in enumerate(one.sold)
    ]


def _moves(actor: Actor, opportunity_id: int, one: Ready, first: OpportunityStage, reason: str) -> list[dict[str, Any]]:
    entered: dict[str, Any] = {"opportunity_id": opportunity_id, "actor_id": actor.id, "reason": reason}
    begun = first if one.closed_at else one.stage
    moves = [{**entered, "at": one.opened_at, "from_stage_id": None, "to_stage_id": begun.id}]
    if one.closed_at:
        # The reason of a loss is the code of the library, as where somebody loses one by hand.
        closed = {"at": one.closed_at, "from_stage_id": first.id, "to_stage_id": one.stage.id}
        moves.append({**entered, **closed, "reason": one.values["loss_reason"] or reason})
    return moves
