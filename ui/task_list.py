"""Tasks as cards: what, for which customer, until when; done with a note, passed on, added."""

import streamlit as st

from crm_core import clock
from crm_core.i18n import _, format_time
from crm_core.models import PRIORITIES
from crm_core.services import tasks, verification
from crm_core.services.tasks import Listed
from crm_core.visibility import View
from ui import feedback, forms, guard, routes, verification_form
from ui.feedback import escape

KIND_ICONS = {"task": "task_alt", "verification": "fact_check", "correction": "edit_note", "follow_up": "phone_forwarded"}


def draw_for(customer: View) -> None:
    """The tasks of one customer, and the button that adds one."""
    with guard.reading() as session:
        duties = tasks.list_of_customer(session, guard.actor(), customer.id)
    for task in duties:
        draw(task, with_customer=False)
    if not duties:
        feedback.empty_state("task_alt", _("No tasks yet"), _("Add what has to be done for this customer."))
    if customer.is_listed and st.button(_("Add task"), icon=":material/add_task:"):
        guard.dialog(_("Add task"), add, customer.id)


def draw(task: Listed, *, with_customer: bool = True) -> None:
    """One card."""
    with st.container(border=True, key=f"task_{task.id}"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            icon = "check_circle" if task.done_at else KIND_ICONS.get(task.kind, "task_alt")
            st.markdown(f":material/{icon}: **{escape(task.title)}**", width="stretch")
            _draw_states(task)
        if task.description:
            st.markdown(escape(task.description))
        if task.done_note:
            st.markdown(":material/notes: " + escape(task.done_note))
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(escape(_when(task)), width="stretch")
            if with_customer and task.code:
                open_label = f":material/chevron_right: {escape(task.customer)}"
                if st.button(open_label, key=f"task_open_{task.id}", type="tertiary"):
                    st.switch_page(routes.CUSTOMER, query_params={"code": task.code})
            _draw_actions(task)


def _draw_states(task: Listed) -> None:
    if task.is_overdue:
        st.badge(_("Overdue"), color="red", icon=":material/alarm:")
    if task.priority != "normal" and task.done_at is None:
        st.badge(
            _("Priority: {priority}").format(priority=_(PRIORITIES[task.priority])), color="orange" if task.priority == "high" else "gray"
        )


def _when(task: Listed) -> str:
    if task.done_at:
        return _("Done {time} by {name}").format(time=format_time(task.done_at), name=task.assignee)
    return _("Due {time} · {name}").format(time=format_time(task.due_at), name=task.assignee)


def _draw_actions(task: Listed) -> None:
    actor = guard.actor()
    if task.done_at or not (task.assignee_id == actor.id or tasks.leads(actor)):
        return
    if tasks.leads(actor) and st.button(_("Pass on"), key=f"task_pass_{task.id}", icon=":material/person_add:", type="tertiary"):
        guard.dialog(_("Pass on"), _pass_on, task)
    if task.kind != "verification" and st.button(_("Done"), key=f"task_done_{task.id}", icon=":material/check:"):
        guard.dialog(_("Complete task"), _complete, task)


def _complete(task: Listed) -> None:
    st.markdown(f"**{escape(task.title)}**")
    if task.description:
        st.markdown(escape(task.description))
    if task.kind == "correction":
        with guard.reading() as session:
            count = len(verification.modifications(session, guard.actor(), task))
        verification_form.explain_correction(count)
        if st.button(_("Edit customer"), icon=":material/edit:"):
            st.switch_page(routes.EDIT, query_params={"code": task.code})
    note = st.text_area(forms.required(_("Completion note")), max_chars=500, height=80, key="task_note")
    if forms.decide(_("Done")):
        with feedback.attempt() as outcome, guard.acting() as session:
            verification.finish_task(session, guard.actor(), task.id, note=note, version=task.version)
        if outcome.succeeded:
            st.rerun()


def _pass_on(task: Listed) -> None:
    with guard.reading() as session:
        people = tasks.assignees(session, guard.actor())
    chosen = st.selectbox(_("Assignee"), list(people), format_func=lambda number: people[number], key="task_assignee")
    if forms.decide(_("Pass on")):
        with feedback.attempt() as outcome, guard.acting() as session:
            tasks.reassign_task(session, guard.actor(), task.id, chosen, version=task.version)
        if outcome.succeeded:
            st.rerun()


def add(customer_id: int | None) -> None:
    """A new task, of a customer or of none."""
    with guard.reading() as session:
        people = tasks.assignees(session, guard.actor())
    name = st.text_input(forms.required(_("What has to be done")), max_chars=200, key="task_name")
    left, middle, right = st.columns(3)
    due_on = left.date_input(forms.required(_("Due")), value=clock.today(), min_value=clock.today(), format="YYYY-MM-DD", key="task_due")
    assignee = middle.selectbox(_("Assignee"), list(people), format_func=lambda number: people[number], key="task_assignee")
    priority = right.selectbox(_("Priority"), list(PRIORITIES), index=1, format_func=lambda code: _(PRIORITIES[code]), key="task_priority")
    description = st.text_area(_("Description"), height=80, key="task_description")
    if forms.decide(_("Add task")):
        values = {"name": name, "due_on": due_on, "assignee_id": assignee, "priority": priority, "description": description}
        with feedback.attempt() as outcome, guard.acting() as session:
            tasks.create_task(session, guard.actor(), customer_id=customer_id, **values)
        if outcome.succeeded:
            st.rerun()
