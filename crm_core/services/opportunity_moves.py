"""From stage to stage: moved, won, lost, reopened, each entry with its time and who made it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.errors import Conflict, IllegalTransition, NotFound, ValidationFailed
from crm_core.i18n import _, format_time
from crm_core.models import Opportunity, OpportunityMove, OpportunityStage, Outcome, User
from crm_core.permissions import Actor, Permission, require
from crm_core.services.library import get_library
from crm_core.services.opportunities import count_lines, gone, lock_opportunity
from crm_core.services.opportunity_stages import hold_stage, stage_of
from crm_core.validation import clean_text


@dataclass(frozen=True)
class Entered:
    """One entry into a stage, and how many days it stood there; up to now for the last one."""

    at: datetime
    who: str
    stage: str
    days: int
    reason: str


def list_moves(session: CrmSession, actor: Actor, opportunity_id: int) -> list[Entered]:
    """The stages of an opportunity in the order in which it entered them. Raises `NotFound` outside the scope."""
    require(actor, Permission.OPPORTUNITY_READ)
    if session.execute(select(Opportunity.id).where(Opportunity.id == opportunity_id)).first() is None:
        raise NotFound(gone())
    columns = select(OpportunityMove, OpportunityStage, User.name.label("who"))
    columns = columns.join(OpportunityStage, OpportunityStage.id == OpportunityMove.to_stage_id)
    columns = columns.outerjoin(User, User.id == OpportunityMove.actor_id).where(OpportunityMove.opportunity_id == opportunity_id)
    rows = session.execute(columns.order_by(OpportunityMove.at, OpportunityMove.id)).all()
    ends = [*(row.OpportunityMove.at for row in rows[1:]), clock.now()]
    return [
        Entered(
            row.OpportunityMove.at,
            row.who or _("the system"),
            row.OpportunityStage.label,
            (end - row.OpportunityMove.at).days,
            get_library(session).label(row.OpportunityMove.reason),
        )
        for row, end in zip(rows, ends, strict=True)
    ]


def move_opportunity(session: CrmSession, actor: Actor, opportunity_id: int, stage_id: int, *, seen: int) -> None:
    """Move an open opportunity into another open stage. `seen` is the stage in which whoever moves it saw it.

    Raises `Conflict`, saying who moved it just before and where it stands now; `IllegalTransition` for a stage that is won or lost
    and for a closed one; `NotFound`, `NotAllowed`.
    """
    opportunity = _lock_seen(session, actor, opportunity_id, seen)
    stage = hold_stage(session, stage_id)
    if opportunity.closed_at:
        raise IllegalTransition(_("This opportunity is closed. Reopen it with a reason."))
    if stage.outcome == Outcome.WON:
        raise IllegalTransition(_("Win the opportunity to bring it into this stage: it asks for the products."))
    if stage.outcome == Outcome.LOST:
        raise IllegalTransition(_("Mark the opportunity as lost to bring it into this stage: it asks for the reason."))
    if stage.id != opportunity.stage_id:
        _enter(session, actor, opportunity, stage)


def win_opportunity(session: CrmSession, actor: Actor, opportunity_id: int, *, seen: int) -> Opportunity:
    """An opportunity was won; it has to say what was sold.

    Raises `ValidationFailed` for one without products, `IllegalTransition` for a closed one, `Conflict`, `NotFound`, `NotAllowed`.
    """
    opportunity = _lock_open(session, actor, opportunity_id, seen)
    if not count_lines(session, opportunity_id):
        raise ValidationFailed({"lines": [_("A won opportunity says what was sold. Add at least one product, then win it.")]})
    _enter(session, actor, opportunity, stage_of(session, Outcome.WON))
    return opportunity


def lose_opportunity(session: CrmSession, actor: Actor, opportunity_id: int, *, seen: int, reason: str, note: str = "") -> None:
    """An opportunity was lost, for a reason of the library.

    Raises `ValidationFailed` without a reason, `IllegalTransition` for a closed one, `Conflict`, `NotFound`, `NotAllowed`.
    """
    opportunity = _lock_open(session, actor, opportunity_id, seen)
    if reason not in [entry.code for entry in get_library(session).active("loss_reason")]:
        raise ValidationFailed({"loss_reason": [_("Say why it was lost. Choose a reason.")]})
    opportunity.loss_reason, opportunity.loss_note = reason, clean_text(note, lines=True)[:2000] or None
    _enter(session, actor, opportunity, stage_of(session, Outcome.LOST), reason=reason)


def reopen_opportunity(session: CrmSession, actor: Actor, opportunity_id: int, stage_id: int, *, seen: int, reason: str) -> None:
    """Take a closed opportunity up again in an open stage; the reason stays in its history.

    Raises `ValidationFailed` without a reason, `IllegalTransition` for an open one, `Conflict`, `NotFound`, `NotAllowed`.
    """
    opportunity = _lock_seen(session, actor, opportunity_id, seen)
    stage = hold_stage(session, stage_id)
    if not opportunity.closed_at:
        raise IllegalTransition(_("This opportunity is open already."))
    if stage.outcome != Outcome.OPEN:
        raise ValidationFailed({"stage_id": [_("Choose another open stage.")]})
    if not clean_text(reason):
        raise ValidationFailed({"reason": [_("Say why it is taken up again.")]})
    opportunity.loss_reason = opportunity.loss_note = None
    _enter(session, actor, opportunity, stage, reason=clean_text(reason)[:300])


def _lock_open(session: CrmSession, actor: Actor, opportunity_id: int, seen: int) -> Opportunity:
    opportunity = _lock_seen(session, actor, opportunity_id, seen)
    if opportunity.closed_at:
        raise IllegalTransition(_("This opportunity is closed. Reopen it with a reason."))
    return opportunity


def _lock_seen(session: CrmSession, actor: Actor, opportunity_id: int, seen: int) -> Opportunity:
    opportunity = lock_opportunity(session, actor, opportunity_id)
    if opportunity.stage_id != seen:
        last = list_moves(session, actor, opportunity_id)[-1]
        sentence = _("{who} moved {name} to {stage} at {time}, so it was not moved again. The page shows where it stands now.")
        told = sentence.format(who=last.who, name=opportunity.name, stage=last.stage, time=format_time(last.at))
        raise Conflict(version=opportunity.version, theirs={"stage_id": opportunity.stage_id}, message=told)
    return opportunity


def _enter(session: CrmSession, actor: Actor, opportunity: Opportunity, stage: OpportunityStage, *, reason: str | None = None) -> None:
    now = clock.now()
    move = OpportunityMove(opportunity_id=opportunity.id, at=now, actor_id=actor.id, reason=reason)
    move.from_stage_id, move.to_stage_id = opportunity.stage_id, stage.id
    session.add(move)
    opportunity.stage_id, opportunity.stage_since = stage.id, now
    opportunity.closed_at = None if stage.outcome == Outcome.OPEN else now
    session.flush()
