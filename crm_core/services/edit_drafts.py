"""Edits of a customer that are not saved yet: kept while somebody types, found again after a refresh, a lost connection or a restart."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.models import EditDraft
from crm_core.permissions import Actor, Permission, require
from crm_core.services.locking import lock_listed


@dataclass(frozen=True)
class Unsaved:
    """What somebody changed last of a customer, and when."""

    values: dict[str, Any]
    kept_at: datetime


def find_draft(session: CrmSession, actor: Actor, customer_id: int) -> Unsaved | None:
    """What the actor changed of a customer and did not save."""
    own = select(EditDraft).where(EditDraft.user_id == actor.id, EditDraft.customer_id == customer_id)
    draft = session.execute(own).scalar_one_or_none()
    return Unsaved(draft.values, draft.updated_at) if draft else None


def keep_draft(session: CrmSession, actor: Actor, customer_id: int, values: dict[str, Any]) -> None:
    """Keep what stands in the form; nothing at all where nothing differs any more.

    Raises `NotAllowed`, `NotFound` for a customer that was deleted or is out of scope, `IllegalTransition` for one in the archive.
    """
    require(actor, Permission.CUSTOMER_EDIT)
    lock_listed(session, customer_id)
    discard_draft(session, actor, customer_id)
    if values:
        session.add(EditDraft(user_id=actor.id or 0, customer_id=customer_id, values=values, updated_at=clock.now()))


def discard_draft(session: CrmSession, actor: Actor, customer_id: int) -> None:
    """Let go of what was changed; nothing where it is gone already."""
    session.execute(delete(EditDraft).where(EditDraft.user_id == actor.id, EditDraft.customer_id == customer_id))
