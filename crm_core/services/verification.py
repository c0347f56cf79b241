"""核对: the periodic check of a customer's data, and the correction of what turned out missing or wrong [002]."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Select, exists, or_, select

from crm_core import audit, clock
from crm_core.db import CrmSession
from crm_core.errors import ValidationFailed
from crm_core.fields import fields_of
from crm_core.i18n import N_, _
from crm_core.models import ChangeLog, Contact, Customer, Task, User
from crm_core.numbering import bump
from crm_core.permissions import Actor, Permission
from crm_core.scope import unscoped
from crm_core.services import tasks
from crm_core.services.customers import lock_customer
from crm_core.services.notices import notify
from crm_core.services.task_rows import Listed
from crm_core.services.verification_plan import next_due
from crm_core.validation import clean_text
from crm_core.visibility import View
from crm_core.workdays import add_workdays

CHECKS = {
    "names": N_("Name and codes"),
    "contacts": N_("Contacts"),
    "address": N_("Region and address"),
    "scale": N_("Industry and company size"),
    "needs": N_("Needs"),
    "cooperation": N_("Cooperation history"),
}
"""What is checked."""
VERIFY_WITHIN = 5
CORRECT_WITHIN = 3
"""Working days; three for a correction is the seed's [002]."""
SHOWN = 20
"""More modifications than these are not looked at."""


def open_due(session: CrmSession) -> None:
    """Give the owner of each customer whose verification is due a task for it, once. A job, safe to repeat."""
    today = clock.today()
    has_task = exists().where(Task.customer_id == Customer.id, Task.kind == "verification", Task.done_at.is_(None))
    due = select(Customer.id, Customer.owner_id, Customer.verify_on).join(User, User.id == Customer.owner_id)
    due = due.where(Customer.is_listed, Customer.verify_on <= today, User.is_active, ~has_task).order_by(Customer.id)
    due_at = tasks.end_of(add_workdays(today, VERIFY_WITHIN))
    counts: Counter[int] = Counter()
    for row in session.execute(due).all():
        key = f"verification:{row.id}:{row.verify_on}"
        name = N_("Check the customer's data")
        session.add(Task(kind="verification", name=name, customer_id=row.id, assignee_id=row.owner_id, due_at=due_at, key=key))
        counts[row.owner_id] += 1
    session.flush()
    for owner_id, count in counts.items():
        notify(session, [owner_id], "verifications_due", {"count": count}, path="/tasks", key=f"verifications:{today}")


def verify_customer(
    session: CrmSession, actor: Actor, customer_id: int, *, checked: Sequence[str], wrong: Sequence[str] = (), note: str = ""
) -> Task | None:
    """Record that parts of a customer's data (`CHECKS`) were checked. What is missing or wrong becomes a correction for the last follower,
    due in three working days, which is returned; where all is right, an open correction is settled.

    Raises `ValidationFailed`, `NotAllowed`, `NotFound`.
    """
    customer = lock_customer(session, actor, customer_id, Permission.CUSTOMER_EDIT)
    checked, wrong, note = [code for code in CHECKS if code in checked], [code for code in CHECKS if code in wrong], clean_text(note)[:300]
    errors = {}
    if not checked:
        errors["checked"] = [_("Tick what you checked.")]
    if wrong and not note:
        errors["note"] = [_("Say what is missing or wrong.")]
    if errors:
        raise ValidationFailed(errors)
    customer.verified_on, customer.verify_on = clock.today(), next_due(session, customer.tier)
    what = json.dumps({"checked": checked, "wrong": wrong})
    audit.record(session, "verified", customer, new=what, reason=note or None)
    _settle(session, customer_id, ("verification",) if wrong else ("verification", "correction"), note or _("All right."))
    bump(session, "customers")
    return _open_correction(session, actor, customer, note) if wrong else None


def _settle(session: CrmSession, customer_id: int, kinds: Sequence[str], note: str) -> None:
    still_open = select(Task).where(Task.customer_id == customer_id, Task.kind.in_(kinds), Task.done_at.is_(None))
    for task in session.execute(still_open).scalars():
        tasks.finish(session, task, note)


def _open_correction(session: CrmSession, actor: Actor, customer: Customer, note: str) -> Task:
    due_at = tasks.end_of(add_workdays(clock.today(), CORRECT_WITHIN))
    name = N_("Correct the customer's data")
    task = Task(kind="correction", name=name, description=note, priority="high", customer_id=customer.id, due_at=due_at)
    return tasks.assign(session, task, last_follower(session, actor, customer), by=actor)


def last_follower(session: CrmSession, actor: Actor, customer: Customer) -> int:
    """Who edited the customer or its contacts last and still sees it; else its owner, else the actor."""
    newest = session.execute(_edits(customer.id).order_by(ChangeLog.id.desc()).limit(1), execution_options=unscoped).scalar()
    candidates: Iterator[int] = (one for one in (newest.actor_id if newest else None, customer.owner_id) if one)
    return next((one for one in candidates if tasks.sees(session, one, customer.id)), actor.id or 0)


def _edits(customer_id: int) -> Select[*tuple[Any, ...]]:
    """What people changed of a customer's data; the dates of a verification are none."""
    declared = or_(ChangeLog.field.is_(None), ChangeLog.field.in_({*fields_of(Customer), *fields_of(Contact)}))
    return select(ChangeLog).where(
        ChangeLog.customer_id == customer_id,
        ChangeLog.entity.in_((Customer.__tablename__, Contact.__tablename__)),
        ChangeLog.action.in_(("created", "changed", "deleted")),
        ChangeLog.actor_id.is_not(None),
        declared,
    )


def modifications(session: CrmSession, actor: Actor, task: Listed | Task) -> list[View]:
    """The changes of the customer's data by people since a correction was asked for, the latest first."""
    since = _edits(task.customer_id or 0).where(ChangeLog.at > task.created_at)
    return [View(actor, line) for line in session.execute(since.order_by(ChangeLog.id.desc()).limit(SHOWN)).scalars()]


def finish_task(session: CrmSession, actor: Actor, task_id: int, *, note: str, version: int) -> None:
    """Mark a task as done with a note. A correction is done when the modification is recorded, with its reason and time.

    A verification is done by checking the customer, not here. Raises `ValidationFailed`, `NotFound`, `Conflict`, `NotAllowed`.
    """
    task = tasks.load_open(session, actor, task_id, version=version)
    errors = {}
    if task.kind == "verification":
        errors["note"] = [_("Open the customer and choose Verify; that completes the task.")]
    elif not clean_text(note):
        errors["note"] = [_("Say what came of it.")]
    if task.kind == "correction" and not modifications(session, actor, task):
        errors["task"] = [_("Nothing was corrected yet. Edit the customer first; or verify it again if everything is right.")]
    if errors:
        raise ValidationFailed(errors)
    tasks.finish(session, task, note)


def is_due(verify_on: date | None) -> bool:
    """Whether a customer has to be checked by now."""
    return verify_on is not None and verify_on <= clock.today()
