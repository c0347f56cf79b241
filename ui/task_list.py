"""Tasks as rows: what, for which customer, until when, with what can be done; those of a customer, and those that a search found."""

from collections.abc import Iterable
from itertools import groupby

import streamlit as st

from crm_core import clock
from crm_core.i18n import N_, _, plural
from crm_core.services import task_rows
from crm_core.services.task_rows import Listed
from crm_core.visibility import View
from ui import feedback, guard, routes, task_actions, task_form, task_sheet
from ui.feedback import escape
from ui.task_sheet import KIND_ICONS

SOON = 7


def draw_for(customer: View) -> None:
    """The tasks of one customer, and the button that adds one."""
    with guard.reading() as session:
        duties = task_rows.list_of_customer(session, guard.actor(), customer.id)
    for task in duties:
        draw(task, with_customer=False)
    if not duties:
        feedback.empty_state("task_alt", _("No tasks yet"), _("Add what has to be done for this customer."))
    if customer.is_listed and st.button(_("Add task"), icon=":material/add_task:"):
        task_form.open_new(customer.id)


def draw_grouped(rows: Iterable[Listed], *, is_ticking: bool = False) -> list[int]:
    """Rows in their order under overdue, today, the next days, later; returns the ids of those that are ticked."""
    ticked = []
    for heading, members in groupby(rows, key=_span):
        if heading:
            st.markdown(f"**{heading}**")
        for task in members:
            if draw(task, is_ticking=is_ticking):
                ticked.append(task.id)
    return ticked


def _span(task: Listed) -> str:
    if task.done_at:
        return ""
    if task.is_overdue:
        return ":red[" + _("Overdue") + "]"
    days = (clock.day_of(task.due_at) - clock.today()).days
    return _("Today") if days == 0 else _("Next 7 days") if days <= SOON else _("Later")


def draw(task: Listed, *, with_customer: bool = True, is_ticking: bool = False) -> bool:
    """One row; returns whether it is ticked."""
    is_ticked = False
    with st.container(border=True, key=f"task_{task.id}", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            if is_ticking:
                is_ticked = st.checkbox(escape(task.title), key=f"task_tick_{task.id}", label_visibility="collapsed", width="content")
            icon = "check_circle" if task.done_at else KIND_ICONS[task.kind]
            if st.button(f"**{escape(task.title)}**", key=f"task_title_{task.id}", icon=f":material/{icon}:", type="tertiary"):
                task_sheet.open_task(task.id)
            task_sheet.draw_badges(task)
            st.caption(escape(_facts(task)), width="stretch")
            with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content"):
                chosen = _draw_actions(task, with_customer=with_customer)
        _draw_more(task)
    task_sheet.follow(task_actions.as_seen(task, "list"), chosen)
    return is_ticked


def _draw_actions(task: Listed, *, with_customer: bool) -> str:
    """The way to its customer, the button that closes it, and the menu; returns what was chosen there."""
    label = f":material/chevron_right: {escape(task.customer)}"
    if with_customer and task.code and st.button(label, key=f"task_open_{task.id}", type="tertiary"):
        st.switch_page(routes.CUSTOMER, query_params={"code": task.code})
    if task_sheet.can_finish(task) and st.button(_("Done"), key=f"task_done_{task.id}", icon=":material/check:"):
        task_sheet.open_task(task.id, "done")
    return task_actions.draw_menu(task, key=f"task_menu_{task.id}")


def _draw_more(task: Listed) -> None:
    if task.description:
        first, _newline, rest = task.description.partition("\n")
        st.markdown(escape(f"{first} …" if rest else first))
    if task.done_note:
        st.markdown(":material/notes: " + escape(task.done_note))


def _facts(task: Listed) -> str:
    parts = [task_sheet.when(task)]
    if task.steps:
        steps = plural(task.steps, N_("{done} of {count} step"), N_("{done} of {count} steps"))
        parts.append(steps.format(done=task.steps_done, count=task.steps))
    if task.comments:
        parts.append(plural(task.comments, N_("{count} comment"), N_("{count} comments")).format(count=task.comments))
    if task.rule:
        parts.append(_("recurring"))
    return " · ".join(parts)
