"""任务: what one has to do, what others in one's scope have to do, as list, board or team."""

import streamlit as st

from crm_core.i18n import N_, _, plural
from crm_core.permissions import Permission
from crm_core.services import task_views, tasks
from ui import feedback, guard, header, list_footer, task_board, task_bulk, task_filters, task_form, task_list, task_sheet, task_team

actor = guard.page(Permission.CUSTOMER_READ)
header.title(_("Tasks"))


@guard.fragment
def draw_tasks() -> None:
    """The filters and the tasks they find; only this part runs again when a filter changes."""
    with guard.reading() as session:
        people = tasks.assignees(session, guard.actor())
    filters = task_filters.Filters(guard.actor(), people)
    filters.restore()
    is_ticking = draw_tools(filters)
    if filters.shape == task_filters.TEAM:
        task_team.draw()
    else:
        query = filters.draw()
        if filters.shape == task_filters.BOARD:
            task_board.draw(query)
        else:
            draw_list(query, is_ticking=is_ticking, is_filtered=filters.is_active())
    filters.keep()


def draw_tools(filters: task_filters.Filters) -> bool:
    """The button that adds, the shapes, and the switch to tick rows; returns whether they are ticked now."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(_("Add task"), type="primary", icon=":material/add_task:"):
            task_form.open_new()
        st.segmented_control(
            _("View"),
            filters.shapes,
            format_func=lambda code: _(task_filters.SHAPES[code]),
            required=True,
            key="tasks_shape",
            label_visibility="collapsed",
        )
        return filters.shape == task_filters.LIST and task_bulk.draw_switch()


def draw_list(query: task_views.TaskQuery, *, is_ticking: bool, is_filtered: bool) -> None:
    """One page of the rows, or what to do where there are none."""
    with guard.reading() as session:
        page = task_views.list_tasks(session, guard.actor(), query)
    if not page.rows:
        empty = _("No task matches") if is_filtered else _("Nothing to do here")
        hint = _("Tasks appear here when somebody gives you one, or when data have to be checked.")
        feedback.empty_state("task_alt", empty, _("Try fewer words or filters.") if is_filtered else hint)
        return
    bar = st.container() if is_ticking else None
    ticked = task_list.draw_grouped(page.rows, is_ticking=is_ticking)
    if bar:
        with bar:
            task_bulk.draw_bar(ticked)
    count = _("more than {total} tasks") if page.is_capped else plural(page.total, N_("{total} task"), N_("{total} tasks"))
    list_footer.draw(count.format(total=f"{page.total:,}"), page.pages, page.page)


task_sheet.open_asked()
draw_tasks()
