"""Building the reports that wait, one at a time beside the requests: claimed, written to a file, stored, told to its owner.

A process that ends in between leaves a claim that runs out; the report is built again then, at most some times.
"""

import logging
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import or_, select, update

from crm_core import clock
from crm_core.db import CrmSession, reading, transaction
from crm_core.errors import CrmError
from crm_core.i18n import N_, _, in_language
from crm_core.models import Report, User
from crm_core.permissions import SYSTEM, Actor
from crm_core.services.actors import list_actors
from crm_core.services.file_store import keep_content
from crm_core.services.notices import notify
from crm_core.services.reports.content import gather
from crm_core.services.reports.making import require_reports, rights_of
from crm_core.services.reports.order import Format, Order
from crm_core.services.reports.pdf import write_pdf
from crm_core.services.reports.workbook import write_workbook

log = logging.getLogger("kemai")

CLAIM = timedelta(minutes=5)
"""Renewed whenever progress is noted."""
MOST_ATTEMPTS = 3
TOLD_EVERY = 1.0
"""Seconds between two notes of the progress."""
BROKEN = N_("Something unexpected went wrong; it was noted in the server's log. Try again, or ask an administrator.")


def build_next() -> bool:
    """Build the report that waits longest; returns whether there was one."""
    report = _claim()
    if report is None:
        return False
    with reading(SYSTEM) as session:
        actor = next(iter(list_actors(session, User.id == report.user_id, User.is_active.is_(True))), None)
    if actor is None:
        _fail(report, "")  # whoever was disabled gets nothing
        return True
    with in_language(actor.language):
        try:
            _build(report, actor)
        except CrmError as problem:
            _fail(report, str(problem))
        except Exception:
            log.exception("the report %s could not be built", report.id)
            _fail(report, _(BROKEN))
    return True


def _claim() -> Report | None:
    now = clock.now()
    is_free = or_(Report.state == "waiting", (Report.state == "building") & (Report.claimed_until < now))
    with reading(SYSTEM) as session:  # nearly always there is nothing, and a writer would hold SQLite's lock
        if session.execute(select(Report.id).where(is_free).limit(1)).first() is None:
            return None
    first = select(Report.id).where(is_free).order_by(Report.id).limit(1).with_for_update(skip_locked=True)
    values: dict[str, Any] = {"state": "building", "progress": 1, "attempts": Report.attempts + 1, "claimed_until": now + CLAIM}
    with transaction(SYSTEM) as session:
        taken = update(Report).where(Report.id == first.scalar_subquery()).values(values).returning(Report)
        return session.execute(taken).scalar_one_or_none()


def _build(report: Report, actor: Actor) -> None:
    require_reports(actor)
    if report.attempts > MOST_ATTEMPTS:
        raise RuntimeError(f"given up after {MOST_ATTEMPTS} attempts")
    order, progress = Order.from_json(report.asked), _Progress(report.id)
    with tempfile.TemporaryDirectory(prefix="kemai-report-") as folder:
        path = Path(folder) / "report"
        with reading(actor) as session:
            content = gather(session, actor, order, title=report.name, reason=report.reason, tell=progress.tell)
            write = write_pdf if order.format is Format.PDF else write_workbook
            write(content, path, progress.tell)
        made = path.read_bytes()
    digest = keep_content(made)
    with transaction(SYSTEM) as session:
        told = {"digest": digest, "size": len(made), "rights": rights_of(actor), "state": "done", "progress": 100}
        if _finish(session, report.id, **told):
            kind = "report_scheduled" if report.key else "report_ready"
            _tell(session, report, kind, day=order.question.period.first.isoformat())


class _Progress:
    """Notes how far a report is, now and then, in a transaction of its own; this renews the claim."""

    def __init__(self, report_id: int) -> None:
        self.report_id, self.noted_at = report_id, time.monotonic()

    def tell(self, percent: int) -> None:
        """Note it, unless that was done just now."""
        if time.monotonic() - self.noted_at < TOLD_EVERY:
            return
        self.noted_at = time.monotonic()
        with transaction(SYSTEM) as session:
            noted = update(Report).where(Report.id == self.report_id)
            session.execute(noted.values(progress=min(percent, 99), claimed_until=clock.now() + CLAIM))


def _fail(report: Report, sentence: str) -> None:
    with transaction(SYSTEM) as session:
        if _finish(session, report.id, state="failed", error=sentence[:300]) and sentence:
            _tell(session, report, "report_failed", reason=sentence)


def _finish(session: CrmSession, report_id: int, **values: Any) -> bool:
    """Note how it ended; returns whether it is still there: its owner may have deleted it meanwhile."""
    ended = update(Report).where(Report.id == report_id).values(finished_at=clock.now(), claimed_until=None, **values)
    return session.execute(ended.returning(Report.id)).first() is not None


def _tell(session: CrmSession, report: Report, kind: str, **data: Any) -> None:
    notify(session, [report.user_id], kind, {"text": report.name, **data}, path=f"/reports?report={report.id}", key=f"report:{report.id}")
