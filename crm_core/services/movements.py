"""The history of types and owners: one row for every change, the entry into the system being the first."""

from collections.abc import Iterable
from datetime import date
from typing import Any, cast

from sqlalchemy import Table, insert

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.models import OwnerChange, StageChange
from crm_core.permissions import Actor
from crm_core.workdays import add_workdays

FIRST_FOLLOW_UP = 3
"""Working days until the first follow-up of a new customer is due [000]."""


def first_owned_by(actor: Actor) -> dict[str, Any]:
    """What a new customer of the actor carries: its owner, and until when the first follow-up has to be made."""
    return {"owner_id": actor.id, "owned_since": clock.now(), "first_follow_up_on": first_follow_up()}


def first_follow_up() -> date:
    """Until when a customer that comes into the library today has to be followed up."""
    return add_workdays(clock.today(), FIRST_FOLLOW_UP)


def note_entries(session: CrmSession, actor: Actor, entries: Iterable[tuple[int, str]], *, cause: str) -> None:
    """Note the first type and owner of new customers, given as (id, stage); the actor is their owner. `cause` is entry or import."""
    at = clock.now()
    stages = [{"customer_id": id, "to_stage": stage, "actor_id": actor.id, "at": at} for id, stage in entries]
    owner = {"to_owner_id": actor.id, "actor_id": actor.id, "cause": cause, "at": at}
    owners = [{"customer_id": row["customer_id"], **owner} for row in stages]
    session.execute(insert(cast(Table, StageChange.__table__)), stages)
    session.execute(insert(cast(Table, OwnerChange.__table__)), owners)
