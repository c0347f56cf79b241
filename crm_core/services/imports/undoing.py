"""Taking a whole import of customers back: what it created and nobody touched since goes to the recycle bin in one step.

Each part of the import leaves a receipt in the transaction that writes it, so that an import which was interrupted can be undone as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import desc, func, select, update

from crm_core import audit, clock
from crm_core.db import CrmSession
from crm_core.errors import IllegalTransition, NotFound
from crm_core.i18n import _, format_time
from crm_core.models import Batch, ChangeLog, Customer, ImportBatch, Place, User
from crm_core.permissions import Actor, Permission, Scope, require
from crm_core.services.bulk import UNDO_DAYS, Refused, write_changes
from crm_core.services.bulk_actions import ACTIONS
from crm_core.services.bulk_targets import Target, read_by_ids

KIND = "import"
LATEST = 10


@dataclass(frozen=True)
class Imported:
    """An import that created customers."""

    id: int
    filename: str
    at: datetime
    who: str
    created: int
    undone_at: datetime | None
    undo_until: datetime


@dataclass(frozen=True)
class Undoing:
    """What the undo of an import does: the customers that go to the recycle bin, and those that stay, with the reason."""

    going: dict[int, Target]
    left: list[Refused]


def note_created(session: CrmSession, actor: Actor, import_id: int, ids: Sequence[int], *, part: int) -> None:
    """Keep which customers a part of an import created."""
    if not ids:
        return
    own = select(Customer.id, Customer.code, Customer.name).where(Customer.id.in_(ids)).order_by(Customer.id)
    before = [dict(row) for row in session.execute(own).mappings()]
    receipt = Batch(kind=KIND, at=clock.now(), actor_id=actor.id, key=f"{KIND}:{import_id}:{part}", done=len(before))
    receipt.what, receipt.refused, receipt.before = {"import": import_id}, [], before
    session.add(receipt)


def list_imports(session: CrmSession, actor: Actor) -> list[Imported]:
    """The latest imports of customers, one's own; those of everybody for who sees all customers. Raises `NotAllowed`."""
    require(actor, Permission.CUSTOMER_IMPORT)
    number = Batch.what["import"].as_integer()
    sums = (func.max(Batch.at).label("at"), func.max(Batch.undone_at).label("undone_at"), func.sum(Batch.done).label("created"))
    parts = select(number.label("import_id"), Batch.actor_id, *sums).where(Batch.kind == KIND).group_by("import_id", Batch.actor_id)
    if actor.scope is not Scope.ALL:
        parts = parts.where(Batch.actor_id == actor.id)
    found = parts.order_by(desc("import_id")).limit(LATEST).subquery()
    rows = select(found, ImportBatch.filename, User.name).join(ImportBatch, ImportBatch.id == found.c.import_id)
    rows = rows.outerjoin(User, User.id == found.c.actor_id).order_by(found.c.import_id.desc())
    return [
        Imported(row.import_id, row.filename, row.at, row.name or _("the system"), row.created, row.undone_at, _until(row.at))
        for row in session.execute(rows)
    ]


def _until(at: datetime) -> datetime:
    return at + timedelta(days=UNDO_DAYS)


def preview_undo(session: CrmSession, actor: Actor, import_id: int) -> Undoing:
    """What an undo would do now. Raises as `undo_import` does."""
    return _plan(session, _load(session, actor, import_id), lock=False)


def undo_import(session: CrmSession, actor: Actor, import_id: int) -> Undoing:
    """Lay what an import created into the recycle bin; customers that somebody touched since, or that lie elsewhere, stay.

    Raises `NotAllowed`, `NotFound` for somebody else's, `IllegalTransition` once it is undone or the time for it is over.
    """
    parts = _load(session, actor, import_id, lock=True)
    plan = _plan(session, parts, lock=True)
    batch = session.get_one(ImportBatch, import_id)
    session.info["reason"] = _("Undo of the import of {filename}").format(filename=batch.filename)[:300]
    moved = (Place.LIBRARY.value, Place.BIN.value)
    if plan.going:
        write_changes(session, ACTIONS["archive"], dict.fromkeys(plan.going, moved), plan.going)
    closed = update(Batch).where(Batch.id.in_([part.id for part in parts])).values(undone_at=clock.now())
    session.execute(closed, execution_options={"synchronize_session": False})
    audit.record(session, "undone", batch, new=str(len(plan.going)))
    return plan


def _load(session: CrmSession, actor: Actor, import_id: int, *, lock: bool = False) -> list[Any]:
    require(actor, Permission.CUSTOMER_IMPORT)
    own = select(Batch).where(Batch.kind == KIND, Batch.what["import"].as_integer() == import_id).order_by(Batch.id)
    parts = list(session.execute(own.with_for_update() if lock else own).scalars())
    if not parts or not (parts[0].actor_id == actor.id or actor.scope is Scope.ALL):
        raise NotFound(_("There is no such import, or it is not yours."))
    if undone_at := parts[0].undone_at:
        raise IllegalTransition(_("This was undone at {time}.").format(time=format_time(undone_at)))
    if clock.now() > _until(parts[-1].at):
        sentence = _("An import can be undone for {days} days; that time is over. Delete the customers instead.")
        raise IllegalTransition(sentence.format(days=UNDO_DAYS))
    return parts


def _plan(session: CrmSession, parts: Sequence[Batch], *, lock: bool) -> Undoing:
    plan = Undoing({}, [])
    for part in parts:
        targets = {one.id: one for one in read_by_ids(session, [row["id"] for row in part.before], lock=lock)}
        touched = _touched_since(session, part.at, list(targets))
        for row in part.before:
            target = targets.get(row["id"])
            if why := _why_not(target, is_touched=row["id"] in touched):
                plan.left.append({"code": row["code"], "name": row["name"], "why": why})
            elif target is not None:
                plan.going[target.id] = target
    return plan


def _why_not(target: Target | None, *, is_touched: bool) -> str:
    if target is None:
        return "gone"
    if target.place != Place.LIBRARY:
        return str(target.place)
    return "changed" if is_touched else ""


def _touched_since(session: CrmSession, at: datetime, ids: Sequence[int]) -> set[int]:
    """Those with which somebody did anything but look: what people do to a customer, or to what hangs on it, stands in the change log."""
    by_people = (ChangeLog.at > at, ChangeLog.actor_id.is_not(None), ChangeLog.action != "viewed")
    found = select(ChangeLog.customer_id).where(ChangeLog.customer_id.in_(ids), *by_people)
    return {id for id in session.execute(found).scalars() if id is not None}
