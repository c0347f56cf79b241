"""Follow-ups as cards: what happened, what the customer said, what comes next; and the menu of what can be done with each."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

import streamlit as st

from crm_core import clock
from crm_core.i18n import N_, _, format_date, format_time, join_words
from crm_core.models import METHODS, TASK_STATES, TaskState
from crm_core.permissions import Actor, Permission
from crm_core.services import tasks
from crm_core.services.attachments import IDENTITY_CARD
from crm_core.services.follow_up_list import File, Noted, Planned
from ui import follow_up_dialogs, follow_up_fields, guard, presses, routes
from ui.component import component, noted
from ui.follow_up_fields import METHOD_ICONS
from ui.presses import Press

SHOWN = 400
"""Letters of a longer text that a card shows; the menu opens the rest."""
NAME = "kemai_follow_ups"
_draw = component(NAME, '<div class="cards"></div>', ("press.js", "menu.js", "follow_ups.js"), ("press.css", "follow_ups.css"))
Shown = dict[str, Any]


def draw(
    rows: Sequence[Noted],
    *,
    key: str,
    with_customer: bool = False,
    is_open: bool = True,
    is_marked: bool = False,
    more: Press | None = None,
) -> None:
    """A card for each, in one component.

    `is_open` says that their customer can be changed, `is_marked` that somebody was led to them; `more` stands below the last.
    """
    opens = {row.id: _customer_of(row) for row in rows if with_customer}
    actor = guard.actor()
    menus = {row.id: list(_entries(row, actor, is_open)) for row in rows}
    cards = [_card(row, opens.get(row.id), menus[row.id]) for row in rows]
    shown = {"more": _("More"), "look": "marked" if is_marked else "", "cards": cards, "rest": more and more.shown}
    result = _draw(key=key, data=shown, on_pressed_change=noted)
    presses.follow(result, [*opens.values(), *chain.from_iterable(menus.values()), *([more] if more else [])])


def _customer_of(row: Noted) -> Press:
    query = {"code": row.code, "follow_up": str(row.id)}
    follow = partial(st.switch_page, routes.CUSTOMER, query_params=query)
    return Press(f"follow_up_customer_{row.id}", row.customer, follow, path=routes.path_to(routes.CUSTOMER, query))


def _entries(row: Noted, actor: Actor, is_open: bool) -> Iterator[Press]:
    for code, action in ACTIONS.items():
        if action.fits(row, actor, is_open):
            label = _(action.label)
            yield Press(f"follow_up_menu_{row.id}_{code}", label, partial(guard.dialog, label, action.draw, row), action.icon)


def _card(row: Noted, opens: Press | None, menu: Sequence[Press]) -> Shown:
    """What the browser needs of one."""
    with_whom = f"{row.author} → {row.contact}" if row.contact else row.author
    return {
        "key": f"follow_up_{row.id}",
        "opens": opens and opens.shown,
        "icon": METHOD_ICONS[row.method],
        "title": row.subject,
        "badges": list(_badges(row)),
        "facts": " · ".join((format_time(row.happened_at), _(METHODS[row.method]), with_whom)),
        "lines": list(_lines(row)),
        "files": [_file(file) for file in row.files],
        "menu": [entry.shown for entry in menu],
    }


def _badges(row: Noted) -> Iterator[Shown]:
    if row.is_late:
        yield {"text": _("Late entry"), "look": "orange", "icon": "history"}
    if row.is_corrected:
        yield {"text": _("Corrected"), "look": "gray"}


def _lines(row: Noted) -> Iterator[Shown]:
    for line in _shortened(row.content):
        yield {"text": line}
    if row.feedback:
        yield {"icon": "format_quote", "text": _("Customer feedback: {text}").format(text=" ".join(_shortened(row.feedback)))}
    if row.plan:
        yield _plan(row.plan)
    if row.mentions:
        yield {"icon": "alternate_email", "text": join_words(row.mentions.values())}


def _shortened(text: str) -> list[str]:
    cut = text if len(text) <= SHOWN else f"{text[:SHOWN].rstrip()}…"
    return [line.strip() for line in cut.splitlines() if line.strip()]


def _plan(plan: Planned) -> Shown:
    what = f"{plan.goal} · {when(plan)} · {plan.assignee}"
    if plan.done_at:
        icon, state = "check_circle" if plan.state == TaskState.DONE else "cancel", _(TASK_STATES[TaskState(plan.state)])
        return {"icon": icon, "text": f"{what} · {state}", "look": "quiet"}
    mark = _("Overdue") if plan.is_overdue else ""
    return {"icon": "event_upcoming", "text": _("Next step: {plan}").format(plan=what), "mark": mark}


def when(plan: Planned) -> str:
    """Until when a plan is due: a day, or a moment."""
    return format_date(clock.day_of(plan.due_at)) if follow_up_fields.is_whole_day(plan.due_at) else format_time(plan.due_at)


def _file(file: File) -> Shown:
    # A copy of an identity card opens from the attachments only, which know who may look at it.
    return {"text": file.filename, "path": "" if file.type == IDENTITY_CARD else f"/files/{file.id}"}


@dataclass(frozen=True)
class Action:
    """One entry of the menu: what its dialog draws, and for which follow-ups, of a customer that can be changed or not."""

    label: str
    icon: str
    draw: Callable[[Noted], None]
    fits: Callable[[Noted, Actor, bool], bool]


def _may_correct(row: Noted, actor: Actor, is_open: bool) -> bool:
    return is_open and actor.can(Permission.FOLLOW_UP_WRITE) and (row.author_id == actor.id or tasks.leads(actor))


def _may_plan(row: Noted, actor: Actor, is_open: bool) -> bool:
    is_closed = row.plan is not None and row.plan.done_at is not None
    return is_open and not is_closed and actor.can(Permission.FOLLOW_UP_WRITE)


def _may_cancel(row: Noted, actor: Actor, is_open: bool) -> bool:
    return row.plan is not None and _may_plan(row, actor, is_open)


def _may_add(_row: Noted, actor: Actor, is_open: bool) -> bool:
    return is_open and actor.can(Permission.FOLLOW_UP_WRITE)


def _may_delete(_row: Noted, actor: Actor, is_open: bool) -> bool:
    return is_open and actor.can(Permission.FOLLOW_UP_DELETE)


def _is_long(row: Noted, _actor: Actor, _is_open: bool) -> bool:
    return max(len(row.content), len(row.feedback)) > SHOWN


ACTIONS: dict[str, Action] = {
    "read": Action(N_("Read in full"), "article", follow_up_dialogs.read, _is_long),
    "plan": Action(N_("Next step"), "event_upcoming", follow_up_dialogs.plan, _may_plan),
    "cancel": Action(N_("Cancel the plan"), "event_busy", follow_up_dialogs.cancel_plan, _may_cancel),
    "correct": Action(N_("Correct follow-up"), "edit", follow_up_dialogs.correct, _may_correct),
    "file": Action(N_("Add a file"), "attach_file", follow_up_dialogs.add_file, _may_add),
    "trace": Action(N_("What was corrected"), "history", follow_up_dialogs.trace, lambda row, _actor, _is_open: row.is_corrected),
    "delete": Action(N_("Delete follow-up"), "delete", follow_up_dialogs.delete, _may_delete),
}
"""The menu in its order."""
