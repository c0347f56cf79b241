"""Work at intervals: of all processes one claims a job that is due, does it in one transaction, and notes how it went."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import or_, select, update

from crm_core import clock, db
from crm_core.db import CrmSession, insert_unless_there
from crm_core.i18n import N_
from crm_core.models import Job
from crm_core.permissions import SYSTEM
from crm_core.services import (
    cleanup,
    contract_reminders,
    derived,
    digests,
    duplicate_scan,
    file_store,
    opportunities,
    outbox,
    recycle_bin,
    recycling,
    relay,
    reminders,
    review_deadlines,
    ticket_reminders,
    ticket_work,
    verification,
)
from crm_core.services.churn import policy, scoring
from crm_core.services.reports import schedules

log = logging.getLogger("kemai")

CLAIM = timedelta(minutes=30)
"""How long a process may work at a job before another one takes it for dead."""
AGAIN = timedelta(minutes=5)
"""How long a job waits after it failed."""


@dataclass(frozen=True)
class Work:
    """What a job does, and what it is called. It has to be safe to repeat.

    `read` comes first, in a session that only reads: what takes its time keeps no writer waiting there. What it returns is
    given to `do`, which writes in one transaction and returns True where there is more to do at once.
    """

    label: str
    do: Callable[..., bool | None] | None
    every: timedelta
    read: Callable[[CrmSession], Any] | None = None


DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
JOBS: dict[str, Work] = {
    "due_tasks": Work(N_("Remind of tasks that are due soon"), reminders.tell_due_soon, MINUTE),
    "overdue_tasks": Work(N_("Tell of overdue tasks"), reminders.tell_overdue, 5 * MINUTE),
    "tickets": Work(N_("Remind of tickets that are due soon, tell of overdue ones"), ticket_reminders.tell_tickets, 5 * MINUTE),
    "resolved_tickets": Work(N_("Close tickets that were resolved some days ago"), ticket_work.close_resolved, HOUR),
    "first_follow_ups": Work(N_("Remind of first follow-ups"), reminders.tell_first_follow_ups, HOUR),
    "contracts": Work(N_("Remind of contracts that end and of payments that are overdue"), contract_reminders.tell_contracts, HOUR),
    "reviews": Work(N_("Remind of entries under review"), review_deadlines.follow_up, 10 * MINUTE),
    "messages": Work(N_("Write mails and messages for notices"), relay.send_notices, MINUTE, read=relay.find_receivers),
    "digests": Work(N_("Write digests"), digests.send_digests, MINUTE, read=digests.compose_due),
    "late_mails": Work(N_("Give up messages that are too old"), outbox.give_up_late, DAY),
    "reports": Work(N_("Ask for scheduled reports"), schedules.order_due, MINUTE),
    "verifications": Work(N_("Open tasks for verifications"), verification.open_due, 6 * HOUR),
    "derived": Work(N_("Derive tiers, states and tags"), derived.derive_all, 6 * HOUR),
    policy.JOB: Work(N_("Reckon churn scores"), scoring.keep, DAY, read=scoring.reckon),
    "pool": Work(N_("Warn of recycling, take back into the pool"), recycling.recycle, DAY),
    duplicate_scan.JOB: Work(N_("Look for suspected duplicates"), duplicate_scan.keep_pairs, DAY, read=duplicate_scan.find_pairs),
    "purge_opportunities": Work(N_("Remove deleted opportunities for good"), opportunities.purge, HOUR),
    "purge": Work(N_("Empty the recycle bin"), recycle_bin.purge, HOUR),
    "unused_files": Work(N_("Remove files that nothing uses"), None, HOUR * 6, read=file_store.remove_unused_files),
    "cleanup": Work(N_("Remove what has expired"), cleanup.remove_expired, DAY),
}
"""All jobs by name; a new one is a row here."""


def run_due(may_go_on: Callable[[], bool] = lambda: True) -> None:
    """Do every job that is due and that no other process is at, as long as this one may."""
    for name in _due():
        if may_go_on() and claim(name):
            run(name)


def take_over() -> None:
    """Let go of the jobs of a process that died at them: they are due again. What they wrote was one transaction, and is gone."""
    with db.transaction(SYSTEM) as session:
        held = update(Job).where(Job.claimed_until.is_not(None)).values(claimed_until=None)
        session.execute(held, execution_options={"synchronize_session": False})


def _due() -> list[str]:
    # Asked every few seconds: a claim is a write, and there is nothing to claim nearly always.
    with db.reading(SYSTEM) as session:
        resting = select(Job.name).where(or_(Job.due_at > clock.now(), Job.claimed_until >= clock.now()))
        later = set(session.execute(resting).scalars())
    return [name for name in JOBS if name not in later]


def claim(name: str) -> bool:
    """Take a job that is due, for `CLAIM`."""
    now = clock.now()
    with db.transaction(SYSTEM) as session:
        insert_unless_there(session, Job, name=name, due_at=now)
        due = (Job.name == name, Job.due_at <= now, or_(Job.claimed_until.is_(None), Job.claimed_until < now))
        taken = update(Job).where(*due).values(claimed_until=now + CLAIM, started_at=now).returning(Job.name)
        return session.execute(taken, execution_options={"synchronize_session": False}).first() is not None


def run(name: str) -> None:
    """Do a job that was claimed; an error is logged and noted, and the job is due again soon."""
    error, is_done, begun = None, True, time.perf_counter()
    try:
        is_done = not _work(JOBS[name])
    except Exception as problem:
        log.exception("the job %s failed", name)
        error = f"{type(problem).__name__}: {problem}"[:500]
    now = clock.now()
    due_at = now + (AGAIN if error else JOBS[name].every if is_done else timedelta())
    noted: dict[str, Any] = {"due_at": due_at, "claimed_until": None, "finished_at": now, "error": error}
    noted |= {"took_ms": round((time.perf_counter() - begun) * 1000), "failures": Job.failures + 1 if error else 0}
    with db.transaction(SYSTEM) as session:
        done = update(Job).where(Job.name == name).values(noted)
        session.execute(done, execution_options={"synchronize_session": False})


def _work(work: Work) -> bool:
    """Do it; returns whether there is more."""
    found: tuple[Any, ...] = ()
    if work.read:
        with db.reading(SYSTEM) as session:
            found = (work.read(session),)
    if work.do is None:
        return False
    with db.transaction(SYSTEM) as session:
        return bool(work.do(session, *found))
