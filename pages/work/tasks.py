"""任务: what one has to do, what others in one's scope have to do, and what is done."""

import streamlit as st

from crm_core.i18n import _
from crm_core.permissions import Permission
from crm_core.services import tasks
from ui import feedback, guard, header, task_list

actor = guard.page(Permission.CUSTOMER_READ)
header.title(_("Tasks"))

views = {"own": _("My tasks"), "others": _("Tasks of others"), "done": _("Done by me")}
if not tasks.leads(actor):
    del views["others"]
with st.container(horizontal=True, vertical_alignment="center"):
    if st.button(_("Add task"), type="primary", icon=":material/add_task:"):
        guard.dialog(_("Add task"), task_list.add, None)
    view = st.segmented_control(
        _("View"),
        list(views),
        format_func=lambda code: views[code],
        default="own",
        required=True,
        key="tasks_view",
        label_visibility="collapsed",
    )

reads = {"own": tasks.list_own, "others": tasks.list_of_others, "done": tasks.list_done}
with guard.reading() as session:
    listed = reads[view](session, actor)

if not listed:
    feedback.empty_state(
        "task_alt", _("Nothing to do here"), _("Tasks appear here when somebody gives you one, or when data have to be checked.")
    )
for task in listed:
    task_list.draw(task)
if len(listed) == tasks.SHOWN:
    st.caption(_("Only the first {count} are shown.").format(count=tasks.SHOWN))
