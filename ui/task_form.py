"""The form of a task: what, until when, how important, for whom, how it recurs, with its next days in words."""

from dataclasses import dataclass
from datetime import date, datetime, time

import streamlit as st

from crm_core import clock
from crm_core.config import settings
from crm_core.errors import Conflict
from crm_core.i18n import N_, _, format_date, join_words, plural
from crm_core.models import PRIORITIES
from crm_core.services import recurrence, task_work, tasks
from crm_core.services.follow_up_rules import LEADS
from crm_core.services.recurrence import EVERY, HOLIDAYS, Holiday, Recurrence
from crm_core.services.task_rows import Listed
from ui import feedback, forms, guard
from ui.customer_choice import choose_customer

SHOWN_DAYS = 4
NEVER, AS_IS = "never", "as_is"
"""Choices of how it recurs, besides `EVERY`: not at all, and by a rule that none of the usual ones is."""
USUAL, NO_REMINDER = "usual", "none"


@dataclass(frozen=True)
class Entered:
    """What was entered, apart from whose it is."""

    name: str
    due_at: datetime | None
    priority: str
    remind_lead: int | None
    description: str
    recurrence: Recurrence | None


def key(name: str) -> str:
    """The key of something that is entered in a dialog of tasks."""
    return guard.key(f"task_{name}")


def open_new(customer_id: int | None = None, day: date | None = None) -> None:
    """Open the dialog of a new task."""
    guard.dialog(_("Add task"), _add, customer_id, day)


def _add(customer_id: int | None, day: date | None) -> None:
    """A new task, of the customer on whose page one is or of one that is looked for; due on the day that was clicked."""
    with guard.reading() as session:
        people = tasks.assignees(session, guard.actor())
    entered = _ask(None, day)
    assignee = st.selectbox(_("Assignee"), list(people), format_func=lambda number: people[number], key=key("assignee"))
    chosen = choose_customer(key("customer"), is_required=False) if customer_id is None else customer_id
    steps = st.text_area(_("Steps"), height=80, key=key("steps"), placeholder=_("One step a line"))
    if forms.decide(_("Add task")):
        with feedback.attempt() as outcome, guard.acting() as session:
            tasks.create_task(
                session, guard.actor(), **vars(entered), assignee_id=assignee, customer_id=chosen, steps=(steps or "").splitlines()
            )
        if outcome.succeeded:
            feedback.later(_("The task was added."))
            st.rerun()


def edit(task: Listed) -> None:
    """Change what a task says."""
    entered = _ask(task, None)
    if forms.decide(_("Save")):
        with feedback.attempt() as outcome, guard.acting() as session:
            due_at = entered.due_at or task.due_at
            task_work.edit_task(session, guard.actor(), task.id, **(vars(entered) | {"due_at": due_at}), version=task.version)
        settle(outcome, _("Saved."))


def settle(outcome: feedback.Outcome, sentence: str) -> None:
    """Close the dialog of a task that was changed; who came second has been told, sees the task as it is now, and decides again."""
    if outcome.succeeded:
        feedback.later(sentence)
        st.rerun()
    if isinstance(outcome.error, Conflict):
        st.session_state["task_begun"] = None


def _ask(task: Listed | None, day: date | None) -> Entered:
    first = clock.day_of(task.due_at) if task else day or clock.today()
    name = st.text_input(
        forms.required(_("What has to be done")), value=task.name if task else "", max_chars=tasks.LONGEST_NAME, key=key("name")
    )
    left, middle, right = st.columns(3)
    least = min(first, clock.today())
    due_on = left.date_input(forms.required(_("Due")), value=first, min_value=least, format="YYYY-MM-DD", key=key("due"))
    due_time = middle.time_input(_("Time"), value=_time_of(task), key=key("time"), help=_("Empty: until the end of the day."))
    place = list(PRIORITIES).index(task.priority if task else "normal")
    priority = right.selectbox(
        _("Priority"), list(PRIORITIES), index=place, format_func=lambda code: _(PRIORITIES[code]), key=key("priority")
    )
    text = task.description if task else ""
    description = st.text_area(_("Description"), value=text, max_chars=tasks.LONGEST_DESCRIPTION, height=80, key=key("description"))
    left, right = st.columns(2)
    with left:
        lead = _ask_reminder(task)
    with right:
        every = _ask_every(task)
    due_at = due_of(due_on, due_time)
    return Entered(name, due_at, priority, lead, description or "", _ask_recurrence(task, every, due_on))


def due_of(day: date | None, at: time | None) -> datetime | None:
    """The moment of a day and a time; without a time the end of the day."""
    if day is None or at is None:
        return tasks.end_of(day) if day else None
    return datetime.combine(day, at, settings().timezone)


def _time_of(task: Listed | None) -> time | None:
    if task is None or task.due_at == tasks.end_of(clock.day_of(task.due_at)):
        return None
    return task.due_at.astimezone(settings().timezone).time()


def _ask_reminder(task: Listed | None) -> int | None:
    labels: dict[str | int, str] = {NO_REMINDER: _("No reminder"), **{minutes: _(label) for minutes, label in LEADS.items()}}
    if task is None:
        labels = {USUAL: _("As usual"), **labels}
    elif task.remind_lead is not None and task.remind_lead not in labels:
        labels[task.remind_lead] = plural(task.remind_lead, N_("{count} minute before"), N_("{count} minutes before")).format(
            count=task.remind_lead
        )
    begin = USUAL if task is None else NO_REMINDER if task.remind_lead is None else task.remind_lead
    place = list(labels).index(begin)
    chosen = st.selectbox(_("Reminder"), list(labels), index=place, format_func=labels.__getitem__, key=key("lead"))
    return None if chosen == NO_REMINDER else tasks.USUAL_LEAD if chosen == USUAL else int(chosen)


def _ask_every(task: Listed | None) -> str:
    labels = {NEVER: _("Does not repeat"), **{str(every): _(label) for every, label in EVERY.items()}}
    begin = NEVER
    if task and (present := task.recurrence):
        begin = _usual(present) or AS_IS
        if begin == AS_IS:
            labels[AS_IS] = recurrence.describe(present)
    place = list(labels).index(begin)
    return str(st.selectbox(_("Repeat"), list(labels), index=place, format_func=labels.__getitem__, key=key("every")))


def _usual(present: Recurrence) -> str:
    """Which of the usual intervals a rule is; empty for another one."""
    bare, _semicolon, _until = present.rule.partition(";UNTIL=")
    return next((str(every) for every in EVERY if recurrence.make_rule(every, present.start) == bare), "")


def _ask_recurrence(task: Listed | None, every: str, due_on: date | None) -> Recurrence | None:
    """When it ends and what holidays do, and the next days in words."""
    if every == NEVER or due_on is None:
        return None
    present = task.recurrence if task else None
    left, right = st.columns(2)
    begin = Holiday(present.on_holiday) if present else Holiday.AFTER
    on_holiday = left.selectbox(
        _("On holidays and weekends"),
        list(HOLIDAYS),
        index=list(HOLIDAYS).index(begin),
        format_func=lambda code: _(HOLIDAYS[code]),
        key=key("holiday"),
    )
    if every == AS_IS and present:
        chosen = Recurrence(present.rule, present.start, on_holiday)
    else:
        until = right.date_input(_("Ends on"), value=_until_of(present), format="YYYY-MM-DD", key=key("until"))
        start = _start_of(task, every, due_on)
        chosen = Recurrence(recurrence.make_rule(every, start, until=until), start, on_holiday)
    _preview(chosen)
    return chosen


def _start_of(task: Listed | None, every: str, due_on: date) -> date:
    """From when a rule counts: of a series that is left as it is from its first day, though a holiday may have moved this task."""
    if task and (present := task.recurrence) and every == _usual(present) and clock.day_of(task.due_at) == due_on:
        return present.start
    return due_on


def _until_of(present: Recurrence | None) -> date | None:
    _bare, _semicolon, until = present.rule.partition(";UNTIL=") if present else ("", "", "")
    return datetime.strptime(until[:8], "%Y%m%d").date() if until else None


def _preview(chosen: Recurrence) -> None:
    with feedback.attempt() as outcome:
        days = recurrence.days_of(recurrence.check_recurrence(chosen), SHOWN_DAYS)
    if outcome.succeeded:
        words = recurrence.describe(chosen)
        named = join_words(format_date(day) for day in days)
        st.caption(f":material/event_repeat: {feedback.escape(words)} · " + _("First days: {days}").format(days=named))
