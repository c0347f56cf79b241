"""An action on many customers at once: previewed, run in one transaction against a receipt, undone within some days.

Every customer gets its own line in the change log, and every one that is left as it was is named with the reason.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from crm_core import audit, clock
from crm_core.db import CrmSession, insert_unless_there
from crm_core.errors import IllegalTransition, NotFound, ValidationFailed
from crm_core.i18n import N_, _, format_time
from crm_core.models import Batch, Customer, Place
from crm_core.numbering import bump
from crm_core.permissions import Actor, Permission, Scope, require
from crm_core.services.bulk_actions import ACTIONS, Action, Asked
from crm_core.services.bulk_targets import Selection, Target, read_by_ids, read_targets
from crm_core.services.notices import notify
from crm_core.validation import clean_text

UNDO_DAYS = 7
LATEST = 20

REASONS = {
    "gone": N_("deleted, or not visible to you"),
    Place.REVIEW: N_("under review; its author finishes that first"),
    Place.DRAFT: N_("withdrawn from review; its author submits or discards it first"),
    Place.ARCHIVE: N_("in the archive; take it out of there first"),
    Place.BIN: N_("in the recycle bin; restore it first"),
    Place.MERGED: N_("merged into another customer"),
    "pooled": N_("in the customer pool; it needs an owner first"),
    "full": N_("has as many tags as are possible"),
    "unused": N_("its nature or type has no such choice"),
    "required": N_("this field may not be empty for its nature or type"),
    "changed": N_("changed since then"),
}
"""Why a customer is left as it is."""

Refused = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """What an action would do: customers by the value before and after, how many are so already, and who stays, with the reason."""

    changes: Mapping[int, tuple[Any, Any]]
    already: int
    refused: list[Refused]
    targets: Mapping[int, Target] = field(repr=False)


@dataclass(frozen=True)
class Receipt:
    """A bulk action that was done, as its author sees it."""

    id: int
    kind: str
    at: datetime
    asked: Asked
    done: int
    already: int
    refused: list[Refused]
    reason: str
    undone_at: datetime | None
    undone: int
    left: list[Refused]
    """The customers that the undo left as they were."""
    undo_until: datetime | None
    """Until when it can be undone; nothing where it cannot."""


def preview(session: CrmSession, actor: Actor, kind: str, selection: Selection, asked: Asked) -> Plan:
    """What an action would do now. Raises `NotAllowed`, `ValidationFailed`."""
    action = _allowed(actor, kind)
    return _plan(session, action, selection, action.check(session, asked))


def run(session: CrmSession, actor: Actor, kind: str, selection: Selection, asked: Asked, *, reason: str, key: str) -> int:
    """Do it, and return the number of its receipt. A second click on the same confirmation (`key`) returns that of the first.

    Raises `NotAllowed`; `ValidationFailed` without a reason, for what is asked, and where no customer at all would change.
    """
    action = _allowed(actor, kind)
    asked = action.check(session, asked)
    reason = clean_text(reason)[:300]
    if not reason:
        raise ValidationFailed({"reason": [_("Say why these customers are changed.")]})
    if not insert_unless_there(session, Batch, kind=kind, actor_id=actor.id, key=key, reason=reason, what={}, refused=[], before=[]):
        return session.execute(select(Batch.id).where(Batch.key == key, Batch.actor_id == actor.id)).scalar_one()
    plan = _plan(session, action, selection, asked, lock=True)
    if not plan.changes:
        raise ValidationFailed({"customers": [_("No customer would change. Choose others, or something else for them.")]})
    session.info["reason"] = reason
    write_changes(session, action, plan.changes, plan.targets)
    _tell_owners(session, actor, action, [plan.targets[id] for id in plan.changes], reason)
    before = [_named(plan.targets[id]) | {"before": old, "after": new} for id, (old, new) in plan.changes.items()]
    what = {"asked": asked, "already": plan.already}
    return _keep(session, key, done=len(plan.changes), refused=plan.refused, before=before, what=what)


def _allowed(actor: Actor, kind: str) -> Action:
    require(actor, Permission.CUSTOMER_READ)
    require(actor, ACTIONS[kind].permission)
    return ACTIONS[kind]


def _plan(session: CrmSession, action: Action, selection: Selection, asked: Asked, *, lock: bool = False) -> Plan:
    targets = {one.id: one for one in read_targets(session, selection, lock=lock)}
    why = {id: stays for id, one in targets.items() if (stays := _why_not(one))}
    open_to_it = [one for one in targets.values() if one.id not in why]
    present = action.read(session, [one.id for one in open_to_it], asked)
    changes = {id: (value, after) for id, value in present.items() if (after := action.after(value, asked)) != value}
    why |= {id: code for id, code in action.refuse(session, open_to_it, asked).items() if id in changes}
    refused = [_named(targets[id]) | {"why": code} for id, code in why.items()]
    known = {one.code for one in targets.values()}
    refused += [{"code": code, "name": "", "why": "gone"} for code in selection.codes if code not in known]
    already = len(open_to_it) - len(changes)
    return Plan({id: change for id, change in changes.items() if id not in why}, already, refused, targets)


def _why_not(target: Target, lies_in: Place = Place.LIBRARY) -> str:
    if target.place != lies_in:
        return "changed" if target.place == Place.LIBRARY else str(target.place)
    return "pooled" if target.pooled_at else ""


def _named(target: Target) -> dict[str, Any]:
    return {"id": target.id, "code": target.code, "name": target.name}


def write_changes(session: CrmSession, action: Action, changes: Mapping[int, tuple[Any, Any]], targets: Mapping[int, Target]) -> None:
    """Write an action's changes, each with its line of the change log."""
    before = action.logged(session, changes)
    action.write(session, changes)
    after = action.logged(session, changes)
    entity = Customer.__tablename__
    lines = [
        audit.line_for(
            session,
            "changed",
            entity=entity,
            entity_id=id,
            customer_id=id,
            subject=targets[id].name,
            field=action.field,
            old=before.get(id),
            new=after.get(id),
        )
        for id in changes
    ]
    audit.add_lines(session, lines)
    bump(session, "customers")


def _tell_owners(session: CrmSession, actor: Actor, action: Action, changed: Sequence[Target], reason: str) -> None:
    counts = Counter(one.owner_id for one in changed if one.owner_id not in (None, actor.id))
    for owner_id, count in counts.items() if action.notice else ():
        notify(session, [owner_id], action.notice, {"person": actor.name, "count": count, "reason": reason}, path=f"/{action.leaves_in}")


def _keep(session: CrmSession, key: str, **values: Any) -> int:
    # By a statement of its own: the change log would copy the whole receipt for each changed column.
    session.execute(update(Batch).where(Batch.key == key).values(values), execution_options={"synchronize_session": False})
    batch = session.execute(select(Batch).where(Batch.key == key)).scalar_one()
    audit.record(session, "created", batch, new=str(batch.done))
    return batch.id


def undo(session: CrmSession, actor: Actor, batch_id: int) -> None:
    """Give the customers back what they had; those that were changed since, or are out of reach, are named and left.

    Raises `NotAllowed`, `NotFound`, and `IllegalTransition` once the time for it is over or it was undone before.
    """
    batch = _load(session, actor, batch_id, lock=True)
    action = _allowed(actor, batch.kind)
    _refuse_undone_or_late(batch)
    rows = {row["id"]: row for row in batch.before}
    targets = {one.id: one for one in read_by_ids(session, list(rows), lock=True)}
    why = {id: "gone" if id not in targets else _why_not(targets[id], action.leaves_in) for id in rows}
    present = action.read(session, [id for id, stays in why.items() if not stays], batch.what["asked"])
    why |= {id: "changed" for id, value in present.items() if value != rows[id]["after"]}
    session.info["reason"] = _("Undo: {reason}").format(reason=batch.reason)[:300]
    write_changes(session, action, {id: (rows[id]["after"], rows[id]["before"]) for id in rows if not why[id]}, targets)
    left = [{"code": rows[id]["code"], "name": rows[id]["name"], "why": code} for id, code in why.items() if code]
    what = {**batch.what, "undone": len(rows) - len(left), "left": left}
    closed = update(Batch).where(Batch.id == batch_id).values(undone_at=clock.now(), what=what)
    session.execute(closed, execution_options={"synchronize_session": False})
    audit.record(session, "undone", batch, new=str(len(rows) - len(left)))


def _load(session: CrmSession, actor: Actor, batch_id: int, *, lock: bool = False) -> Batch:
    require(actor, Permission.CUSTOMER_READ)
    found = select(Batch).where(Batch.id == batch_id, Batch.kind.in_(ACTIONS))
    batch = session.execute(found.with_for_update() if lock else found).scalar_one_or_none()
    if batch is None or not (batch.actor_id == actor.id or actor.scope is Scope.ALL):
        raise NotFound(_("There is no such bulk action, or it is not yours."))
    return batch


def _refuse_undone_or_late(batch: Batch) -> None:
    if batch.undone_at:
        raise IllegalTransition(_("This was undone at {time}.").format(time=format_time(batch.undone_at)))
    if clock.now() > batch.at + timedelta(days=UNDO_DAYS):
        sentence = _("A bulk action can be undone for {days} days; that time is over. Change the customers anew instead.")
        raise IllegalTransition(sentence.format(days=UNDO_DAYS))


def list_receipts(session: CrmSession, actor: Actor) -> list[Receipt]:
    """The actor's latest bulk actions."""
    require(actor, Permission.CUSTOMER_READ)
    latest = select(Batch).where(Batch.actor_id == actor.id, Batch.kind.in_(ACTIONS)).order_by(Batch.id.desc()).limit(LATEST)
    return [_receipt(actor, batch) for batch in session.execute(latest).scalars()]


def get_receipt(session: CrmSession, actor: Actor, batch_id: int) -> Receipt:
    """One bulk action. Raises `NotFound` for somebody else's, save for those who see everything."""
    return _receipt(actor, _load(session, actor, batch_id))


def _receipt(actor: Actor, batch: Batch) -> Receipt:
    until = batch.at + timedelta(days=UNDO_DAYS)
    may_undo = not batch.undone_at and clock.now() <= until and actor.can(ACTIONS[batch.kind].permission)
    return Receipt(
        id=batch.id,
        kind=batch.kind,
        at=batch.at,
        asked=batch.what["asked"],
        done=batch.done,
        already=batch.what["already"],
        refused=list(batch.refused),
        reason=batch.reason or "",
        undone_at=batch.undone_at,
        undone=batch.what.get("undone", 0),
        left=list(batch.what.get("left", ())),
        undo_until=until if may_undo else None,
    )


def reason_of(refused: Refused) -> str:
    """Why a customer stayed as it was, in words."""
    reason = REASONS[refused["why"]]
    return _(reason)


def sentences(refused: Sequence[Refused]) -> list[str]:
    """Customers that stayed as they were, each with the reason."""
    return [f"{one['name'] or one['code']}: {reason_of(one)}" for one in refused]
