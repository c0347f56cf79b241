"""Reports that come by themselves: about the week, month or quarter before, for each receiver within their own scope.

Only a link is sent, which needs signing in, see ADR 10. The schedule of somebody who left does not go on.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from dateutil.relativedelta import relativedelta
from sqlalchemy import delete, select

from crm_core import clock
from crm_core.config import settings
from crm_core.db import CrmSession, insert_unless_there
from crm_core.errors import NotFound, ValidationFailed
from crm_core.i18n import _
from crm_core.models import RHYTHMS, Report, ReportReceiver, ReportSchedule, User
from crm_core.permissions import Actor, Permission
from crm_core.services.actors import list_actors
from crm_core.services.owners import visible_people
from crm_core.services.reports.making import check_order, note_export, require_reports
from crm_core.services.reports.order import Order, period_before
from crm_core.services.users import user_names

LAST_DAY = 28
"""The latest day of a month that every month has."""
MOST_SCHEDULES = 20
MOST_RECEIVERS = 50
FOR_REPORTS = (Permission.DASHBOARD_READ, Permission.CUSTOMER_EXPORT)


@dataclass(frozen=True)
class Rhythm:
    """When a schedule runs: the day of the week (1 for Monday), of the month or of the quarter's first month, and the time."""

    name: str
    day: int = 1
    at: time = time(8)

    def after(self, moment: datetime) -> datetime:
        """The first time after a moment."""
        this_period = self._day_in(clock.day_of(moment), ahead=0)
        found = datetime.combine(this_period, self.at, settings().timezone)
        return found if found > moment else datetime.combine(self._day_in(this_period, ahead=1), self.at, settings().timezone)

    def _day_in(self, day: date, *, ahead: int) -> date:
        """The day of the rhythm in the week, month or quarter of a day, or so many of them ahead."""
        if self.name == "weekly":
            return day - timedelta(days=day.weekday()) + timedelta(days=self.day - 1 + 7 * ahead)
        months = 1 if self.name == "monthly" else 3
        first = day.replace(day=1, month=(day.month - 1) // months * months + 1)
        found: date = first + relativedelta(months=months * ahead, day=self.day)
        return found


@dataclass(frozen=True)
class Planned:
    """A schedule as its author sees it."""

    id: int
    name: str
    rhythm: Rhythm
    order: Order
    reason: str
    receivers: tuple[int, ...]
    receiver_names: tuple[str, ...]
    next_at: datetime
    is_active: bool
    version: int


def possible_receivers(session: CrmSession, actor: Actor) -> dict[int, str]:
    """The people in view who may have reports, by id."""
    require_reports(actor)
    people = list_actors(session, User.is_active.is_(True), visible_people(actor))
    return {one.id: one.name for one in sorted(people, key=lambda one: one.name) if one.id and all(one.can(need) for need in FOR_REPORTS)}


def list_schedules(session: CrmSession, actor: Actor) -> list[Planned]:
    """The actor's own schedules, by name."""
    require_reports(actor)
    own = select(ReportSchedule).where(ReportSchedule.user_id == actor.id).order_by(ReportSchedule.name, ReportSchedule.id)
    return [_planned(session, one) for one in session.execute(own).scalars()]


def _planned(session: CrmSession, one: ReportSchedule) -> Planned:
    receivers = tuple(session.execute(select(ReportReceiver.user_id).where(ReportReceiver.schedule_id == one.id)).scalars())
    names, rhythm = user_names(session), Rhythm(one.rhythm, one.day, one.at)
    told = tuple(sorted(names.get(number, "—") for number in receivers))
    return Planned(
        one.id, one.name, rhythm, Order.from_json(one.asked), one.reason, receivers, told, one.next_at, one.is_active, one.version
    )


def add_schedule(
    session: CrmSession, actor: Actor, order: Order, *, name: str, reason: str, rhythm: Rhythm, receivers: Collection[int]
) -> int:
    """Let a report come at intervals; the schedule's id. Raises `NotAllowed`, and `ValidationFailed` with every error."""
    require_reports(actor)
    errors = _errors(session, actor, rhythm, receivers)
    try:
        name, reason, order = check_order(actor, order, name=name, reason=reason)
    except ValidationFailed as problem:
        errors = problem.errors | errors
    if errors:
        raise ValidationFailed(errors)
    values = {"rhythm": rhythm.name, "day": rhythm.day, "at": rhythm.at, "next_at": rhythm.after(clock.now())}
    schedule = ReportSchedule(user_id=actor.id, name=name, asked=order.as_json(), reason=reason, **values)
    session.add(schedule)
    session.flush()
    session.add_all(ReportReceiver(schedule_id=schedule.id, user_id=number) for number in sorted(set(receivers)))
    session.flush()
    return schedule.id


def _errors(session: CrmSession, actor: Actor, rhythm: Rhythm, receivers: Collection[int]) -> dict[str, list[str]]:
    errors: dict[str, list[str]] = {}
    if rhythm.name not in RHYTHMS or not 1 <= rhythm.day <= (7 if rhythm.name == "weekly" else LAST_DAY):
        errors["rhythm"] = [_("Choose a rhythm and a day that every week or month has.")]
    if not receivers or not set(receivers) <= possible_receivers(session, actor).keys():
        errors["receivers"] = [_("Choose receivers who may see dashboards and export customers.")]
    if len(receivers) > MOST_RECEIVERS:
        errors["receivers"] = [_("At most {count} people can receive one report.").format(count=MOST_RECEIVERS)]
    if len(list_schedules(session, actor)) >= MOST_SCHEDULES:
        errors["name"] = [_("You have {count} scheduled reports, more are not possible. Delete one first.").format(count=MOST_SCHEDULES)]
    return errors


def pause_schedule(session: CrmSession, actor: Actor, schedule_id: int, *, is_active: bool) -> None:
    """Stop a schedule, or let it go on with its next time from now. Raises `NotFound`."""
    schedule = _own(session, actor, schedule_id)
    schedule.is_active = is_active
    schedule.next_at = Rhythm(schedule.rhythm, schedule.day, schedule.at).after(clock.now())


def delete_schedule(session: CrmSession, actor: Actor, schedule_id: int) -> None:
    """Delete a schedule; the reports that it made stay. Raises `NotFound`."""
    schedule = _own(session, actor, schedule_id)
    session.execute(delete(ReportReceiver).where(ReportReceiver.schedule_id == schedule.id))
    session.delete(schedule)


def _own(session: CrmSession, actor: Actor, schedule_id: int) -> ReportSchedule:
    require_reports(actor)
    own = select(ReportSchedule).where(ReportSchedule.id == schedule_id, ReportSchedule.user_id == actor.id)
    schedule = session.execute(own.with_for_update()).scalar_one_or_none()
    if schedule is None:
        raise NotFound(_("This scheduled report was deleted. Reload the page."))
    return schedule


def order_due(session: CrmSession) -> None:
    """Ask for the reports of all schedules whose time has come, each once for a period and a receiver. Safe to repeat.

    Was the system off for longer, only the latest period is made up for.
    """
    now = clock.now()
    due = select(ReportSchedule).join(User, User.id == ReportSchedule.user_id)
    due = due.where(ReportSchedule.next_at <= now, ReportSchedule.is_active, User.is_active.is_(True)).with_for_update(of=ReportSchedule)
    for schedule in session.execute(due).scalars().all():
        _order(session, schedule)
        schedule.next_at = Rhythm(schedule.rhythm, schedule.day, schedule.at).after(now)


def _order(session: CrmSession, schedule: ReportSchedule) -> None:
    period = period_before(schedule.rhythm, clock.today())
    order = Order.from_json(schedule.asked).about(period)
    receiving = select(ReportReceiver.user_id).where(ReportReceiver.schedule_id == schedule.id)
    for actor in list_actors(session, User.is_active.is_(True), User.id.in_(receiving)):
        if not all(actor.can(need) for need in FOR_REPORTS):
            continue
        key = f"schedule:{schedule.id}:{period.first.isoformat()}:{actor.id}"
        values = {
            "user_id": actor.id,
            "schedule_id": schedule.id,
            "name": schedule.name,
            "asked": order.as_json(),
            "reason": schedule.reason,
        }
        if insert_unless_there(session, Report, key=key, state="waiting", progress=0, attempts=0, size=0, **values):
            made = session.execute(select(Report).where(Report.key == key)).scalar_one()
            note_export(session, made, order, actor)
