"""沟通提纲: the questions to ask a customer, by industry and stage."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from crm_core.db import CrmSession
from crm_core.errors import NotFound, ValidationFailed
from crm_core.i18n import _
from crm_core.models import OutlineQuestion
from crm_core.permissions import Actor, Permission, require
from crm_core.services.stale import NOTHING, refuse_changed
from crm_core.validation import clean_text


def list_questions(session: CrmSession, *, industry: str | None, stage: str | None) -> list[OutlineQuestion]:
    """沟通提纲: the questions for this industry's section and this stage, general ones included [002]."""
    section = (industry or "")[:1]
    return list(
        session.execute(
            select(OutlineQuestion)
            .where(
                OutlineQuestion.industry.in_([section, ""]) | OutlineQuestion.industry.is_(None),
                OutlineQuestion.stage.in_([stage or "", ""]) | OutlineQuestion.stage.is_(None),
            )
            .order_by(OutlineQuestion.industry.desc(), OutlineQuestion.stage.desc(), OutlineQuestion.position, OutlineQuestion.id)
        ).scalars()
    )


def list_all_questions(session: CrmSession, actor: Actor) -> list[OutlineQuestion]:
    """Every question, for the administrator's page."""
    require(actor, Permission.LIBRARY_EDIT)
    order = (OutlineQuestion.industry, OutlineQuestion.stage, OutlineQuestion.position, OutlineQuestion.id)
    return list(session.execute(select(OutlineQuestion).order_by(*order)).scalars())


def save_question(
    session: CrmSession,
    actor: Actor,
    question_id: int | None,
    *,
    industry: str,
    stage: str,
    position: int,
    question: str,
    question_en: str,
    field: str,
    seen: Mapping[str, Any] = NOTHING,
) -> None:
    """Add or change a question of the outline. Raises `NotFound`, `ValidationFailed`, `Conflict` where it is no longer as `seen`."""
    require(actor, Permission.LIBRARY_EDIT)
    if not clean_text(question):
        raise ValidationFailed({"question": [_("Enter the question.")]})
    row = session.get(OutlineQuestion, question_id, with_for_update=True) if question_id else OutlineQuestion()
    if row is None:
        raise NotFound
    refuse_changed(row, seen)
    row.industry, row.stage, row.position, row.field = industry, stage, position, field
    row.question, row.question_en = clean_text(question), clean_text(question_en) or None
    session.add(row)


def delete_question(session: CrmSession, actor: Actor, question_id: int) -> None:
    """Remove a question from the outline."""
    require(actor, Permission.LIBRARY_EDIT)
    row = session.get(OutlineQuestion, question_id)
    if row is None:
        raise NotFound
    session.delete(row)
