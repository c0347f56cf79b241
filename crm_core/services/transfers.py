"""Transfer (离职交接): one, many, or all customers of a person get another owner, with their open work, against a receipt."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, select, update

from crm_core import audit, clock
from crm_core.db import CrmSession
from crm_core.errors import IllegalTransition, NotFound, ValidationFailed
from crm_core.i18n import N_, _, format_time, labelled
from crm_core.models import Batch, Customer, Place
from crm_core.models.standing import OPEN_PLACES
from crm_core.permissions import Actor, Permission, Scope, require
from crm_core.services import owners
from crm_core.services.notices import notify
from crm_core.services.owners import Held
from crm_core.services.pool_rules import get_rules
from crm_core.services.users import user_names
from crm_core.validation import clean_text

KIND = "transfer"
NAMED = 5
"""So many customers a refusal names."""
REASONS = {
    "unseen": N_("deleted, or not visible to you"),
    "own": N_("belongs to the new owner already"),
    "moved": N_("got another owner since"),
    Place.REVIEW: N_("under review; its author finishes that first"),
    Place.DRAFT: N_("withdrawn from review; its author submits or discards it first"),
    Place.BIN: N_("in the recycle bin; restore it first"),
    Place.MERGED: N_("merged into another customer"),
}
"""Why a customer cannot move."""


@dataclass(frozen=True)
class Selection:
    """All customers of a person, or those of some types and tiers; an empty tier stands for none."""

    owner_id: int
    stages: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()

    def conditions(self) -> list[ColumnElement[bool]]:
        """The same in SQL."""
        found: list[ColumnElement[bool]] = [Customer.owner_id == self.owner_id]
        if self.stages:
            found.append(Customer.stage.in_(self.stages))
        if self.tiers:
            found.append(func.coalesce(Customer.tier, "").in_(self.tiers))
        return found


@dataclass(frozen=True)
class Preview:
    """What a transfer would move: customers, their open work by kind, and how many stay, by the reason."""

    customers: int
    work: dict[str, int]
    staying: dict[Place, int]


def preview(session: CrmSession, actor: Actor, selection: Selection) -> Preview:
    """What a transfer of this selection would do now, counted within the actor's scope."""
    require(actor, Permission.CUSTOMER_TRANSFER)
    conditions = selection.conditions()
    places = session.execute(select(Customer.place, func.count()).where(*conditions).group_by(Customer.place)).all()
    counts = {place: count for place, count in places if place != Place.MERGED}
    staying: dict[Place, int] = {place: count for place, count in counts.items() if place not in OPEN_PLACES}
    work = owners.count_work(session, selection.owner_id, *conditions, Customer.place.in_(OPEN_PLACES))
    return Preview(sum(counts.values()) - sum(staying.values()), work, staying)


def select_ids(session: CrmSession, actor: Actor, selection: Selection) -> list[int]:
    """The customers of a selection, those that cannot move too: the transfer names them."""
    require(actor, Permission.CUSTOMER_TRANSFER)
    found = select(Customer.id).where(*selection.conditions(), Customer.place != Place.MERGED).order_by(Customer.id)
    return list(session.execute(found).scalars())


def transfer(session: CrmSession, actor: Actor, ids: Sequence[int], *, to: int, reason: str) -> Batch:
    """Give these customers and their open work to somebody else; the batch is the receipt, and names what stayed and why.

    A customer in the pool is assigned in this way. Raises `NotAllowed`; `ValidationFailed` without a reason, for somebody who
    cannot hold customers, and where no customer at all can move.
    """
    require(actor, Permission.CUSTOMER_TRANSFER)
    reason = _checked(session, actor, to, reason)
    held = owners.lock(session, ids)
    refused = [_refusal(held.get(id), id, why) for id in dict.fromkeys(ids) if (why := _why_not(held.get(id), to))]
    stay = {one["id"] for one in refused}
    moving = [row for row in held.values() if row.id not in stay]
    if not moving:
        raise ValidationFailed({"customers": [refusal_text(one) for one in refused[:NAMED]] or [_("Choose at least one customer.")]})
    return _move(session, actor, moving, refused, to=to, reason=reason)


def _checked(session: CrmSession, actor: Actor, to: int, reason: str) -> str:
    reason, errors = clean_text(reason)[:300], {}
    if not reason:
        errors["reason"] = [_("Say why the customers get another owner.")]
    if to not in owners.list_holders(session, actor):
        errors["to"] = [_("Choose an active colleague whose role works on customers.")]
    if errors:
        raise ValidationFailed(errors)
    return reason


def _why_not(row: Held | None, to: int) -> str:
    if row is None:
        return "unseen"
    if row.place not in OPEN_PLACES:
        return str(row.place)
    return "own" if row.owner_id == to else ""


def _refusal(row: Held | None, id: int, why: str, *, name: str = "", code: str = "") -> dict[str, Any]:
    return {"id": id, "code": row.code if row else code, "name": row.name if row else name, "why": why}


def refusal_text(refused: Mapping[str, Any]) -> str:
    """One customer that stayed, and why."""
    why = _(REASONS.get(refused["why"], refused["why"]))
    name = refused["name"] or _("A customer")
    return labelled(name, why)


def _move(session: CrmSession, actor: Actor, moving: Sequence[Held], refused: list[dict[str, Any]], *, to: int, reason: str) -> Batch:
    session.info["reason"] = reason
    givers, at = owners.givers_of(session, moving), clock.now()
    work = owners.pass_on(session, givers, to)
    batch = Batch(kind=KIND, at=at, actor_id=actor.id, done=len(moving), refused=refused, reason=reason)
    batch.before = [_before(row, givers[row.id], work.get(row.id, {})) for row in moving]
    counts: Counter[str] = Counter()
    for by_kind in work.values():
        counts.update({kind: len(ids) for kind, ids in by_kind.items()})
    givers_count = Counter(row.owner_id for row in moving)
    batch.what = {"to": to, "givers": [[owner, count] for owner, count in givers_count.items()], "work": dict(counts)}
    session.add(batch)
    session.flush()
    owners.give(session, actor, moving, to=to, cause="transfer", at=at, reason=reason, batch_id=batch.id)
    _tell(session, actor, batch)
    return batch


def _before(row: Held, giver: int | None, work: Mapping[str, list[int]]) -> dict[str, Any]:
    """What the receipt shows of a customer, and what it takes to undo."""
    shown = {"id": row.id, "code": row.code, "name": row.name, "stage": row.stage, "tier": row.tier}
    return shown | {"owner": row.owner_id, "giver": giver, "work": dict(work)}


def _tell(session: CrmSession, actor: Actor, batch: Batch) -> None:
    to, told = batch.what["to"], {"actor": actor.name, "reason": batch.reason}
    path = f"/receipt?id={batch.id}"
    if to != actor.id:
        notify(session, [to], "customers_received", {**told, "count": batch.done}, path=path)
    name = user_names(session).get(to, "")
    for owner, count in batch.what["givers"]:
        if owner and owner != actor.id:
            notify(session, [owner], "customers_given", {**told, "count": count, "name": name})


@dataclass(frozen=True)
class Undone:
    """How many customers went back, and which did not, with the reason."""

    done: int
    refused: list[dict[str, Any]]


def undo(session: CrmSession, actor: Actor, batch_id: int) -> Undone:
    """Take a transfer back: customers that belong to the receiver since then go back to where they came from, with their open work.

    Raises `NotAllowed`, `NotFound`, and `IllegalTransition` once the time for it is over or it was undone before.
    """
    require(actor, Permission.CUSTOMER_TRANSFER)
    batch = session.execute(select(Batch).where(Batch.id == batch_id, Batch.kind == KIND).with_for_update()).scalar_one_or_none()
    if batch is None or not may_answer_for(actor, batch.actor_id):
        raise NotFound(_("There is no such receipt, or it is not yours."))
    _refuse_undone_or_late(session, batch)
    held = owners.lock(session, [one["id"] for one in batch.before], everywhere=True)
    refused = [
        _refusal(held.get(one["id"]), one["id"], why, name=one["name"], code=one["code"])
        for one in batch.before
        if (why := _why_not_back(held.get(one["id"]), batch))
    ]
    stay = {one["id"] for one in refused}
    going = [one for one in batch.before if one["id"] not in stay]
    _take_back(session, actor, batch, going, held)
    undone = Undone(len(going), refused)
    _close(session, actor, batch, undone)
    return undone


def may_answer_for(actor: Actor, author_id: int | None) -> bool:
    """Whether the actor made a transfer, or sees everything that is transferred."""
    return actor.can(Permission.CUSTOMER_TRANSFER) and (actor.id == author_id or actor.scope is Scope.ALL)


def _refuse_undone_or_late(session: CrmSession, batch: Batch) -> None:
    if batch.undone_at:
        raise IllegalTransition(_("This transfer was undone at {time}.").format(time=format_time(batch.undone_at)))
    rules, _version = get_rules(session)
    if clock.now() > batch.at + timedelta(days=rules.undo_days):
        sentence = _("A transfer can be undone for {days} days; that time is over. Transfer the customers back instead.")
        raise IllegalTransition(sentence.format(days=rules.undo_days))


def _why_not_back(row: Held | None, batch: Batch) -> str:
    if row is None:
        return "unseen"
    if row.owner_id != batch.what["to"] or row.owned_since != batch.at:
        return "moved"
    return "" if row.place in OPEN_PLACES else str(row.place)


def _take_back(session: CrmSession, actor: Actor, batch: Batch, going: Sequence[dict[str, Any]], held: Mapping[int, Held]) -> None:
    session.info["reason"] = batch.reason
    by_owner: dict[int | None, list[dict[str, Any]]] = defaultdict(list)
    work: dict[int, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for one in going:
        by_owner[one["owner"]].append(one)
        for kind, ids in one["work"].items():
            work[one["giver"]][kind] += ids
    for giver, by_kind in work.items():
        owners.give_back(session, by_kind, holder=batch.what["to"], to=giver)
    for owner, rows in by_owner.items():
        back = [held[one["id"]] for one in rows]
        owners.give(session, actor, back, to=owner, cause="undo", at=clock.now(), reason=batch.reason, batch_id=batch.id)
        if owner and owner != actor.id:
            notify(session, [owner], "customers_back", {"actor": actor.name, "count": len(back)})


def _close(session: CrmSession, actor: Actor, batch: Batch, undone: Undone) -> None:
    # By a statement of its own: the change log would copy the whole receipt for a changed column.
    what = {**batch.what, "undone": {"done": undone.done, "refused": undone.refused, "by": actor.id}}
    closed = update(Batch).where(Batch.id == batch.id).values(undone_at=clock.now(), what=what)
    session.execute(closed, execution_options={"synchronize_session": False})
    audit.record(session, "undone", batch, new=str(undone.done))
    if batch.what["to"] != actor.id:
        notify(session, [batch.what["to"]], "customers_taken", {"actor": actor.name, "count": undone.done})
