"""The jobs as an administrator sees them: when each ran, how it went, when it runs next, and which process leads."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select, update

from crm_core import audit, clock
from crm_core.db import CrmSession, insert_unless_there
from crm_core.errors import NotFound
from crm_core.i18n import _
from crm_core.models import Job, Lease
from crm_core.permissions import Actor, Permission, require
from crm_core.services.jobs import JOBS
from crm_core.services.leases import WORK


@dataclass(frozen=True)
class JobState:
    """One job."""

    name: str
    label: str
    finished_at: datetime | None
    took_ms: int | None
    running_since: datetime | None
    due_at: datetime | None
    """When it runs next; none for one that never ran and runs as soon as a process leads."""
    error: str
    failures: int


@dataclass(frozen=True)
class Leader:
    """The process that leads, or led last."""

    name: str
    until: datetime

    @property
    def is_there(self) -> bool:
        """Whether it leads now."""
        return self.until > clock.now()


def list_jobs(session: CrmSession, actor: Actor) -> list[JobState]:
    """All jobs; those that failed first."""
    require(actor, Permission.USER_EDIT)
    known = {job.name: job for job in session.execute(select(Job)).scalars()}
    states = [_state(name, known.get(name) or Job(name=name)) for name in JOBS]
    return sorted(states, key=lambda one: not one.error)


def _state(name: str, job: Job) -> JobState:
    is_running = job.claimed_until is not None and job.claimed_until > clock.now()
    return JobState(
        name,
        _(JOBS[name].label),
        job.finished_at,
        job.took_ms,
        job.started_at if is_running else None,
        job.due_at,
        job.error or "",
        job.failures or 0,
    )


def get_leader(session: CrmSession, actor: Actor) -> Leader | None:
    """Who does the jobs; none where no process ever did."""
    require(actor, Permission.USER_EDIT)
    lease = session.execute(select(Lease).where(Lease.name == WORK)).scalar_one_or_none()
    return Leader(":".join(lease.holder.split(":")[:2]), lease.until) if lease else None


def run_now(session: CrmSession, actor: Actor, name: str) -> None:
    """Let a job run with the next round; one that runs already is left to its work. Raises `NotAllowed`, `NotFound`."""
    require(actor, Permission.USER_EDIT)
    if name not in JOBS:
        raise NotFound
    now = clock.now()
    insert_unless_there(session, Job, name=name, due_at=now)
    idle = or_(Job.claimed_until.is_(None), Job.claimed_until < now)
    asked = update(Job).where(Job.name == name, idle).values(due_at=now)
    session.execute(asked, execution_options={"synchronize_session": False})
    subject = JOBS[name].label
    line = audit.line_for(session, "job_asked", entity=Job.__tablename__, entity_id=name, customer_id=None, subject=subject)
    audit.add_lines(session, [line])
