"""A follow-up as a card: what happened, what the customer said, what comes next; and the menu of what can be done with it."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from crm_core import clock
from crm_core.i18n import N_, _, format_date, format_time, join_words
from crm_core.models import METHODS, TASK_STATES, TaskState
from crm_core.permissions import Permission
from crm_core.services import tasks
from crm_core.services.attachments import IDENTITY_CARD
from crm_core.services.follow_up_list import File, Noted, Planned
from ui import follow_up_dialogs, follow_up_fields, guard, routes
from ui.feedback import escape
from ui.follow_up_fields import METHOD_ICONS

SHOWN = 400
"""Letters of a longer text that a card shows; the menu opens the rest."""


def draw(row: Noted, *, with_customer: bool = False, is_open: bool = True, is_marked: bool = False) -> None:
    """One card. `is_open` says that its customer can be changed, `is_marked` that somebody was led to it."""
    key = f"follow_up_marked_{row.id}" if is_marked else f"follow_up_{row.id}"
    with st.container(border=True, horizontal=True, key=key, gap="small"):
        if with_customer:
            with st.container(gap="xsmall", width="stretch"):
                _draw_customer(row)
                st.markdown("  \n".join(_lines(row)))
        else:
            st.markdown("  \n".join(_lines(row)), width="stretch")
        offered = {code: action for code, action in ACTIONS.items() if action.fits(row, is_open)}
        if not offered:
            return
        chosen = st.menu_button(
            _("More"),
            list(offered),
            format_func=lambda code: f":material/{ACTIONS[code].icon}: " + _(ACTIONS[code].label),
            key=f"follow_up_menu_{row.id}",
            type="tertiary",
        )
    if chosen:
        guard.dialog(_(ACTIONS[chosen].label), ACTIONS[chosen].draw, row)


def _draw_customer(row: Noted) -> None:
    if st.button(f"**{escape(row.customer)}** :material/chevron_right:", key=f"follow_up_customer_{row.id}", type="tertiary"):
        st.switch_page(routes.CUSTOMER, query_params={"code": row.code, "follow_up": str(row.id)})


def _lines(row: Noted) -> list[str]:
    with_whom = f"{row.author} → {row.contact}" if row.contact else row.author
    facts = " · ".join((format_time(row.happened_at), _(METHODS[row.method]), with_whom))
    lines = [_head(row), f":small[:gray[{escape(facts)}]]", *_shortened(row.content)]
    if row.feedback:
        said = _("Customer feedback: {text}").format(text=" ".join(_shortened(row.feedback)))
        lines.append(f":material/format_quote: {said}")
    if row.plan:
        lines.append(_plan(row.plan))
    if row.mentions:
        lines.append(":material/alternate_email: " + escape(join_words(row.mentions.values())))
    if row.files:
        lines.append(":material/attach_file: " + " · ".join(map(_file, row.files)))
    return lines


def _head(row: Noted) -> str:
    head = f":material/{METHOD_ICONS[row.method]}: **{escape(row.subject)}**"
    if row.is_late:
        head += " :orange-badge[:material/history: " + _("Late entry") + "]"
    return head + (" :gray-badge[" + _("Corrected") + "]" if row.is_corrected else "")


def _shortened(text: str) -> list[str]:
    return follow_up_fields.paragraphs(text if len(text) <= SHOWN else f"{text[:SHOWN].rstrip()}…")


def _plan(plan: Planned) -> str:
    what = escape(f"{plan.goal} · {when(plan)} · {plan.assignee}")
    if plan.done_at:
        icon, state = "check_circle" if plan.state == TaskState.DONE else "cancel", _(TASK_STATES[TaskState(plan.state)])
        return f":small[:gray[:material/{icon}: {what} · {state}]]"
    line = ":material/event_upcoming: " + _("Next step: {plan}").format(plan=what)
    return line + " :red-badge[" + _("Overdue") + "]" if plan.is_overdue else line


def when(plan: Planned) -> str:
    """Until when a plan is due: a day, or a moment."""
    return format_date(clock.day_of(plan.due_at)) if follow_up_fields.is_whole_day(plan.due_at) else format_time(plan.due_at)


def _file(file: File) -> str:
    # A copy of an identity card opens from the attachments only, which know who may look at it.
    name = escape(file.filename)
    return name if file.type == IDENTITY_CARD else f"[{name}](/files/{file.id})"


@dataclass(frozen=True)
class Action:
    """One entry of the menu: what its dialog draws, and for which follow-ups, of a customer that can be changed or not."""

    label: str
    icon: str
    draw: Callable[[Noted], None]
    fits: Callable[[Noted, bool], bool]


def _may_correct(row: Noted, is_open: bool) -> bool:
    actor = guard.actor()
    return is_open and actor.can(Permission.FOLLOW_UP_WRITE) and (row.author_id == actor.id or tasks.leads(actor))


def _may_plan(row: Noted, is_open: bool) -> bool:
    is_closed = row.plan is not None and row.plan.done_at is not None
    return is_open and not is_closed and guard.actor().can(Permission.FOLLOW_UP_WRITE)


def _may_cancel(row: Noted, is_open: bool) -> bool:
    return row.plan is not None and _may_plan(row, is_open)


def _may_add(_row: Noted, is_open: bool) -> bool:
    return is_open and guard.actor().can(Permission.FOLLOW_UP_WRITE)


def _may_delete(_row: Noted, is_open: bool) -> bool:
    return is_open and guard.actor().can(Permission.FOLLOW_UP_DELETE)


def _is_long(row: Noted, _is_open: bool) -> bool:
    return max(len(row.content), len(row.feedback)) > SHOWN


ACTIONS: dict[str, Action] = {
    "read": Action(N_("Read in full"), "article", follow_up_dialogs.read, _is_long),
    "plan": Action(N_("Next step"), "event_upcoming", follow_up_dialogs.plan, _may_plan),
    "cancel": Action(N_("Cancel the plan"), "event_busy", follow_up_dialogs.cancel_plan, _may_cancel),
    "correct": Action(N_("Correct follow-up"), "edit", follow_up_dialogs.correct, _may_correct),
    "file": Action(N_("Add a file"), "attach_file", follow_up_dialogs.add_file, _may_add),
    "trace": Action(N_("What was corrected"), "history", follow_up_dialogs.trace, lambda row, _is_open: row.is_corrected),
    "delete": Action(N_("Delete follow-up"), "delete", follow_up_dialogs.delete, _may_delete),
}
"""The menu in its order."""
