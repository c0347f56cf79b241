"""Half-written follow-ups: kept while somebody writes, found again after a refresh, a lost connection or a restart."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.models import Customer, FollowUpDraft
from crm_core.permissions import Actor, Permission, require
from crm_core.services.locking import lock_listed

SHOWN = 20


@dataclass(frozen=True)
class Unfinished:
    """What somebody began to write about a customer."""

    id: int
    customer_id: int
    customer: str
    values: dict[str, Any]
    kept_at: datetime


def find_draft(session: CrmSession, actor: Actor, customer_id: int) -> Unfinished | None:
    """What the actor began to write about a customer last."""
    return next(iter(_read(session, _own(actor).where(FollowUpDraft.customer_id == customer_id).limit(1))), None)


def list_drafts(session: CrmSession, actor: Actor) -> list[Unfinished]:
    """What the actor began to write about customers that can still be written about, the latest first, at most `SHOWN`."""
    return _read(session, _own(actor).where(Customer.is_listed).limit(SHOWN))


def _own(actor: Actor) -> Select[*tuple[Any, ...]]:
    own = select(FollowUpDraft, Customer.name).join(Customer, Customer.id == FollowUpDraft.customer_id)
    return own.where(FollowUpDraft.user_id == actor.id).order_by(FollowUpDraft.updated_at.desc(), FollowUpDraft.id.desc())


def _read(session: CrmSession, statement: Select[*tuple[Any, ...]]) -> list[Unfinished]:
    rows = session.execute(statement).all()
    return [Unfinished(row[0].id, row[0].customer_id, row.name, row[0].values, row[0].updated_at) for row in rows]


def keep_draft(
    session: CrmSession, actor: Actor, customer_id: int, values: dict[str, Any], *, digests: Sequence[str] = (), draft_id: int | None = None
) -> int:
    """Keep what stands in the form, in a new draft or in this one; returns its id. `digests` name the files that wait with it.

    Raises `NotAllowed`, `NotFound` for a customer that was deleted or is out of scope, `IllegalTransition` for one in the archive.
    """
    require(actor, Permission.FOLLOW_UP_WRITE)
    lock_listed(session, customer_id)
    draft = _load(session, actor, draft_id) or FollowUpDraft(user_id=actor.id, customer_id=customer_id)
    draft.values, draft.digests, draft.updated_at = values, list(digests), clock.now()
    session.add(draft)
    session.flush()
    return draft.id


def discard_draft(session: CrmSession, actor: Actor, draft_id: int | None) -> None:
    """Let go of what was being written; nothing where it is gone already."""
    if draft := _load(session, actor, draft_id):
        session.delete(draft)


def _load(session: CrmSession, actor: Actor, draft_id: int | None) -> FollowUpDraft | None:
    own = select(FollowUpDraft).where(FollowUpDraft.id == draft_id, FollowUpDraft.user_id == actor.id)
    return session.execute(own).scalar_one_or_none() if draft_id else None
