"""Half-filled entries: saved as the user types, found again after a refresh or a restart."""

import uuid
from typing import Any

from sqlalchemy import delete, select

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.errors import NotFound
from crm_core.i18n import _
from crm_core.models import Attachment, Draft
from crm_core.permissions import Actor, Permission, require
from crm_core.validation import clean_text

MAX_DRAFTS = 20


def start_draft(session: CrmSession, actor: Actor, values: dict[str, Any]) -> str:
    """Begin an entry and return the draft's id; of many unfinished drafts the oldest go."""
    require(actor, Permission.CUSTOMER_CREATE)
    draft = Draft(id=str(uuid.uuid4()), user_id=actor.id, values=values)
    session.add(draft)
    session.flush()
    old = session.execute(select(Draft.id).where(Draft.user_id == actor.id).order_by(Draft.updated_at.desc()).offset(MAX_DRAFTS)).scalars()
    for one in list(old):
        discard_draft(session, actor, one)
    return draft.id


def get_draft(session: CrmSession, actor: Actor, draft_id: str) -> Draft:
    """One's own draft. Raises `NotFound` for anybody else's or one that was submitted."""
    draft = session.execute(select(Draft).where(Draft.id == clean_text(draft_id), Draft.user_id == actor.id)).scalar_one_or_none()
    if draft is None:
        raise NotFound(_("This draft was submitted or discarded. Begin a new entry."))
    return draft


def save_draft(session: CrmSession, actor: Actor, draft_id: str, values: dict[str, Any]) -> None:
    """Keep what has been entered so far."""
    draft = get_draft(session, actor, draft_id)
    draft.values = values
    draft.updated_at = clock.now()


def list_drafts(session: CrmSession, actor: Actor) -> list[Draft]:
    """One's own drafts, latest first."""
    return list(session.execute(select(Draft).where(Draft.user_id == actor.id).order_by(Draft.updated_at.desc())).scalars())


def discard_draft(session: CrmSession, actor: Actor, draft_id: str) -> None:
    """Throw a draft away with the files uploaded to it."""
    draft = get_draft(session, actor, draft_id)
    session.execute(delete(Attachment).where(Attachment.draft_id == draft_id))
    session.delete(draft)
