"""Industries in users' own words: put before an administrator, who takes them into the library, maps or refuses them."""

from sqlalchemy import func, select, update

from crm_core import audit
from crm_core.db import CrmSession
from crm_core.errors import NotFound, ValidationFailed
from crm_core.i18n import _
from crm_core.models import Customer, Industry, IndustrySuggestion, SuggestionState
from crm_core.numbering import bump
from crm_core.permissions import Actor, Permission, require
from crm_core.scope import unscoped
from crm_core.services.completeness import mark_incomplete
from crm_core.services.library import get_library
from crm_core.services.notices import notify
from crm_core.validation import clean_text


def suggest_industry(session: CrmSession, actor: Actor, text: str) -> None:
    """Put an industry in the user's own words before the administrator, once; a refused one is put there again [000]."""
    known = session.execute(select(IndustrySuggestion).where(IndustrySuggestion.text == text)).scalar_one_or_none()
    if known is None:
        session.add(IndustrySuggestion(text=text, proposed_by_id=actor.id))
    elif known.state != SuggestionState.PENDING:
        known.state, known.industry, known.remark = SuggestionState.PENDING, None, None


def list_suggestions(session: CrmSession, actor: Actor) -> list[tuple[IndustrySuggestion, int]]:
    """The suggestions still open, oldest first, each with the number of customers waiting for it."""
    require(actor, Permission.LIBRARY_EDIT)
    waiting = select(func.count()).where(Customer.industry_text == IndustrySuggestion.text, Customer.is_listed).scalar_subquery()
    rows = session.execute(
        select(IndustrySuggestion, waiting).where(IndustrySuggestion.state == SuggestionState.PENDING).order_by(IndustrySuggestion.id)
    )
    return [(suggestion, count) for suggestion, count in rows]


def accept_suggestion(session: CrmSession, actor: Actor, suggestion_id: int, *, section: str, name_en: str = "") -> None:
    """Take a suggestion into the library under a 门类; customers waiting for it get the new entry."""
    suggestion = _pending(session, actor, suggestion_id)
    # Locked: of two who take industries into one section at once, the second counts the one that the first added.
    under = select(Industry.code).where(Industry.code == section, Industry.parent.is_(None)).with_for_update()
    if session.execute(under).first() is None:
        raise ValidationFailed({"section": [_("Choose the section under which the industry belongs.")]})
    own = select(func.count()).where(Industry.parent == section, Industry.code.contains("-"))
    code = f"{section}-{session.execute(own).scalar_one() + 1}"
    session.add(Industry(code=code, parent=section, name=suggestion.text, name_en=clean_text(name_en)[:120] or None))
    session.flush()
    _settle(session, actor, suggestion, SuggestionState.ACCEPTED, industry=code)


def map_suggestion(session: CrmSession, actor: Actor, suggestion_id: int, *, industry: str) -> None:
    """Treat a suggestion as an entry the library already has; customers waiting for it get that entry."""
    suggestion = _pending(session, actor, suggestion_id)
    if industry not in get_library(session).industries:
        raise ValidationFailed({"industry": [_("Choose an industry of the library.")]})
    _settle(session, actor, suggestion, SuggestionState.MAPPED, industry=industry)


def refuse_suggestion(session: CrmSession, actor: Actor, suggestion_id: int, *, remark: str) -> None:
    """Refuse a suggestion with a reason; its customers become incomplete until somebody chooses an industry."""
    suggestion = _pending(session, actor, suggestion_id)
    if not clean_text(remark):
        raise ValidationFailed({"remark": [_("Say why, so that the author knows what to choose.")]})
    suggestion.remark = clean_text(remark)[:300]
    _settle(session, actor, suggestion, SuggestionState.REFUSED, industry=None)


def _pending(session: CrmSession, actor: Actor, suggestion_id: int) -> IndustrySuggestion:
    require(actor, Permission.LIBRARY_EDIT)
    wanted = select(IndustrySuggestion).where(IndustrySuggestion.id == suggestion_id).with_for_update()
    suggestion = session.execute(wanted).scalar_one_or_none()
    if suggestion is None or suggestion.state != SuggestionState.PENDING:
        raise NotFound(_("This suggestion has already been dealt with. Reload the page to see the open ones."))
    return suggestion


def _settle(session: CrmSession, actor: Actor, suggestion: IndustrySuggestion, state: SuggestionState, *, industry: str | None) -> None:
    suggestion.state = state
    if suggestion.proposed_by_id and suggestion.proposed_by_id != actor.id:
        told = {"text": suggestion.text, "remark": suggestion.remark or ""}
        notify(session, [suggestion.proposed_by_id], f"industry_{state}", told, path="/customers?incomplete=1" if industry is None else "")
    suggestion.industry = industry
    changes: dict[str, object] = {"industry": industry, "industry_text": None, "version": Customer.version + 1}
    settled = session.execute(
        update(Customer).where(Customer.industry_text == suggestion.text).values(changes).returning(Customer.id, Customer.name),
        execution_options=unscoped | {"synchronize_session": False},
    )
    audit.record_customer_changes(session, [(row.id, row.name) for row in settled], field="industry", old=suggestion.text, new=industry)
    bump(session, "library")
    bump(session, "customers")
    if industry is None:
        mark_incomplete(session)
