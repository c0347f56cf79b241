"""Ticking tasks, for those who lead: many are passed on or put off at once; what stays is told with its reason."""

from collections.abc import Sequence
from datetime import date

import streamlit as st

from crm_core import clock
from crm_core.i18n import N_, _, join_sentences, plural
from crm_core.services import task_moves, task_work, tasks
from crm_core.services.task_work import PassedOn
from ui import feedback, forms, guard

NAMED = 5
"""So many reasons are told."""
DAYS = {"1": 1, "7": 7}


def draw_switch() -> bool:
    """The switch that begins to tick, for those who lead; returns whether rows are ticked now."""
    if not tasks.leads(guard.actor()):
        return False
    is_on = bool(st.session_state.get("tasks_ticking"))
    help_text = _("Stop selecting") if is_on else _("Select tasks to pass on or put off many at once")
    look = "primary" if is_on else "secondary"
    st.button(help_text, icon=":material/checklist:", key="tasks_tick", help=help_text, type=look, on_click=_switch)
    return is_on


def _switch() -> None:
    st.session_state["tasks_ticking"] = not st.session_state.get("tasks_ticking")


def draw_bar(ids: Sequence[int]) -> None:
    """How many are ticked, and what can be done with them."""
    with st.container(horizontal=True, vertical_alignment="center", border=True, key="task_bulk_bar"):
        text = (
            plural(len(ids), N_("{count} task is ticked."), N_("{count} tasks are ticked.")).format(count=len(ids))
            if ids
            else _("Tick tasks at their left.")
        )
        st.markdown(f":material/checklist: {text}", width="stretch")
        passing = st.button(_("Pass on"), key="tasks_pass", icon=":material/person_add:", disabled=not ids)
        moving = st.button(_("Put off"), key="tasks_later", icon=":material/event_upcoming:", disabled=not ids)
    if passing:
        guard.dialog(_("Pass on"), _pass_on, tuple(ids))
    elif moving:
        guard.dialog(_("Put off"), _put_off, tuple(ids))


def _pass_on(ids: tuple[int, ...]) -> None:
    with guard.reading() as session:
        people = tasks.assignees(session, guard.actor())
    st.write(plural(len(ids), N_("{count} task is ticked."), N_("{count} tasks are ticked.")).format(count=len(ids)))
    chosen = st.selectbox(_("Assignee"), list(people), format_func=lambda number: people[number], key=guard.key("tasks_assignee"))
    if forms.decide(_("Pass on"), icon=":material/person_add:"):
        with feedback.attempt() as outcome, guard.acting() as session:
            done = task_work.reassign_tasks(session, guard.actor(), ids, chosen)
        if outcome.succeeded:
            _tell(
                plural(len(done.moved), N_("{count} task was passed on."), N_("{count} tasks were passed on.")).format(
                    count=len(done.moved)
                ),
                done,
            )


def _put_off(ids: tuple[int, ...]) -> None:
    st.write(plural(len(ids), N_("{count} task is ticked."), N_("{count} tasks are ticked.")).format(count=len(ids)))
    labels = {"1": _("By one day"), "7": _("By one week"), "day": _("To a day")}
    how = st.radio(_("How far"), list(labels), format_func=labels.__getitem__, key=guard.key("tasks_how"), horizontal=True)
    day: date | None = None
    if how == "day":
        day = st.date_input(_("Due"), value=clock.today(), min_value=clock.today(), format="YYYY-MM-DD", key=guard.key("tasks_day"))
    if forms.decide(_("Put off"), icon=":material/event_upcoming:"):
        with feedback.attempt() as outcome, guard.acting() as session:
            done = task_moves.postpone_tasks(session, guard.actor(), ids, days=DAYS.get(how, 0), day=day)
        if outcome.succeeded:
            _tell(
                plural(len(done.moved), N_("{count} task was put off."), N_("{count} tasks were put off.")).format(count=len(done.moved)),
                done,
            )


def _tell(sentence: str, done: PassedOn) -> None:
    """Go back to the list; where some stayed, say why first."""
    st.session_state["tasks_ticking"] = False
    reasons = dict.fromkeys(done.stayed.values())
    stayed = [_("{count} stayed:").format(count=len(done.stayed)), *list(reasons)[:NAMED]] if done.stayed else []
    feedback.later(join_sentences(sentence, *stayed))
    st.rerun()
