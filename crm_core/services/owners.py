"""Changing owners: who may hold customers, and the one way in which a customer gets another owner, or none.

Whatever hangs on the change happens here: the row of the history, the line of the change log, the work that moves along.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, Row, Table, false, func, insert, literal, select, true, update

from crm_core import audit
from crm_core.db import CrmSession
from crm_core.i18n import N_
from crm_core.models import Customer, Opportunity, OwnerChange, Task, Ticket, User
from crm_core.models.ticket import UNSOLVED
from crm_core.numbering import bump
from crm_core.permissions import Actor, Permission, Scope
from crm_core.services.actors import names_of_able

PART = 1000
"""So many customers one statement names."""
_EVERY_ROW: dict[str, Any] = {"unscoped": True, "synchronize_session": False}

HELD = (
    Customer.id,
    Customer.code,
    Customer.name,
    Customer.stage,
    Customer.tier,
    Customer.place,
    Customer.owner_id,
    Customer.owned_since,
    Customer.pooled_at,
)
"""What is read of a customer before it gets another owner."""
Held = Row[*tuple[Any, ...]]


@dataclass(frozen=True)
class Work:
    """One kind of work that moves along with its customer: who has it, and until when it is open."""

    label: str
    model: Any
    holder: Any
    is_open: ColumnElement[bool]
    needs: Permission | None = None
    """What somebody must be able to do to have it; from who cannot it goes to nobody, and waits for whoever takes it."""


_IS_OPEN_OPPORTUNITY = Opportunity.closed_at.is_(None) & Opportunity.deleted_at.is_(None)
WORKS: dict[str, Work] = {
    "tasks": Work(N_("Open tasks"), Task, Task.assignee_id, Task.done_at.is_(None)),
    "tickets": Work(N_("Open tickets"), Ticket, Ticket.handler_id, Ticket.state.in_(UNSOLVED), Permission.TICKET_WRITE),
    "opportunities": Work(N_("Open opportunities"), Opportunity, Opportunity.owner_id, _IS_OPEN_OPPORTUNITY),
}
"""Everything that moves along with a customer. A new kind is a row here."""


def in_parts(ids: Iterable[int]) -> Iterator[list[int]]:
    """The numbers in ascending order, in parts that one statement can name."""
    ordered = sorted(set(ids))
    yield from (ordered[start : start + PART] for start in range(0, len(ordered), PART))


def lock(session: CrmSession, ids: Iterable[int], *, everywhere: bool = False) -> dict[int, Held]:
    """These customers, locked one after the other in the order of their ids, wherever they lie; with `everywhere` outside the scope too."""
    wanted = list(ids)
    found = _lock(session, wanted, everywhere=everywhere)
    # PostgreSQL leaves out rows whose owner changed while it waited for their locks, within the scope or not; a second look sees them.
    left = [id for id in wanted if id not in found]
    return found | _lock(session, left, everywhere=everywhere) if left else found


def _lock(session: CrmSession, ids: Iterable[int], *, everywhere: bool) -> dict[int, Held]:
    found: dict[int, Held] = {}
    for part in in_parts(ids):
        statement = select(*HELD).where(Customer.id.in_(part)).order_by(Customer.id).with_for_update()
        found |= {row.id: row for row in session.execute(statement, execution_options=_EVERY_ROW if everywhere else {})}
    return found


def givers_of(session: CrmSession, held: Iterable[Held]) -> dict[int, int | None]:
    """Whose work each customer brings along: its owner's, and for one in the pool that of the owner before."""
    givers = {row.id: row.owner_id for row in held}
    for part in in_parts(id for id, owner in givers.items() if owner is None):
        givers |= {id: change.from_owner_id for id, change in last_departures(session, part).items()}
    return givers


def last_departures(session: CrmSession, ids: Sequence[int]) -> dict[int, Held]:
    """For each of these customers how it last came into the pool: from whom, when, by whom, for what cause and reason."""
    columns = select(OwnerChange.customer_id, OwnerChange.from_owner_id, OwnerChange.at, OwnerChange.cause, OwnerChange.reason)
    left = columns.where(OwnerChange.customer_id.in_(ids), OwnerChange.cause.in_(("release", "recycle"))).order_by(OwnerChange.id)
    return {row.customer_id: row for row in session.execute(left, execution_options=_EVERY_ROW)}


def give(
    session: CrmSession,
    actor: Actor,
    held: Sequence[Held],
    *,
    to: int | None,
    cause: str,
    at: datetime,
    reason: str | None = None,
    batch_id: int | None = None,
) -> None:
    """Give locked customers another owner, or lay them into the pool. The version stays: no edit that is open elsewhere is disturbed."""
    present = {"owner_id": to, "owned_since": at if to else None, "pooled_at": None if to else at, "pool_warned_on": None}
    change = {"at": at, "actor_id": actor.id, "to_owner_id": to, "cause": cause, "reason": reason, "batch_id": batch_id}
    table = cast(Table, OwnerChange.__table__)
    noted = [literal(value, table.c[name].type) for name, value in change.items()]
    for part in in_parts(row.id for row in held):
        # Read from the customers themselves: with a row sent for each, thousands took three times as long.
        origin = select(Customer.id, Customer.owner_id, *noted).where(Customer.id.in_(part)).order_by(Customer.id)
        session.execute(insert(table).from_select(["customer_id", "from_owner_id", *change], origin), execution_options=_EVERY_ROW)
        session.execute(update(Customer).where(Customer.id.in_(part)).values(present), execution_options=_EVERY_ROW)
    for owner, rows in _grouped((row.owner_id, (row.id, row.name)) for row in held).items():
        audit.record_customer_changes(session, rows, field="owner_id", old=_text(owner), new=_text(to))
    bump(session, "customers")


def pass_on(session: CrmSession, givers: Mapping[int, int | None], to: int) -> dict[int, dict[str, list[int]]]:
    """Give the open work of customers, of the person named for each, to somebody else; what moved, by customer and kind."""
    moved: dict[int, dict[str, list[int]]] = {}
    for giver, ids in _grouped((giver, id) for id, giver in givers.items() if giver and giver != to).items():
        for kind, part in ((kind, part) for kind in WORKS for part in in_parts(ids)):
            condition = WORKS[kind].model.customer_id.in_(part)
            for row in _reassign(session, WORKS[kind], condition, giver, _taker(session, WORKS[kind], to)):
                moved.setdefault(row.customer_id, {}).setdefault(kind, []).append(row.id)
    return moved


def give_back(session: CrmSession, work: Mapping[str, Sequence[int]], *, holder: int, to: int) -> None:
    """Give work that `pass_on` moved, by kind, back to somebody, as far as it is still open and still with its holder."""
    for kind, ids in work.items():
        for part in in_parts(ids):
            _reassign(session, WORKS[kind], WORKS[kind].model.id.in_(part), _taker(session, WORKS[kind], holder), to)


def _taker(session: CrmSession, work: Work, user_id: int) -> int | None:
    """Who has the work after it went to somebody: nobody where they cannot do it."""
    able = work.needs is None or bool(names_of_able(session, work.needs, User.id == user_id))
    return user_id if able else None


def _reassign(session: CrmSession, work: Work, condition: ColumnElement[bool], giver: int | None, to: int | None) -> list[Held]:
    model, field = work.model, work.holder.key
    wanted = select(model.id, model.customer_id, model.name).where(condition, work.holder == giver, work.is_open)
    rows = list(session.execute(wanted.order_by(model.id).with_for_update(), execution_options=_EVERY_ROW))
    for part in in_parts(row.id for row in rows):
        session.execute(update(model).where(model.id.in_(part)).values({field: to}), execution_options=_EVERY_ROW)
    what = {"entity": model.__tablename__, "field": field, "old": _text(giver), "new": _text(to)}
    audit.add_lines(
        session,
        [audit.line_for(session, "changed", entity_id=row.id, customer_id=row.customer_id, subject=row.name, **what) for row in rows],
    )
    return rows


def count_work(session: CrmSession, holder: int, *conditions: ColumnElement[bool]) -> dict[str, int]:
    """How much open work somebody has for the customers under these conditions, by kind."""
    counts = {}
    for kind, work in WORKS.items():
        statement = select(func.count(work.model.id)).join(Customer, Customer.id == work.model.customer_id)
        counts[kind] = session.execute(statement.where(work.holder == holder, work.is_open, *conditions)).scalar_one()
    return counts


def list_holders(session: CrmSession, actor: Actor) -> dict[int, str]:
    """Whom the actor may give customers to, by id: the active people within view whose role works on customers."""
    return names_of_able(session, Permission.CUSTOMER_EDIT, User.is_active.is_(True), visible_people(actor))


def list_owners(session: CrmSession, actor: Actor) -> dict[int, str]:
    """Whose customers the actor may take over, by id: the people within view who own any, disabled ones too."""
    owning = select(Customer.owner_id).where(Customer.owner_id.is_not(None)).distinct()
    people = select(User.id, User.name).where(User.id.in_(owning), visible_people(actor)).order_by(User.id)
    return {row.id: row.name for row in session.execute(people)}


def visible_people(actor: Actor) -> ColumnElement[bool]:
    """The condition that an account is in view: all, or those of the teams whose customers the actor sees, or of the own team."""
    if actor.scope is Scope.ALL:
        return true()
    if actor.scope is Scope.TEAM:
        return (User.id == actor.id) | (User.team_id.in_(actor.team_ids) if actor.team_ids else false())
    own_team = select(User.team_id).where(User.id == actor.id).scalar_subquery()
    return (User.id == actor.id) | (User.team_id == own_team)


def _grouped(pairs: Iterable[tuple[int | None, Any]]) -> dict[Any, list[Any]]:
    groups: dict[Any, list[Any]] = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return groups


def _text(owner: int | None) -> str | None:
    return str(owner) if owner else None
