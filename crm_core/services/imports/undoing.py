"""Taking a whole import back: what it created and nobody touched since goes in one step, where things of its kind go.

Each part of the import leaves a receipt in the transaction that writes it, so that an import which was interrupted can be undone as well.
What the import changed of records that were there before stays.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import desc, func, select, update

from crm_core import audit, clock
from crm_core.db import CrmSession
from crm_core.errors import IllegalTransition, NotFound
from crm_core.i18n import _, format_time
from crm_core.models import Batch, ImportBatch, Team, User
from crm_core.permissions import Actor, Permission, Scope, require
from crm_core.services.bulk import UNDO_DAYS, Refused
from crm_core.services.imports.intake import Run
from crm_core.services.imports.kinds import CUSTOMER, KINDS, offered_kinds
from crm_core.services.imports.plan import OnDuplicate
from crm_core.services.imports.taking_back import REASONS, WAYS, Found, Way, find, name_created, pointed_at, remove_teams, touched_since

KIND = "import"
LATEST = 10


@dataclass(frozen=True)
class Imported:
    """An import that created something."""

    id: int
    kind: str
    filename: str
    at: datetime
    who: str
    created: int
    has_updates: bool
    undone_at: datetime | None
    undo_until: datetime


@dataclass(frozen=True)
class Undoing:
    """What the undo of an import does: the records that go, by id, the teams that go with them; and what stays, with the reason."""

    going: dict[int, Any] = field(default_factory=dict)
    teams: list[int] = field(default_factory=list)
    left: list[Refused] = field(default_factory=list)


def note_created(session: CrmSession, run: Run, import_id: int, *, part: int) -> None:
    """Keep which records a part of an import created."""
    if not run.made and not run.made_teams:
        return
    before = name_created(session, WAYS[run.plan.kind], run.made)
    receipt = Batch(kind=KIND, at=clock.now(), actor_id=run.actor.id, key=f"{KIND}:{import_id}:{part}", done=len(before))
    receipt.what = {"import": import_id, "of": run.plan.kind, "teams": list(run.made_teams)}
    receipt.refused, receipt.before = [], before
    session.add(receipt)
    run.made.clear()
    run.made_teams.clear()


def list_imports(session: CrmSession, actor: Actor) -> list[Imported]:
    """The latest imports of what the actor may import, one's own; those of everybody for who sees all customers. Raises `NotAllowed`."""
    kinds = offered_kinds(actor)
    if not kinds:
        require(actor, Permission.CUSTOMER_IMPORT)
    number, kind = Batch.what["import"].as_integer(), func.coalesce(Batch.what["of"].as_string(), CUSTOMER)
    sums = (func.max(Batch.at).label("at"), func.max(Batch.undone_at).label("undone_at"), func.sum(Batch.done).label("created"))
    parts = select(number.label("import_id"), kind.label("kind"), Batch.actor_id, *sums).where(Batch.kind == KIND, kind.in_(kinds))
    if actor.scope is not Scope.ALL:
        parts = parts.where(Batch.actor_id == actor.id)
    found = parts.group_by("import_id", kind, Batch.actor_id).order_by(desc("import_id")).limit(LATEST).subquery()
    rows = select(found, ImportBatch.filename, ImportBatch.updated, User.name).join(ImportBatch, ImportBatch.id == found.c.import_id)
    rows = rows.outerjoin(User, User.id == found.c.actor_id).order_by(found.c.import_id.desc())
    return [
        Imported(
            row.import_id,
            row.kind,
            row.filename,
            row.at,
            row.name or _("the system"),
            row.created,
            bool(row.updated) and OnDuplicate.UPDATE in KINDS[row.kind].on_duplicate,
            row.undone_at,
            _until(row.at),
        )
        for row in session.execute(rows)
    ]


def _until(at: datetime) -> datetime:
    return at + timedelta(days=UNDO_DAYS)


def preview_undo(session: CrmSession, actor: Actor, import_id: int) -> Undoing:
    """What an undo would do now. Raises as `undo_import` does."""
    return _plan(session, actor, _load(session, actor, import_id), lock=False)


def undo_import(session: CrmSession, actor: Actor, import_id: int) -> Undoing:
    """Take back what an import created. What somebody touched since, what has more hanging on it, or lies elsewhere, stays.

    Raises `NotAllowed`, `NotFound` for somebody else's, `IllegalTransition` once it is undone or the time for it is over.
    """
    parts = _load(session, actor, import_id, lock=True)
    plan = _plan(session, actor, parts, lock=True)
    batch = session.get_one(ImportBatch, import_id)
    session.info["reason"] = _("Undo of the import of {filename}").format(filename=batch.filename)[:300]
    if plan.going:
        WAYS[kind_of(parts)].take(session, plan.going)
    if plan.teams:
        remove_teams(session, plan.teams)
    closed = update(Batch).where(Batch.id.in_([part.id for part in parts])).values(undone_at=clock.now())
    session.execute(closed, execution_options={"synchronize_session": False})
    audit.record(session, "undone", batch, new=str(len(plan.going)))
    return plan


def sentences(left: Sequence[Refused]) -> list[str]:
    """What stays, each with the reason."""
    return [f"{one['name'] or one['code']}: {_why(one)}" for one in left]


def _why(one: Refused) -> str:
    reason = REASONS[one["why"]]
    return _(reason)


def kind_of(parts: Sequence[Batch]) -> str:
    """What the import brought in; until other kinds could be undone, receipts did not say that these are customers."""
    return str(parts[0].what.get("of", CUSTOMER))


def _load(session: CrmSession, actor: Actor, import_id: int, *, lock: bool = False) -> list[Batch]:
    own = select(Batch).where(Batch.kind == KIND, Batch.what["import"].as_integer() == import_id).order_by(Batch.id)
    parts = list(session.execute(own.with_for_update() if lock else own).scalars())
    if not parts or not (parts[0].actor_id == actor.id or actor.scope is Scope.ALL):
        raise NotFound(_("There is no such import, or it is not yours."))
    for permission in KINDS[kind_of(parts)].permissions:
        require(actor, permission)
    if undone_at := parts[0].undone_at:
        raise IllegalTransition(_("This was undone at {time}.").format(time=format_time(undone_at)))
    if clock.now() > _until(parts[-1].at):
        sentence = _("An import can be undone for {days} days; that time is over. Delete what is too much one by one instead.")
        raise IllegalTransition(sentence.format(days=UNDO_DAYS))
    return parts


def _plan(session: CrmSession, actor: Actor, parts: Sequence[Batch], *, lock: bool) -> Undoing:
    plan, way = Undoing(), WAYS[kind_of(parts)]
    found = find(session, way, [row["id"] for part in parts for row in part.before], lock=lock)
    for part in parts:
        kept = _kept(session, actor, way, part, found)
        for row in part.before:
            if why := kept.get(row["id"]):
                plan.left.append({"code": row["code"], "name": row["name"], "why": why})
            else:
                plan.going[row["id"]] = found[row["id"]]
    _plan_teams(session, parts, plan)
    return plan


def _kept(session: CrmSession, actor: Actor, way: Way, part: Batch, found: Found) -> dict[int, str]:
    """Which records of a part stay, and why; the reason that weighs most."""
    ids = [row["id"] for row in part.before]
    here = [id for id in ids if id in found]
    kept = dict.fromkeys(touched_since(session, way.model, part.at, here), "changed")
    kept |= dict.fromkeys(pointed_at(session, way.model, here), "used")
    kept |= {id: why for id in here if (why := way.why(session, actor, found[id]))}
    return kept | {id: "gone" for id in ids if id not in found}


def _plan_teams(session: CrmSession, parts: Sequence[Batch], plan: Undoing) -> None:
    """Teams that came with accounts go once they are empty."""
    for part in parts:
        teams = session.execute(select(Team.id, Team.name).where(Team.id.in_(part.what.get("teams", ())))).all()
        ids = [team.id for team in teams]
        members = select(User.team_id).where(User.team_id.in_(ids), User.id.not_in(plan.going))
        full = pointed_at(session, Team, ids, besides=[User.__table__.c.team_id]) | set(session.execute(members).scalars())
        touched = touched_since(session, Team, part.at, ids)
        for team in teams:
            if team.id in touched or team.id in full:
                plan.left.append({"code": "", "name": team.name, "why": "members" if team.id in full else "changed"})
            else:
                plan.teams.append(team.id)
