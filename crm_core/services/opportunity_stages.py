"""The stages of opportunities as the administrator sets them: their names, order, probability, and days until a mark."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, insert, select, update

from crm_core import audit, clock
from crm_core.checks.numbers import check_percentage
from crm_core.db import CrmSession
from crm_core.errors import Conflict, IllegalTransition, NotFound, ValidationFailed
from crm_core.i18n import N_, _, plural
from crm_core.models import Opportunity, OpportunityMove, OpportunityStage, Outcome
from crm_core.permissions import Actor, Permission, require
from crm_core.scope import unscoped
from crm_core.validation import clean_name, clean_text

MOST = 12
LONGEST = 999
_EVERY_ROW = unscoped | {"synchronize_session": False}


def list_stages(session: CrmSession) -> list[OpportunityStage]:
    """The stages in use, in their order: those that are open, then won and lost."""
    rows = session.execute(select(OpportunityStage).where(OpportunityStage.removed_at.is_(None))).scalars()
    return sorted(rows, key=lambda one: (one.outcome != Outcome.OPEN, one.outcome == Outcome.LOST, one.position, one.id))


def stage_of(session: CrmSession, outcome: Outcome) -> OpportunityStage:
    """The stage of those that are won, or of those that are lost; the first one of those that are open."""
    return next(stage for stage in list_stages(session) if stage.outcome == outcome)


def hold_stage(session: CrmSession, stage_id: int) -> OpportunityStage:
    """A stage in use that something enters now: it stays until that has happened. Raises `NotFound` for one that was removed."""
    return _lock(session, stage_id, shared=True)


def count_inside(session: CrmSession, stage_id: int) -> int:
    """How many opportunities stand in a stage, whoever sees them."""
    inside = select(func.count(Opportunity.id)).where(Opportunity.stage_id == stage_id, Opportunity.deleted_at.is_(None))
    return session.execute(inside, execution_options=unscoped).scalar_one()


def add_stage(
    session: CrmSession, actor: Actor, *, name: str, name_en: str = "", probability: Any = 0, rotting_days: int | None = None
) -> OpportunityStage:
    """Add a stage behind the other open ones. Raises `ValidationFailed`, `NotAllowed`."""
    require(actor, Permission.RULE_EDIT)
    stages = list_stages(session)
    if len(stages) >= MOST:
        raise ValidationFailed({"name": [_("At most {count} stages are possible.").format(count=MOST)]})
    values = _check(stages, None, name, name_en, probability, rotting_days)
    last = max(stage.position for stage in stages if stage.outcome == Outcome.OPEN)
    stage = OpportunityStage(**values, position=last + 1, outcome=Outcome.OPEN)
    session.add(stage)
    session.flush()
    return stage


def save_stage(
    session: CrmSession,
    actor: Actor,
    stage_id: int,
    *,
    name: str,
    name_en: str = "",
    probability: Any = 0,
    rotting_days: int | None = None,
    version: int,
) -> None:
    """Change a stage; won and lost are always 100 and 0 percent and never marked. Raises `ValidationFailed`, `Conflict`, `NotFound`."""
    require(actor, Permission.RULE_EDIT)
    stage = _lock(session, stage_id)
    if stage.version != version:
        raise Conflict(version=stage.version, theirs={}, message=_("Somebody else changed this stage meanwhile. Open it again."))
    values = _check(list_stages(session), stage_id, name, name_en, probability, rotting_days)
    if stage.outcome != Outcome.OPEN:
        values |= {"probability": stage.probability, "rotting_days": None}
    for field, value in values.items():
        setattr(stage, field, value)
    session.flush()


def order_stages(session: CrmSession, actor: Actor, stage_ids: Sequence[int]) -> None:
    """Put the open stages into an order. Raises `Conflict` where they are not those of now, `NotAllowed`."""
    require(actor, Permission.RULE_EDIT)
    present = {stage.id: stage for stage in list_stages(session) if stage.outcome == Outcome.OPEN}
    if sorted(stage_ids) != sorted(present):
        raise Conflict(version=0, theirs={}, message=_("Somebody else added or removed a stage meanwhile. Reload the page."))
    for position, stage_id in enumerate(stage_ids):
        present[stage_id].position = position
    session.flush()


def remove_stage(session: CrmSession, actor: Actor, stage_id: int, *, move_to: int | None = None) -> int:
    """Remove an open stage; what stands in it goes to another open one, with a line in its history. Returns how many moved.

    Raises `IllegalTransition` while it is occupied and no other stage is named, for the last open stage and for won and lost;
    `NotAllowed`, `NotFound`.
    """
    require(actor, Permission.RULE_EDIT)
    stage = _lock(session, stage_id)
    if stage.outcome != Outcome.OPEN:
        raise IllegalTransition(_("Every opportunity ends won or lost, so these two stages stay. They can be renamed."))
    if sum(one.outcome == Outcome.OPEN for one in list_stages(session)) == 1:
        raise IllegalTransition(_("This is the last open stage. Add another one before you remove it."))
    count = count_inside(session, stage_id)
    if count and move_to is None:
        sentence = plural(
            count,
            N_("{count} opportunity stands in {stage}. Choose the stage to which it goes."),
            N_("{count} opportunities stand in {stage}. Choose the stage to which they go."),
        )
        raise IllegalTransition(sentence.format(count=count, stage=stage.label))
    _move_all(session, actor, stage, move_to or next(one.id for one in list_stages(session) if one.id != stage_id))
    stage.removed_at = clock.now()
    session.flush()
    return count


def _move_all(session: CrmSession, actor: Actor, stage: OpportunityStage, target_id: int) -> None:
    """Everything goes, what lies in the recycle bin too: it comes back from there."""
    target = hold_stage(session, target_id)
    if target.id == stage.id or target.outcome != Outcome.OPEN:
        raise ValidationFailed({"move_to": [_("Choose another open stage.")]})
    rows = session.execute(
        select(Opportunity.id, Opportunity.customer_id, Opportunity.name).where(Opportunity.stage_id == stage.id).with_for_update(),
        execution_options=unscoped,
    ).all()
    if not rows:
        return
    entered = {"at": clock.now(), "actor_id": actor.id, "from_stage_id": stage.id, "to_stage_id": target.id}
    session.execute(insert(OpportunityMove), [entered | {"opportunity_id": row.id} for row in rows])
    moved = update(Opportunity).where(Opportunity.stage_id == stage.id)
    present = {"stage_id": target.id, "stage_since": entered["at"], "version": Opportunity.version + 1}
    session.execute(moved.values(present), execution_options=_EVERY_ROW)
    what: dict[str, Any] = {"entity": Opportunity.__tablename__, "field": "stage_id", "old": str(stage.id), "new": str(target.id)}
    lines = [audit.line_for(session, "changed", entity_id=row.id, customer_id=row.customer_id, subject=row.name, **what) for row in rows]
    audit.add_lines(session, lines)


def _lock(session: CrmSession, stage_id: int, *, shared: bool = False) -> OpportunityStage:
    own = select(OpportunityStage).where(OpportunityStage.id == stage_id, OpportunityStage.removed_at.is_(None))
    stage = session.execute(own.with_for_update(read=shared), execution_options={"populate_existing": True}).scalar_one_or_none()
    if stage is None:
        raise NotFound(_("This stage was removed. Reload the page to see the present ones."))
    return stage


def _check(
    stages: Sequence[OpportunityStage], own_id: int | None, name: str, name_en: str, probability: Any, rotting_days: int | None
) -> dict[str, Any]:
    errors: dict[str, list[str]] = {}
    values: dict[str, Any] = {"name_en": clean_text(name_en)[:40] or None, "rotting_days": rotting_days or None}
    try:
        values["name"] = clean_name(name, 40)
        if any(stage.name == values["name"] and stage.id != own_id for stage in stages):
            errors["name"] = [_("Another stage has this name already.")]
    except ValueError as problem:
        errors["name"] = [str(problem)]
    try:
        values["probability"] = check_percentage(probability, {})
    except ValueError as problem:
        errors["probability"] = [str(problem)]
    if rotting_days and not 1 <= rotting_days <= LONGEST:
        errors["rotting_days"] = [_("Between 1 and {limit} days are possible.").format(limit=LONGEST)]
    if errors:
        raise ValidationFailed(errors)
    return values
