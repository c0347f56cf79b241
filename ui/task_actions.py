"""What can be done with a task: the entries of its menu, and those of them that need no question."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import streamlit as st

from crm_core.i18n import N_, _
from crm_core.models import TaskState
from crm_core.permissions import Actor
from crm_core.services import task_moves, task_work, tasks
from crm_core.services.task_rows import Listed
from ui import feedback, guard

LABELS = {
    "begin": (N_("Begin"), "play_arrow"),
    "rest": (N_("Put back to do"), "pause"),
    "day": (N_("Put off by one day"), "event_upcoming"),
    "week": (N_("Put off by one week"), "date_range"),
    "postpone": (N_("Put off to a day…"), "edit_calendar"),
    "edit": (N_("Edit"), "edit"),
    "pass": (N_("Pass on"), "person_add"),
    "cancel": (N_("Cancel task"), "cancel"),
    "reopen": (N_("Open again"), "undo"),
}
"""What the menu of a task offers, with an icon each."""
MADE = ("verification", "correction")
"""Kinds whose text the system gave."""

_DIRECT: dict[str, tuple[Callable[..., object], str]] = {
    "begin": (task_work.begin_task, N_("The task is in progress.")),
    "rest": (partial(task_work.begin_task, is_begun=False), N_("The task waits to be done again.")),
    "day": (partial(task_moves.postpone_by, days=1), N_("The task was put off.")),
    "week": (partial(task_moves.postpone_by, days=7), N_("The task was put off.")),
    "reopen": (task_work.reopen_task, N_("The task is open again.")),
}
"""What needs no question, and what is said when it is done."""


def offered(actor: Actor, task: Listed) -> list[str]:
    """The entries for somebody who sees a task."""
    if not tasks.may_act(actor, task):
        return []
    if task.done_at:
        return [] if task.kind == "verification" or task.rule else ["reopen"]
    found = ["rest" if task.state == TaskState.DOING else "begin", "day", "week", "postpone"]
    found += [] if task.kind in MADE else ["edit"]
    found += ["pass"] if tasks.leads(actor) else []
    return found + ([] if task.kind == "verification" else ["cancel"])


def draw_menu(task: Listed, *, key: str) -> str:
    """The menu; returns the entry that was just chosen. Nothing where there is nothing to do."""
    entries = offered(guard.actor(), task)
    if not entries:
        return ""
    more = _("More")
    return st.menu_button(more, entries, format_func=_entry, key=key, icon=":material/more_horiz:", help=more, type="tertiary") or ""


def _entry(code: str) -> str:
    label, icon = LABELS[code]
    return f":material/{icon}: " + _(label)


def as_seen(task: Listed, place: str) -> Listed:
    """The task with the version that stood on the screen when somebody clicked: the run that answers a click reads it anew first.

    `place` tells where it stands: in a list, on the board.
    """
    key = f"task_seen_{place}_{task.id}"
    seen = st.session_state.get(key, task.version)
    st.session_state[key] = task.version
    return replace(task, version=seen)


def is_direct(code: str) -> bool:
    """Whether an entry needs no question."""
    return code in _DIRECT


def change(task: Listed, code: str) -> None:
    """Do what needs no question."""
    do, sentence = _DIRECT[code]
    with feedback.attempt() as outcome, guard.acting() as session:
        do(session, guard.actor(), task_id=task.id, version=task.version)
    if outcome.succeeded:
        feedback.later(_(sentence))
        st.rerun()
