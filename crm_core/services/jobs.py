"""Work at intervals: of all processes one claims a job that is due, does it in one transaction, and notes how it went."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import or_, select, update

from crm_core import clock, db
from crm_core.db import CrmSession, insert_unless_there
from crm_core.models import Job
from crm_core.permissions import SYSTEM
from crm_core.services import (
    cleanup,
    derived,
    duplicate_scan,
    file_store,
    outbox,
    recycle_bin,
    recycling,
    reminders,
    review_deadlines,
    verification,
)

log = logging.getLogger("kemai")

CLAIM = timedelta(minutes=30)
"""How long a process may work at a job before another one takes it for dead."""
AGAIN = timedelta(minutes=5)
"""How long a job waits after it failed."""


@dataclass(frozen=True)
class Work:
    """What a job does. It has to be safe to repeat.

    `read` comes first, in a session that only reads: what takes its time keeps no writer waiting there. What it returns is
    given to `do`, which writes in one transaction and returns True where there is more to do at once.
    """

    do: Callable[..., bool | None] | None
    every: timedelta
    read: Callable[[CrmSession], Any] | None = None


DAY, HOUR = timedelta(days=1), timedelta(hours=1)
JOBS: dict[str, Work] = {
    "cleanup": Work(cleanup.remove_expired, DAY),
    "late_mails": Work(outbox.give_up_late, DAY),
    "pool": Work(recycling.recycle, DAY),
    "reviews": Work(review_deadlines.follow_up, timedelta(minutes=10)),
    "derived": Work(derived.derive_all, 6 * HOUR),
    "verifications": Work(verification.open_due, 6 * HOUR),
    "overdue_tasks": Work(reminders.tell_overdue, timedelta(minutes=5)),
    "due_tasks": Work(reminders.tell_due_soon, timedelta(minutes=1)),
    "first_follow_ups": Work(reminders.tell_first_follow_ups, HOUR),
    "purge": Work(recycle_bin.purge, HOUR),
    "unused_files": Work(None, HOUR * 6, read=file_store.remove_unused_files),
    duplicate_scan.JOB: Work(duplicate_scan.keep_pairs, DAY, read=duplicate_scan.find_pairs),
}
"""All jobs by name; a new one is a row here."""


def run_due() -> None:
    """Do every job that is due and that no other process is at."""
    for name in _due():
        if claim(name):
            run(name)


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
    error, is_done, began = None, True, clock.now()
    try:
        is_done = not _work(JOBS[name])
    except Exception as problem:
        log.exception("the job %s failed", name)
        error = f"{type(problem).__name__}: {problem}"[:500]
    now = clock.now()
    due_at = now + (AGAIN if error else JOBS[name].every if is_done else timedelta())
    with db.transaction(SYSTEM) as session:
        done = (
            update(Job)
            .where(Job.name == name)
            .values(
                due_at=due_at,
                claimed_until=None,
                finished_at=now,
                error=error,
                took_ms=(now - began) // timedelta(milliseconds=1),
                failures=Job.failures + 1 if error else 0,
            )
        )
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
