"""Half-filled entries: saved as the user types, found again after a refresh or a restart."""

import uuid
from typing import Any

from sqlalchemy import func, select

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.errors import IllegalTransition, NotFound
from crm_core.i18n import _
from crm_core.models import Attachment, Customer, Draft, Place, Review
from crm_core.permissions import Actor, Permission, require
from crm_core.search import reindex
from crm_core.services.entry import refuse_stage
from crm_core.validation import clean_text

MAX_DRAFTS = 20


def start_draft(session: CrmSession, actor: Actor, values: dict[str, Any]) -> str:
    """Begin an entry and return the draft's id. Raises `IllegalTransition` where too many are unfinished already."""
    require(actor, Permission.CUSTOMER_CREATE)
    refuse_stage(actor, values.get("stage"))
    unfinished = session.execute(select(func.count()).select_from(Draft).where(Draft.user_id == actor.id)).scalar_one()
    if unfinished >= MAX_DRAFTS:
        raise IllegalTransition(
            _("You have {count} unfinished entries. Finish or discard one of them, then begin the next.").format(count=unfinished)
        )
    draft = Draft(id=str(uuid.uuid4()), user_id=actor.id, values=values)
    session.add(draft)
    session.flush()
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
    """Throw a draft away with the files uploaded to it; the log keeps their names.

    With the draft of a withdrawn entry the entry itself goes; that of a returned one stays returned.
    """
    draft = get_draft(session, actor, draft_id)
    for attachment in session.execute(select(Attachment).where(Attachment.draft_id == draft.id)).scalars().all():
        session.delete(attachment)
    session.flush()
    withdrawn = select(Customer).join(Review, Review.customer_id == Customer.id).where(Review.id == draft.review_id)
    customer = session.execute(withdrawn.where(Customer.place == Place.DRAFT)).scalar_one_or_none()
    session.delete(draft)
    session.flush()
    if customer:
        session.delete(customer)
        reindex(session, customer.id)
