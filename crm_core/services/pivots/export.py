"""Taking a pivot out as a workbook: with permission and a stated reason, noted in the audit log."""

from crm_core import audit, clock
from crm_core.db import CrmSession
from crm_core.errors import ValidationFailed
from crm_core.i18n import _, format_date, format_time
from crm_core.permissions import SCOPES, Actor, Permission, require
from crm_core.services.pivots.pivot import PivotQuery, analyse, title_of
from crm_core.services.pivots.subjects import SUBJECTS
from crm_core.services.reports.words import filters_in_words
from crm_core.services.reports.workbook import pivot_workbook
from crm_core.validation import clean_text

LONGEST_REASON = 300


def export_pivot(session: CrmSession, actor: Actor, query: PivotQuery, *, reason: str) -> bytes:
    """The workbook. Raises `NotAllowed`, `ValidationFailed` without a reason."""
    require(actor, Permission.CUSTOMER_EXPORT)
    why = clean_text(reason)[:LONGEST_REASON]
    if not why:
        raise ValidationFailed({"reason": [_("Say what the workbook is for: it is noted in the audit log.")]})
    pivot, title, now = analyse(session, actor, query), title_of(query), format_time(clock.now())
    days = [format_date(day) or "…" for day in (query.since, query.until)]
    facts = [(_(SUBJECTS[query.subject].dated_label), " – ".join(days))] if query.since or query.until else []
    facts += filters_in_words(
        session, teams=query.teams, owners=query.owners, stages=query.stages, sources=query.sources, tiers=query.tiers
    )
    facts += [(_("Made for"), actor.name), (_("Counted"), _(SCOPES[actor.scope])), (_("Made at"), now), (_("Reason"), why)]
    audit.record_event(session, "exported", "pivot", new=title, reason=why)
    return pivot_workbook(pivot, title=title, facts=facts, mark=f"{actor.name} {now}")
