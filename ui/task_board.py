"""The board: a column for each state, with cards that buttons move on and back."""

import streamlit as st

from crm_core.i18n import _
from crm_core.models import TASK_STATES, TaskState
from crm_core.services import task_views
from crm_core.services.task_rows import Listed
from crm_core.services.task_views import Column, TaskQuery
from ui import guard, task_actions, task_sheet
from ui.feedback import escape

ICONS = {TaskState.OPEN: "radio_button_unchecked", TaskState.DOING: "pending", TaskState.DONE: "check_circle"}


def draw(query: TaskQuery) -> None:
    """All columns; on a phone one below the other."""
    with guard.reading() as session:
        columns = task_views.board(session, guard.actor(), query)
    for place, (state, column) in zip(st.columns(len(columns)), columns.items(), strict=True):
        with place.container(border=True, key=f"board_{state}", gap="small"):
            _draw_column(TaskState(state), column)


def _draw_column(state: TaskState, column: Column) -> None:
    total = f"{column.total}+" if column.total >= task_views.COUNT_LIMIT else str(column.total)
    label = _(TASK_STATES[state])
    st.markdown(f":material/{ICONS[state]}: **{label}** {total}")
    if state == TaskState.DONE:
        st.caption(_("Of the last {count} days").format(count=task_views.DONE_DAYS))
    for task in column.rows:
        _draw_card(task)
    if not column.rows:
        st.caption(_("Nothing here."))
    if column.total > len(column.rows):
        st.caption(_("Only the first {count} are shown.").format(count=len(column.rows)))


def _draw_card(task: Listed) -> None:
    with st.container(border=True, key=f"card_{task.id}", gap="xsmall"):
        icon = task_sheet.KIND_ICONS[task.kind]
        if st.button(f"**{escape(task.title)}**", key=f"card_title_{task.id}", icon=f":material/{icon}:", type="tertiary"):
            task_sheet.open_task(task.id)
        with st.container(horizontal=True, gap="xsmall"):
            if task.is_overdue:
                st.badge(_("Overdue"), color="red", icon=":material/alarm:")
            if task.priority == "high" and task.done_at is None:
                st.badge(_("High"), color="orange")
        st.caption(escape(" · ".join(part for part in (task_sheet.when(task), task.customer) if part)))
        chosen = _draw_moves(task)
    task_sheet.follow(task_actions.as_seen(task, "board"), chosen)


def _draw_moves(task: Listed) -> str:
    """Back, on, and the menu with all else; returns what was chosen."""
    pressed = ""
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        entries = task_actions.offered(guard.actor(), task)
        for code, icon in (("rest", "arrow_back"), ("reopen", "undo"), ("begin", "arrow_forward")):
            label = _(task_actions.LABELS[code][0])
            if code in entries and st.button(label, key=f"card_{code}_{task.id}", icon=f":material/{icon}:"):
                pressed = code
        if task_sheet.can_finish(task) and st.button(_("Done"), key=f"card_done_{task.id}", icon=":material/check:"):
            pressed = "done"
        return task_actions.draw_menu(task, key=f"card_menu_{task.id}") or pressed
