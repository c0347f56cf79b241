"""The calendar as it is drawn: which days, what stands on them in words, and what somebody did with it in the browser."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import streamlit as st
from babel.dates import format_date, format_skeleton, get_day_names

from crm_core import clock, workdays
from crm_core.config import settings
from crm_core.i18n import N_, _, join_words, language, plural
from crm_core.services import task_calendar, tasks
from crm_core.services.task_calendar import Day
from crm_core.services.task_rows import Listed
from ui import guard
from ui.component import component, noted

MONTH, WEEK, DAY = "month", "week", "day"
VIEWS = {MONTH: N_("Month"), WEEK: N_("Week"), DAY: N_("Day")}
MOST = {MONTH: 4, WEEK: 12, DAY: 200}
"""So many tasks of a day are shown, by view; of the others the number."""
LOOKS = {"follow_up": "plan", "verification": "check", "correction": "check"}
_draw = component("kemai_calendar", '<div class="calendar"></div>', ("drag.js", "calendar.js"), ("calendar.css",))
_EVENTS = ("opened", "added", "moved", "shown", "turned")


@dataclass(frozen=True)
class Span:
    """The days that a view shows around a day."""

    view: str
    anchor: date

    @property
    def first(self) -> date:
        """Its first day; weeks begin on Monday."""
        if self.view == DAY:
            return self.anchor
        day = self.anchor.replace(day=1) if self.view == MONTH else self.anchor
        return day - timedelta(days=day.weekday())

    @property
    def count(self) -> int:
        """How many days; a month is shown in whole weeks."""
        if self.view != MONTH:
            return {WEEK: 7, DAY: 1}[self.view]
        following = (self.anchor.replace(day=28) + timedelta(days=4)).replace(day=1)
        return -(-(following - self.first).days // 7) * 7

    def turned(self, by: int) -> date:
        """The day to show in the view before or after."""
        if self.view != MONTH:
            return self.anchor + timedelta(days=by * self.count)
        first = self.anchor.replace(day=1)
        return (first - timedelta(days=1)).replace(day=1) if by < 0 else (first + timedelta(days=32)).replace(day=1)

    @property
    def title(self) -> str:
        """What it is called in the language in force."""
        if self.view == DAY:
            return format_date(self.anchor, "full", locale=language())
        if self.view == MONTH:
            return format_skeleton("yMMMM", self.anchor, locale=language())
        last = self.first + timedelta(days=6)
        return f"{format_date(self.first, 'long', locale=language())} – {format_date(last, 'long', locale=language())}"


def draw(span: Span, days: Sequence[Day]) -> Any:
    """Draw it; the result holds what somebody just did: opened, added, moved, shown or turned."""
    names = get_day_names("abbreviated", locale=language())
    shown = {
        "view": span.view,
        "turn": st.session_state.get("calendar_turn", 0),  # so that a task that was refused to move goes back to its day
        "title": span.title,
        "weekdays": [names[number] for number in range(7)],
        "days": [_day(span, day, names) for day in days],
    }
    listening: dict[str, Callable[[], None]] = {f"on_{event}_change": noted for event in _EVENTS}
    return _draw(key="calendar", data=shown, **listening)


def _day(span: Span, day: Day, names: Any) -> dict[str, Any]:
    holiday, is_free = workdays.holiday_of(day.day), not workdays.is_workday(day.day)
    is_past = day.day < clock.today()
    looks = {
        "free": is_free,
        "work": bool(holiday) and not is_free,
        "today": day.day == clock.today(),
        "past": is_past,
        "add": not is_past,
        "outside": span.view == MONTH and day.day.month != span.anchor.month,
    }
    name = _(workdays.HOLIDAYS[holiday]) if holiday else ""
    mark = (_("Off") if is_free else _("Workday")) if holiday else ""
    full = format_date(day.day, "full", locale=language())
    hidden = day.total - len(day.rows)
    return {
        "day": day.day.isoformat(),
        "number": str(day.day.day),
        "weekday": names[day.day.weekday()],
        "label": join_words(
            part for part in (full, name, mark, plural(day.total, N_("{count} task"), N_("{count} tasks")).format(count=day.total)) if part
        ),
        "show": _("Show {day}").format(day=full),
        "mark": mark,
        "holiday": name if is_free else "",
        "look": " ".join(look for look, has in looks.items() if has),
        "isToday": looks["today"],
        "mayAdd": not is_past,
        "more": _("+{count} more").format(count=hidden) if hidden > 0 else "",
        "tasks": [_task(task) for task in day.rows],
    }


def _task(task: Listed) -> dict[str, Any]:
    is_movable = task.done_at is None and tasks.may_act(guard.actor(), task)
    time = _time(task.due_at)
    looks = {
        LOOKS.get(task.kind, "plain"): True,
        "high": task.priority == "high",
        "overdue": task.is_overdue,
        "done": task.done_at is not None,
        "movable": is_movable,
    }
    states = [_("Overdue")] if task.is_overdue else [_("Done")] if task.done_at else []
    return {
        "id": task.id,
        "version": task.version,
        "title": task.title,
        "time": time,
        "label": join_words(part for part in (time, task.title, task.customer, task.assignee, *states) if part),
        "look": " ".join(look for look, has in looks.items() if has),
        "movable": is_movable,
    }


def _time(due_at: datetime) -> str:
    """The time of day; nothing for what is due at its end."""
    return "" if due_at == tasks.end_of(clock.day_of(due_at)) else f"{due_at.astimezone(settings().timezone):%H:%M}"


def list_days(span: Span, assignees: Sequence[int]) -> list[Day]:
    """What stands on the days of a span, and no other."""
    with guard.reading() as session:
        return task_calendar.list_days(session, guard.actor(), span.first, span.count, assignees=assignees, most=MOST[span.view])
