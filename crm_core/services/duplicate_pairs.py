"""Suspected duplicates as somebody sees them: within their scope, the likeliest first; told apart, and listed again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select, update

from crm_core import audit, clock
from crm_core.db import CrmSession, insert_unless_there
from crm_core.errors import NotFound
from crm_core.i18n import _
from crm_core.models import Customer, DuplicatePair, Job
from crm_core.paging import Page
from crm_core.permissions import Actor, Permission, require
from crm_core.services.duplicate_scan import JOB
from crm_core.services.duplicates import REASONS
from crm_core.services.users import user_names
from crm_core.visibility import View


@dataclass(frozen=True)
class Suspected:
    """One pair; the reasons are sentences' parts in the language in force."""

    id: int
    score: int
    reasons: list[str]
    first: View
    second: View
    owners: tuple[str, str]
    dismissed_by: str
    dismissed_at: datetime | None


@dataclass(frozen=True)
class SuspectedPage(Page):
    """One page, the likeliest first."""

    size = 20
    rows: list[Suspected]
    total: int
    page: int


@dataclass(frozen=True)
class ScanState:
    """Whether the scan waits or runs, and when it was done last."""

    is_waiting: bool
    running_since: datetime | None
    finished_at: datetime | None
    has_failed: bool


def list_pairs(session: CrmSession, actor: Actor, *, dismissed: bool = False, page: int = 1) -> SuspectedPage:
    """Pairs of which the actor sees both customers, both in the library: those not decided, or those that were told apart."""
    require(actor, Permission.CUSTOMER_MERGE)
    total = session.execute(_within(select(func.count()).select_from(DuplicatePair), dismissed=dismissed)).scalar_one()
    page = SuspectedPage.nearest(page, total)
    likeliest = _within(select(DuplicatePair), dismissed=dismissed).order_by(DuplicatePair.score.desc(), DuplicatePair.id)
    pairs = session.execute(SuspectedPage.cut(likeliest, page)).scalars().all()
    ids = {one for pair in pairs for one in (pair.first_id, pair.second_id)}
    people = {row.id: row for row in session.execute(select(Customer).where(Customer.id.in_(ids))).scalars()}
    names = user_names(session)
    return SuspectedPage([_suspected(actor, pair, people[pair.first_id], people[pair.second_id], names) for pair in pairs], total, page)


def _suspected(actor: Actor, pair: DuplicatePair, first: Customer, second: Customer, names: Mapping[int, str]) -> Suspected:
    return Suspected(
        pair.id,
        pair.score,
        [_(REASONS[code]) for code in pair.reasons],
        View(actor, first),
        View(actor, second),
        (names.get(first.owner_id or 0, ""), names.get(second.owner_id or 0, "")),
        names.get(pair.dismissed_by_id or 0, ""),
        pair.dismissed_at,
    )


def _within(statement: Select[*tuple[Any, ...]], *, dismissed: bool) -> Select[*tuple[Any, ...]]:
    decided = DuplicatePair.dismissed_at.is_not(None) if dismissed else DuplicatePair.dismissed_at.is_(None)
    return statement.where(decided, *_both_seen())


def _both_seen() -> list[ColumnElement[bool]]:
    # Of each side on its own, so that the session limits both to the actor's scope.
    return [
        select(Customer.id).where(Customer.id == side, Customer.is_listed).correlate(DuplicatePair).exists()
        for side in (DuplicatePair.first_id, DuplicatePair.second_id)
    ]


def tell_apart(session: CrmSession, actor: Actor, pair_id: int) -> None:
    """Remember that these two are no duplicates; no scan lists them again."""
    pair = _pair(session, actor, pair_id)
    pair.dismissed_at, pair.dismissed_by_id = clock.now(), actor.id
    _log(session, pair, "told_apart")


def tell_together(session: CrmSession, actor: Actor, pair_id: int) -> None:
    """Take that back."""
    pair = _pair(session, actor, pair_id)
    pair.dismissed_at = pair.dismissed_by_id = None
    _log(session, pair, "told_together")


def _pair(session: CrmSession, actor: Actor, pair_id: int) -> DuplicatePair:
    require(actor, Permission.CUSTOMER_MERGE)
    pair = session.execute(select(DuplicatePair).where(DuplicatePair.id == pair_id, *_both_seen())).scalar_one_or_none()
    if pair is None:
        raise NotFound(_("This pair is not listed any more. Reload the page."))
    return pair


def _log(session: CrmSession, pair: DuplicatePair, action: str) -> None:
    first, second = session.get_one(Customer, pair.first_id), session.get_one(Customer, pair.second_id)
    for customer, twin in ((first, second), (second, first)):
        # Only its code: whoever reads the history of one may not see the other.
        audit.record(session, action, customer, new=twin.code)


def scan_state(session: CrmSession) -> ScanState:
    """How the scan stands now."""
    job = session.execute(select(Job).where(Job.name == JOB)).scalar_one_or_none()
    if job is None:
        return ScanState(is_waiting=False, running_since=None, finished_at=None, has_failed=False)
    now = clock.now()
    is_running = job.claimed_until is not None and job.claimed_until > now
    return ScanState(
        is_waiting=job.due_at <= now and not is_running,
        running_since=job.started_at if is_running else None,
        finished_at=job.finished_at,
        has_failed=job.error is not None,
    )


def request_scan(session: CrmSession, actor: Actor) -> None:
    """Let the background work scan now; a scan that runs already is left to its work."""
    require(actor, Permission.CUSTOMER_MERGE)
    now = clock.now()
    insert_unless_there(session, Job, name=JOB, due_at=now)
    idle = or_(Job.claimed_until.is_(None), Job.claimed_until < now)
    session.execute(update(Job).where(Job.name == JOB, idle).values(due_at=now))
