"""Asking for reports, and what becomes of them: one's own list, the file, deleting. Each is noted in the audit log with its reason."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from crm_core import audit
from crm_core.db import CrmSession
from crm_core.errors import IllegalTransition, NotFound, ValidationFailed
from crm_core.i18n import _, join_words
from crm_core.models import Report
from crm_core.permissions import Actor, Permission, require
from crm_core.services.attachments import Download, safe_name
from crm_core.services.insight.boards import BOARDS, boards_for
from crm_core.services.reports.details import SHEETS
from crm_core.services.reports.order import FORMATS, MEDIA_TYPES, Format, Order
from crm_core.validation import clean_text

SHOWN = 50
MOST_WAITING = 5
LONGEST_NAME = 60
LONGEST_REASON = 300
MOST_YEARS = 10
UNFINISHED = ("waiting", "building")


@dataclass(frozen=True)
class Listed:
    """A report as its owner sees it in the list."""

    id: int
    name: str
    state: str
    progress: int
    format: Format
    days: tuple[str, str]
    reason: str
    size: int
    error: str
    is_scheduled: bool
    created_at: datetime
    finished_at: datetime | None

    @property
    def is_unfinished(self) -> bool:
        """Whether it is still to come."""
        return self.state in UNFINISHED


def require_reports(actor: Actor) -> None:
    """Raise `NotAllowed` unless the actor may see dashboards and take data out."""
    require(actor, Permission.DASHBOARD_READ)
    require(actor, Permission.CUSTOMER_EXPORT)


def sheets_for(actor: Actor) -> dict[str, str]:
    """The detail sheets that the actor may have, by name, with their titles as phrases."""
    return {name: sheet.label for name, sheet in SHEETS.items() if actor.can(sheet.permission)}


def request_report(session: CrmSession, actor: Actor, order: Order, *, name: str, reason: str) -> int:
    """Ask for a report, which is built beside the requests; its id. Raises `NotAllowed`, and `ValidationFailed` for what is missing."""
    require_reports(actor)
    name, reason, order = check_order(actor, order, name=name, reason=reason)
    own = select(func.count(Report.id)).where(Report.user_id == actor.id, Report.state.in_(UNFINISHED))
    if session.execute(own).scalar_one() >= MOST_WAITING:
        raise ValidationFailed(
            {"report": [_("{count} of your reports are being built. Wait until one is ready.").format(count=MOST_WAITING)]}
        )
    report = Report(user_id=actor.id, name=name, asked=order.as_json(), reason=reason)
    session.add(report)
    session.flush()
    note_export(session, report, order, actor)
    return report.id


def check_order(actor: Actor, order: Order, *, name: str, reason: str) -> tuple[str, str, Order]:
    """Clean name, reason and order, without what the actor may not have. Raises `ValidationFailed` with every error."""
    boards = tuple(key for key in order.boards if key in boards_for(actor))
    details = tuple(key for key in order.details if key in sheets_for(actor) and order.format is Format.EXCEL)
    errors: dict[str, list[str]] = {}
    clean, why = clean_text(name)[:LONGEST_NAME], clean_text(reason)[:LONGEST_REASON]
    if not clean:
        errors["name"] = [_("Give the report a name.")]
    if not why:
        errors["reason"] = [_("Say what the report is for: it is noted in the audit log.")]
    if not boards and not details:
        errors["boards"] = [_("Choose at least one dashboard or detail sheet.")]
    if boards and not order.sections:
        errors["sections"] = [_("Choose at least one section.")]
    if order.question.period.days > MOST_YEARS * 366:
        errors["days"] = [_("Choose at most {count} years.").format(count=MOST_YEARS)]
    if errors:
        raise ValidationFailed(errors)
    return clean, why, replace(order, boards=boards, details=details)


def note_export(session: CrmSession, report: Report, order: Order, actor: Actor) -> None:
    """The line of the audit log: what leaves the system, for whom, about which days and why."""
    days = f"{order.question.period.first.isoformat()} – {order.question.period.last.isoformat()}"
    parts = ", ".join((str(order.format), days, *order.boards, *order.details))
    audit.record(session, "exported", report, new=parts, reason=report.reason, actor=actor)


def describe(order: Order) -> str:
    """What a report holds, in words."""
    boards = [_(BOARDS[key].title) for key in order.boards if key in BOARDS]
    sheets = [_(SHEETS[name].label) for name in order.details if name in SHEETS]
    return join_words([_(FORMATS[order.format]), *boards, *sheets])


def list_reports(session: CrmSession, actor: Actor) -> list[Listed]:
    """The actor's own reports, the latest first."""
    require_reports(actor)
    own = select(Report).where(Report.user_id == actor.id).order_by(Report.id.desc()).limit(SHOWN)
    return [_listed(report) for report in session.execute(own).scalars()]


def _listed(report: Report) -> Listed:
    asked: Mapping[str, Any] = report.asked
    same = {one: getattr(report, one) for one in ("id", "name", "state", "progress", "reason", "size", "created_at", "finished_at")}
    format, days = Format(asked["format"]), (asked["days"][0], asked["days"][1])
    return Listed(**same, format=format, days=days, error=report.error or "", is_scheduled=report.key is not None)


def delete_report(session: CrmSession, actor: Actor, report_id: int) -> None:
    """Delete one's own report; its file goes with the next cleaning of the store. Raises `NotFound`."""
    session.delete(_own(session, actor, report_id))


def open_report(session: CrmSession, actor: Actor, report_id: int) -> Download:
    """The file of one's own report. Raises `NotFound`, `NotAllowed`; `IllegalTransition` where one's rights are others by now."""
    require_reports(actor)
    report = _own(session, actor, report_id)
    if not report.digest:
        raise NotFound(_("This report is not ready. Go back to the list of reports."))
    if report.rights != rights_of(actor):
        raise IllegalTransition(_("Your role or team changed since this report was built. Have it built again."))
    audit.record(session, "viewed", report)
    format = Format(report.asked["format"])
    return Download(f"{safe_name(report.name)}.{format}", MEDIA_TYPES[format], report.digest)


def _own(session: CrmSession, actor: Actor, report_id: int) -> Report:
    own = select(Report).where(Report.id == report_id, Report.user_id == actor.id)
    report = session.execute(own).scalar_one_or_none()
    if report is None:
        raise NotFound(_("This report was deleted or is not yours. Go back to the list of reports."))
    return report


def rights_of(actor: Actor) -> str:
    """A digest of everything that decides what somebody sees: a report holds no more than its owner may see when opening it."""
    seen = [actor.scope, sorted(actor.team_ids), sorted(actor.permissions), sorted(actor.access)]
    return hashlib.sha256(json.dumps(seen).encode()).hexdigest()
