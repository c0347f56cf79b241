"""跟进记录: writing, correcting and deleting follow-ups, and their next plans [001].

The next plan is a task (`Task.follow_up_id`): made with the follow-up, closed by the next one, and whoever moves the task moves the plan.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from crm_core import clock
from crm_core.db import CrmSession, insert_unless_there
from crm_core.errors import Conflict, NotAllowed, NotFound, ValidationFailed
from crm_core.i18n import _
from crm_core.models import METHODS, Attachment, Contact, Customer, FollowUp, FollowUpMention, Task, TaskState, User
from crm_core.permissions import Actor, Permission, require
from crm_core.scope import unscoped
from crm_core.services import tasks
from crm_core.services.actors import people_seeing
from crm_core.services.contact_days import note_contact, recount_contacts, refresh
from crm_core.services.follow_up_rules import get_follow_up_policy
from crm_core.services.locking import lock_listed
from crm_core.services.notices import notify
from crm_core.validation import check_length, clean_text

LONGEST = {"subject": 120, "content": 10_000, "feedback": 2_000}
TOLERANCE = timedelta(minutes=2)
"""Clocks differ a little: no later than this in the future counts as now."""
PLAN = "follow_up"
"""The kind of task that a next plan is."""

Errors = dict[str, list[str]]


@dataclass(frozen=True)
class Plan:
    """The next plan: until when, with what goal, who."""

    due_at: datetime | None
    goal: str
    assignee_id: int
    remind_lead: int | None = tasks.USUAL_LEAD


@dataclass(frozen=True)
class Entry:
    """What somebody enters about a follow-up."""

    happened_at: datetime | None
    method: str
    subject: str
    content: str
    feedback: str = ""
    contact_id: int | None = None
    mentions: tuple[int, ...] = ()


def write_follow_up(session: CrmSession, actor: Actor, customer_id: int, entry: Entry, plan: Plan | None = None) -> FollowUp:
    """Record a follow-up, close the open plan of the customer, and make the next one.

    Raises `ValidationFailed`, with the errors of the plan under `due_at`, `goal` and `assignee`; `NotAllowed`; `NotFound` for a customer
    that was deleted or is out of scope, `IllegalTransition` for one in the archive.
    """
    require(actor, Permission.FOLLOW_UP_WRITE)
    customer = lock_listed(session, customer_id)
    values, errors = _checked(session, customer, entry)
    errors |= _plan_problems(session, actor, customer.id, plan)
    if errors:
        raise ValidationFailed(errors)
    late = timedelta(hours=get_follow_up_policy(session)[0].late_hours)
    is_late = clock.now() - values["happened_at"] > late
    made = FollowUp(**values, customer_id=customer.id, author_id=actor.id, is_late=is_late)
    session.add(made)
    session.flush()
    _mention(session, actor, customer, made, entry.mentions)
    _close_plans(session, customer.id, made)
    if plan:
        _make_plan(session, actor, made, plan)
    note_contact(session, customer, made.happened_at)
    return made


def correct_follow_up(session: CrmSession, actor: Actor, follow_up_id: int, entry: Entry, *, version: int, reason: str) -> FollowUp:
    """Correct a follow-up, for a reason that the change log keeps with old and new values [001]. Its plan is moved with `set_plan`.

    Its author may, and those who lead. Raises `ValidationFailed`, `NotAllowed`, `NotFound`, `Conflict`, `IllegalTransition`.
    """
    require(actor, Permission.FOLLOW_UP_WRITE)
    found, customer = _lock(session, follow_up_id)
    if found.author_id != actor.id and not tasks.leads(actor):
        raise NotAllowed(Permission.FOLLOW_UP_WRITE, _("Only its author and their manager correct a follow-up. Write one of your own."))
    if found.version != version:
        raise Conflict(version=found.version, theirs={name: getattr(found, name) for name in ("subject", "content", "feedback", "method")})
    values, errors = _checked(session, customer, entry, present=found)
    if not clean_text(reason):
        errors["reason"] = [_("Say why it is corrected.")]
    if errors:
        raise ValidationFailed(errors)
    session.info["reason"] = clean_text(reason)[:300]
    was = found.happened_at
    for name, value in values.items():
        if getattr(found, name) != value:
            setattr(found, name, value)
    session.flush()
    _mention(session, actor, customer, found, entry.mentions)
    if found.happened_at != was:
        recount_contacts(session, customer, was)
    refresh(session, customer)
    return found


def delete_follow_up(session: CrmSession, actor: Actor, follow_up_id: int, *, reason: str) -> None:
    """Delete a follow-up with its files; a plan that is open is cancelled. The change log keeps that it was there, and why it went.

    Raises `NotAllowed`, `NotFound`, `ValidationFailed` without a reason, `IllegalTransition`.
    """
    require(actor, Permission.FOLLOW_UP_DELETE)
    found, customer = _lock(session, follow_up_id)
    if not clean_text(reason):
        raise ValidationFailed({"reason": [_("Say why it is deleted.")]})
    session.info["reason"] = clean_text(reason)[:300]
    plan = _plan_of(session, found.id)
    if plan is not None:
        plan.follow_up_id = None
        if plan.is_open:
            tasks.close(plan, TaskState.CANCELLED, reason)
    for file in session.execute(select(Attachment).where(Attachment.follow_up_id == found.id)).scalars().all():
        session.delete(file)
    session.flush()
    session.delete(found)
    session.flush()
    recount_contacts(session, customer, found.happened_at)
    refresh(session, customer)


def set_plan(session: CrmSession, actor: Actor, follow_up_id: int, plan: Plan | None) -> Task | None:
    """Make the plan of a follow-up, move it, or cancel it (None). Raises `ValidationFailed`, `NotAllowed`, `NotFound`, `IllegalTransition`.

    A plan that was closed stays closed: what comes next is planned with the next follow-up.
    """
    require(actor, Permission.FOLLOW_UP_WRITE)
    found, customer = _lock(session, follow_up_id)
    present = _plan_of(session, found.id)
    if present is not None and not present.is_open:
        raise ValidationFailed({"due_at": [_("This plan was closed already. Write the next follow-up and plan from there.")]})
    if errors := _plan_problems(session, actor, customer.id, plan):
        raise ValidationFailed(errors)
    if plan is None:
        if present is not None:
            tasks.close(present, TaskState.CANCELLED, "")
        return None
    if present is None:
        return _make_plan(session, actor, found, plan)
    present.name, present.remind_lead = clean_text(plan.goal), tasks.lead_of(session, plan.remind_lead)
    tasks.set_due(present, _due(plan))
    if present.assignee_id != plan.assignee_id:
        tasks.assign(session, present, plan.assignee_id, by=actor)
    return present


def mentionable(session: CrmSession, customer_id: int) -> dict[int, str]:
    """Whom one can mention in a follow-up of a customer: the active people who see it, by id."""
    return {one.id: one.name for one in people_seeing(session, customer_id) if one.id}


def _lock(session: CrmSession, follow_up_id: int) -> tuple[FollowUp, Customer]:
    # The customer first, as in writing: else two who work at one customer could wait for each other.
    owner = session.execute(select(FollowUp.customer_id).where(FollowUp.id == follow_up_id)).scalar()
    customer = lock_listed(session, owner) if owner else None
    statement = select(FollowUp).where(FollowUp.id == follow_up_id).with_for_update().execution_options(populate_existing=True)
    found = session.execute(statement).scalar_one_or_none()
    if found is None or customer is None:
        raise NotFound(_("This follow-up was deleted or is not visible to you. Reload the page."))
    return found, customer


def _checked(session: CrmSession, customer: Customer, entry: Entry, *, present: FollowUp | None = None) -> tuple[dict[str, Any], Errors]:
    values, errors = _texts(entry)
    if entry.happened_at is None:
        errors["happened_at"] = [_("Enter when it happened.")]
    elif entry.happened_at > clock.now() + TOLERANCE:
        errors["happened_at"] = [_("This time lies in the future. Enter when it happened, and plan what comes next below.")]
    else:
        values["happened_at"] = entry.happened_at.replace(second=0, microsecond=0)
    values["method"] = entry.method
    if entry.method not in METHODS:
        errors["method"] = [_("Choose how you were in touch.")]
    if present is None or entry.contact_id != present.contact_id:
        named = select(Contact.name).where(Contact.id == entry.contact_id, Contact.customer_id == customer.id)
        values |= {"contact_id": entry.contact_id, "contact_name": session.execute(named).scalar() if entry.contact_id else None}
        if entry.contact_id and not values["contact_name"]:
            errors["contact_id"] = [_("This contact is gone. Choose another one.")]
    if problem := _mention_problem(session, customer, _new_mentions(session, present, entry.mentions)):
        errors["mentions"] = [problem]
    return values, errors


def _texts(entry: Entry) -> tuple[dict[str, Any], Errors]:
    values: dict[str, Any] = {}
    errors: Errors = {}
    needed = {"subject": _("Say what it was about."), "content": _("Write down what was said.")}
    for name, limit in LONGEST.items():
        values[name] = clean_text(getattr(entry, name), lines=name != "subject") or None
        if not values[name] and name in needed:
            errors[name] = [needed[name]]
        try:
            check_length(values[name] or "", limit)
        except ValueError as problem:
            errors[name] = [str(problem)]
    return values, errors


def _new_mentions(session: CrmSession, present: FollowUp | None, wanted: Iterable[int]) -> list[int]:
    told = select(FollowUpMention.user_id).where(FollowUpMention.follow_up_id == (present.id if present else 0))
    before = set(session.execute(told).scalars())
    return [one for one in dict.fromkeys(wanted) if one not in before]


def _mention_problem(session: CrmSession, customer: Customer, wanted: list[int]) -> str:
    """What speaks against mentioning somebody: the account was disabled, or does not see the customer."""
    if not wanted:
        return ""
    known = {row.id: row for row in session.execute(select(User.id, User.name, User.is_active).where(User.id.in_(wanted)))}
    seeing = mentionable(session, customer.id)
    for one in wanted:
        if one not in known or not known[one].is_active:
            name = known[one].name if one in known else str(one)
            return _("{name} does not work here any more: the account is disabled. Mention somebody else.").format(name=name)
        if one not in seeing:
            return _("{name} does not see this customer. Mention somebody who does.").format(name=known[one].name)
    return ""


def _mention(session: CrmSession, actor: Actor, customer: Customer, found: FollowUp, wanted: Iterable[int]) -> None:
    data = {"actor": actor.name, "customer": customer.name, "text": found.subject}
    path = f"/customer?code={customer.code}&follow_up={found.id}"
    for user_id in wanted:
        is_new = insert_unless_there(session, FollowUpMention, follow_up_id=found.id, user_id=user_id)
        if is_new and user_id != actor.id:
            notify(session, [user_id], "mentioned", data, path=path, customer_id=customer.id)


def _plan_problems(session: CrmSession, actor: Actor, customer_id: int, plan: Plan | None) -> Errors:
    if plan is None:
        return {}
    errors: Errors = {}
    if not clean_text(plan.goal):
        errors["goal"] = [_("Say what is to be reached next.")]
    elif len(clean_text(plan.goal)) > 200:
        errors["goal"] = [_("At most {limit} characters are possible here.").format(limit=200)]
    if problem := tasks.past_due(plan.due_at):
        errors["due_at"] = [problem]
    try:
        tasks.check_assignee(session, actor, plan.assignee_id, customer_id)
    except NotAllowed as problem:
        errors["assignee"] = [str(problem)]
    except ValidationFailed as problem:
        errors |= problem.errors
    return errors


def _due(plan: Plan) -> datetime:
    if plan.due_at is None:
        raise ValidationFailed({"due_at": [tasks.past_due(None)]})
    return plan.due_at


def _make_plan(session: CrmSession, actor: Actor, found: FollowUp, plan: Plan) -> Task:
    task = Task(kind=PLAN, name=clean_text(plan.goal), customer_id=found.customer_id, follow_up_id=found.id)
    task.remind_lead = tasks.lead_of(session, plan.remind_lead)
    tasks.set_due(task, _due(plan))
    return tasks.assign(session, task, plan.assignee_id, by=actor)


def _plan_of(session: CrmSession, follow_up_id: int) -> Task | None:
    own = select(Task).where(Task.follow_up_id == follow_up_id).with_for_update()
    return session.execute(own, execution_options=unscoped).scalar_one_or_none()


def _close_plans(session: CrmSession, customer_id: int, made: FollowUp) -> None:
    """A plan is done with the follow-up that comes after the one that made it; one that is entered late closes no later plan."""
    planned = select(Task).outerjoin(FollowUp, FollowUp.id == Task.follow_up_id)
    before = func.coalesce(FollowUp.happened_at, Task.created_at) <= made.happened_at
    still_open = planned.where(Task.customer_id == customer_id, Task.kind == PLAN, Task.is_open, before)
    for task in session.execute(still_open.with_for_update(of=Task), execution_options=unscoped).scalars().all():
        tasks.finish(session, task, made.subject)
