"""What a digest says, in the language in force; customers' names masked, since it leaves the house."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select

from crm_core.db import CrmSession
from crm_core.i18n import N_, _, format_date, format_time, plural
from crm_core.masking import mask, mask_text
from crm_core.models import TASK_KINDS, Customer, Review, ReviewState
from crm_core.permissions import Actor, Permission
from crm_core.services import oversight, review_list, task_views
from crm_core.services.account_links import address_of
from crm_core.services.delivery import Letter
from crm_core.services.task_rows import Listed
from crm_core.services.task_views import TaskQuery
from crm_core.workdays import add_workdays

SHOWN = 10
"""A part of a digest has so many lines, and says how many more there are."""
PEOPLE = 30
NAMED = 5
"""So many customers without contact are named."""


@dataclass(frozen=True)
class Part:
    """One heading with what stands below it."""

    title: str
    count: int
    lines: Sequence[str] = ()
    more: int = 0
    """So many lines are left out."""
    is_capped: bool = False

    def told(self) -> str:
        """The part as a paragraph."""
        count = f"{self.count}+" if self.is_capped else str(self.count)
        more = [_("… and {count} more").format(count=self.more)] if self.more else []
        return "\n".join([_("{title}: {count}").format(title=self.title, count=count), *(f"- {line}" for line in (*self.lines, *more))])


def daily_letter(session: CrmSession, actor: Actor, today: date) -> Letter | None:
    """What somebody has to do today, and what is overdue; nothing where there is nothing."""
    parts = [*_tasks(session, actor, today), *_first_follow_ups(session, actor, today), *_reviews(session, actor)]
    told = [part.told() for part in parts if part.count]
    subject = _("Today, {day}").format(day=format_date(today))
    return Letter(subject, (*told, address_of("/"))) if told else None


def _tasks(session: CrmSession, actor: Actor, today: date) -> Iterable[Part]:
    if not actor.can(Permission.CUSTOMER_READ):
        return
    planned, others = ("follow_up",), tuple(kind for kind in TASK_KINDS if kind != "follow_up")
    for title, kinds in ((_("Follow-ups due"), planned), (_("Tasks"), others)):
        query = TaskQuery(assignees=(actor.id or 0,), kinds=kinds, due_until=today)
        page = task_views.list_tasks(session, actor, query)
        lines = [_task(task) for task in page.rows[:SHOWN]]
        yield Part(title, page.total, lines, page.total - len(lines), page.is_capped)


def _task(task: Listed) -> str:
    customer = f" · {mask('name', task.customer)}" if task.customer else ""
    line = f"{format_time(task.due_at)} {mask_text(task.title, [task.customer])}{customer}"
    return _("{task} (overdue)").format(task=line) if task.is_overdue else line


def _first_follow_ups(session: CrmSession, actor: Actor, today: date) -> Iterable[Part]:
    is_due = (Customer.awaits_first_follow_up, Customer.is_listed, Customer.first_follow_up_on <= add_workdays(today, 1))
    due = select(Customer.name, Customer.first_follow_up_on).where(*is_due, Customer.owner_id == actor.id)
    rows = session.execute(due.order_by(Customer.first_follow_up_on, Customer.id).limit(oversight.COUNT_LIMIT + 1)).all()
    lines = [f"{format_date(row.first_follow_up_on)} {mask('name', row.name)}" for row in rows[:SHOWN]]
    count = min(len(rows), oversight.COUNT_LIMIT)
    yield Part(_("First follow-ups"), count, lines, count - len(lines), len(rows) > oversight.COUNT_LIMIT)


def _reviews(session: CrmSession, actor: Actor) -> Iterable[Part]:
    waiting = review_list.count_reviews(session, actor).get(review_list.WAITING, 0) if review_list.views_for(actor) else 0
    yield Part(_("Entries that wait for your review"), waiting)
    returned = select(Customer.name, Review.due_at).join(Review, Review.customer_id == Customer.id)
    own = returned.where(Review.author_id == actor.id, Review.state == ReviewState.RETURNED).order_by(Review.due_at)
    rows = session.execute(own.limit(oversight.COUNT_LIMIT), execution_options={"unscoped": True}).all()
    lines = [_("{customer}, until {time}").format(customer=mask("name", row.name), time=format_time(row.due_at)) for row in rows[:SHOWN]]
    yield Part(_("Entries returned to you"), len(rows), lines, len(rows) - len(lines))


def weekly_letter(session: CrmSession, actor: Actor, today: date) -> Letter:
    """How the team of a head stands: open and overdue tasks by person, first follow-ups of last week, customers without contact."""
    monday = today - timedelta(days=today.weekday())
    since, until = monday - timedelta(days=7), monday - timedelta(days=1)
    loads = task_views.by_person(session, actor)
    tasks = [_("{name}: {open} open, {overdue} overdue").format(name=one.name, open=one.open, overdue=one.overdue) for one in loads]
    rates = oversight.first_follow_up_rates(session, actor, since, until)
    made = [_("{name}: {in_time} of {due} in time").format(name=one.name, in_time=one.in_time, due=one.due) for one in rates]
    due, in_time = sum(one.due for one in rates), sum(one.in_time for one in rates)
    rate = [_("{percent}% made in time").format(percent=round(100 * in_time / due))] if due else []
    parts = (
        Part(_("Open tasks"), sum(one.open for one in loads), tasks[:PEOPLE], max(0, len(tasks) - PEOPLE)),
        Part(_("First follow-ups due last week"), due, [*rate, *made[:PEOPLE]], max(0, len(made) - PEOPLE)),
        _quiet(session, actor),
    )
    subject = _("The team, {since} to {until}").format(since=format_date(since), until=format_date(until))
    return Letter(subject, (*(part.told() for part in parts), address_of("/")))


def _quiet(session: CrmSession, actor: Actor) -> Part:
    """How many customers had no contact for long, and those that waited longest."""
    page = oversight.list_watched(session, actor, "quiet")
    shown = page.rows[:NAMED]
    told = N_("{customer} · {owner} · {count} day"), N_("{customer} · {owner} · {count} days")
    lines = [plural(row.quiet_days, *told).format(customer=mask("name", row.name), owner=row.owner, count=row.quiet_days) for row in shown]
    return Part(_("Customers long without contact"), page.total, lines, page.total - len(shown), page.is_capped)
