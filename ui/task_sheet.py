"""The dialog of one task: everything about it, its steps and comments, and what is asked for when something is done with it."""

from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.i18n import N_, _, format_date, format_time, plural
from crm_core.models import PRIORITIES, TASK_KINDS, TASK_STATES, TaskState
from crm_core.permissions import Permission
from crm_core.services import follow_ups, recurrence, task_comments, task_views, task_work, tasks, users, verification
from crm_core.services.task_rows import Listed
from ui import feedback, forms, guard, routes, task_actions, task_form, verification_form
from ui.feedback import escape

KIND_ICONS = {"task": "task_alt", "verification": "fact_check", "correction": "edit_note", "follow_up": "phone_forwarded"}
LONGEST_NUMBER = 18
"""Digits of an id in an address; more fit into no column."""
STATE_COLOURS = {"open": "gray", "doing": "blue", "done": "green", "cancelled": "gray"}


def open_task(task_id: int, step: str = "") -> None:
    """Open the dialog; `step` names what it asks for, an entry of the task's menu or "done"."""
    st.session_state.update(task_asks=step, task_begun=None)
    guard.dialog(_("Task"), _draw, task_id)


def open_asked() -> None:
    """Open the task that the address asks for, where notices and calendar programs lead; once, so that it can be closed."""
    asked = st.query_params.pop("task", "")
    if asked.isdecimal() and len(asked) <= LONGEST_NUMBER:
        open_task(int(asked))


def follow(task: Listed, code: str) -> None:
    """Do what was chosen in the menu of a task, outside of its dialog."""
    if task_actions.is_direct(code):
        task_actions.change(task, code)
    elif code:
        open_task(task.id, code)


def when(task: Listed) -> str:
    """Its time and who has it, in words."""
    if task.state == TaskState.CANCELLED:
        return _("Cancelled {time} · {name}").format(time=format_time(task.done_at), name=task.assignee)
    if task.done_at:
        return _("Done {time} by {name}").format(time=format_time(task.done_at), name=task.assignee)
    return _("Due {time} · {name}").format(time=_due(task), name=task.assignee)


def _due(task: Listed) -> str:
    """The day alone for what is due at its end."""
    day = clock.day_of(task.due_at)
    return format_date(day) if task.due_at == tasks.end_of(day) else format_time(task.due_at)


def draw_badges(task: Listed) -> None:
    """Its states, as far as they say something."""
    if task.is_overdue:
        st.badge(_("Overdue"), color="red", icon=":material/alarm:")
    if task.state != TaskState.OPEN:
        st.badge(_(TASK_STATES[TaskState(task.state)]), color=STATE_COLOURS[task.state])
    if task.priority != "normal" and task.done_at is None:
        text = _("Priority: {priority}").format(priority=_(PRIORITIES[task.priority]))
        st.badge(text, color="orange" if task.priority == "high" else "gray")


def _draw(task_id: int) -> None:
    with feedback.attempt() as outcome, guard.reading() as session:
        task = task_views.get_task(session, guard.actor(), task_id)
    if not outcome.succeeded:
        return
    icon = "check_circle" if task.done_at else KIND_ICONS[task.kind]
    st.markdown(f":material/{icon}: **{escape(task.title)}**")
    step = _STEPS.get(st.session_state.get("task_asks", ""))
    if step is None:
        _draw_all(task)
        return
    st.caption(escape(when(task)))
    # What is asked for changes the task as it was when it was asked; what others change meanwhile is not overwritten unseen.
    st.session_state["task_begun"] = st.session_state.get("task_begun") or task.version
    step(replace(task, version=st.session_state["task_begun"]))


def _draw_all(task: Listed) -> None:
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        st.badge(_(TASK_KINDS[task.kind]), color="gray")
        draw_badges(task)
    _draw_facts(task)
    _draw_actions(task_actions.as_seen(task, "sheet"))
    _draw_steps(task)
    _draw_comments(task)


def _draw_facts(task: Listed) -> None:
    with guard.reading() as session:
        names = users.user_names(session)
    lines = [when(task)]
    if task.created_by_id and task.created_by_id != task.assignee_id:
        lines.append(_("Given by {name}").format(name=names.get(task.created_by_id, "")))
    if present := task.recurrence:
        lines.append(recurrence.describe(present))
    st.caption(escape(" · ".join(lines)))
    if task.code and st.button(f":material/chevron_right: {escape(task.customer)}", key="task_customer_open", type="tertiary"):
        st.switch_page(routes.CUSTOMER, query_params={"code": task.code})
    if task.description:
        st.markdown(escape(task.description).replace("\n", "  \n"))
    if task.done_note:
        st.markdown(":material/notes: " + escape(task.done_note))


def _draw_actions(task: Listed) -> None:
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if can_finish(task) and st.button(_("Done"), key="task_done", type="primary", icon=":material/check:"):
            _go_on("done")
        chosen = task_actions.draw_menu(task, key="task_menu")
    if task_actions.is_direct(chosen):
        task_actions.change(task, chosen)
    elif chosen:
        _go_on(chosen)


def can_finish(task: Listed) -> bool:
    """Whether the viewer may say here that it is done; a verification is done at the customer."""
    return task.done_at is None and task.kind != "verification" and tasks.may_act(guard.actor(), task)


def _go_on(step: str) -> None:
    guard.renew_keys()
    st.session_state.update(task_asks=step, task_begun=None)
    guard.again()


def _draw_steps(task: Listed) -> None:
    with guard.reading() as session:
        steps = task_work.list_steps(session, guard.actor(), task.id)
    is_open = task.done_at is None and tasks.may_act(guard.actor(), task)
    if not steps and not is_open:
        return
    done = sum(step.done_at is not None for step in steps)
    title, count = _("Steps"), f"{done}/{len(steps)}" if steps else ""
    st.markdown(f"**{title}** {count}")
    for step in steps:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            is_done = step.done_at is not None
            ticked = st.checkbox(escape(step.name), value=is_done, key=f"task_step_{step.id}", disabled=not is_open, width="stretch")
            remove = _("Remove this step")
            is_removed = is_open and st.button(
                remove, key=f"task_step_off_{step.id}", icon=":material/close:", type="tertiary", help=remove
            )
        if is_removed:
            _act(task_work.remove_step, step_id=step.id)
        elif ticked != is_done:
            _act(task_work.tick_step, step_id=step.id, is_done=ticked)
    if is_open:
        _add_line(
            "step", _("New step"), _("Add step"), lambda text: _act(task_work.add_step, task_id=task.id, name=text, version=task.version)
        )


def _draw_comments(task: Listed) -> None:
    with guard.reading() as session:
        comments = task_comments.list_comments(session, guard.actor(), task.id)
    title = _("Comments")
    st.markdown(f"**{title}** {len(comments) or ''}")
    for comment in comments:
        st.caption(escape(f"{comment.author} · {format_time(comment.at)}"))
        st.markdown(escape(comment.content).replace("\n", "  \n"))
    _add_line(
        "comment",
        _("Comment"),
        _("Send"),
        lambda text: _act(task_comments.add_comment, task_id=task.id, content=text),
        max_chars=task_comments.LONGEST,
    )


def _add_line(name: str, label: str, button: str, add: Callable[[str], None], *, max_chars: int = 200) -> None:
    """A line that is added with Enter and empty again afterwards."""
    with st.form(f"task_{name}_form", clear_on_submit=True, border=False):
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            text = st.text_input(label, key=task_form.key(name), max_chars=max_chars, placeholder=label, label_visibility="collapsed")
            if st.form_submit_button(button):
                add(text)


def _act(do: Callable[..., object], **named: object) -> None:
    """Something that leaves the dialog open."""
    with feedback.attempt() as outcome, guard.acting() as session:
        do(session, guard.actor(), **named)
    if outcome.succeeded:
        guard.again()


def _change(sentence: str, do: Callable[[CrmSession], object]) -> None:
    """Do what the dialog asked for, and close it."""
    with feedback.attempt() as outcome, guard.acting() as session:
        do(session)
    task_form.settle(outcome, sentence)


def _finish(task: Listed) -> None:
    if task.description:
        st.markdown(escape(task.description).replace("\n", "  \n"))
    if task.kind == "correction":
        with guard.reading() as session:
            count = len(verification.modifications(session, guard.actor(), task))
        verification_form.explain_correction(count)
        if st.button(_("Edit customer"), icon=":material/edit:"):
            st.switch_page(routes.EDIT, query_params={"code": task.code})
    if task.kind == follow_ups.PLAN and task.code and guard.actor().can(Permission.FOLLOW_UP_WRITE):
        st.caption(_("This is the next step of a follow-up: writing the next follow-up closes it, too."))
        if st.button(_("Write a follow-up"), icon=":material/edit_note:"):
            st.switch_page(routes.CUSTOMER, query_params={"code": task.code})
    if waiting := task.steps - task.steps_done:
        st.caption(plural(waiting, N_("{count} step is not ticked yet."), N_("{count} steps are not ticked yet.")).format(count=waiting))
    note = st.text_area(forms.required(_("Completion note")), max_chars=500, height=80, key=task_form.key("note"))
    if forms.decide(_("Done")):
        _change(
            _("The task is done."),
            lambda session: verification.finish_task(session, guard.actor(), task.id, note=note, version=task.version),
        )


def _postpone(task: Listed) -> None:
    left, right = st.columns(2)
    first = max(clock.day_of(task.due_at), clock.today())
    day = left.date_input(forms.required(_("Due")), value=first, min_value=clock.today(), format="YYYY-MM-DD", key=task_form.key("later"))
    at = right.time_input(_("Time"), value=None, key=task_form.key("later_time"), help=_("Empty: until the end of the day."))
    if forms.decide(_("Put off"), icon=":material/event_upcoming:"):
        due_at = task_form.due_of(day, at)
        _change(
            _("The task was put off."),
            lambda session: task_work.postpone_task(session, guard.actor(), task.id, version=task.version, due_at=due_at),
        )


def _pass_on(task: Listed) -> None:
    with guard.reading() as session:
        people = tasks.assignees(session, guard.actor())
    chosen = st.selectbox(_("Assignee"), list(people), format_func=lambda number: people[number], key=task_form.key("assignee"))
    if forms.decide(_("Pass on"), icon=":material/person_add:"):
        sentence = _("{name} has the task now.").format(name=people[chosen])
        _change(sentence, lambda session: tasks.reassign_task(session, guard.actor(), task.id, chosen, version=task.version))


def _cancel(task: Listed) -> None:
    whole = False
    if task.rule:
        labels = {False: _("Only this one; the next stays planned"), True: _("The whole series")}
        whole = bool(st.radio(_("What is cancelled"), list(labels), format_func=lambda one: labels[one], key=task_form.key("whole")))
    reason = st.text_input(forms.required(_("Reason")), max_chars=300, key=task_form.key("reason"))
    if forms.decide(_("Cancel task"), icon=":material/cancel:", back=_("Back")):
        named = {"reason": reason, "version": task.version, "whole_series": whole}
        _change(_("The task was cancelled."), lambda session: task_work.cancel_task(session, guard.actor(), task.id, **named))


_STEPS: dict[str, Callable[[Listed], None]] = {
    "done": _finish,
    "postpone": _postpone,
    "edit": task_form.edit,
    "pass": _pass_on,
    "cancel": _cancel,
}
"""What the dialog asks for, by the entry of the menu."""
