"""What somebody does with the calendar: whose it is, which days it shows, and what a click or a drag leads to."""

from collections.abc import Callable
from datetime import date
from typing import Any

import streamlit as st

from crm_core import clock, workdays
from crm_core.i18n import _, format_date, join_sentences
from crm_core.permissions import Actor
from crm_core.services import task_moves, tasks
from ui import address, feedback, guard, task_form, task_sheet
from ui.calendar_view import DAY, MONTH, VIEWS, Span
from ui.forms import EARLIEST, LATEST
from ui.parameters import Day, OneOf, Parameter

PAGE = "calendar"
EVERYBODY = "all"


class Choices:
    """Whose calendar, in which view, around which day; all of it stands in the address."""

    def __init__(self, actor: Actor, people: dict[int, str]) -> None:
        own = str(actor.id)
        self.whose = {own: _("My calendar")}
        if tasks.leads(actor):
            others = {str(number): name for number, name in people.items() if number != actor.id}
            self.whose |= {EVERYBODY: _("Everybody's open tasks")} | others
        self.parameters: dict[str, Parameter] = {
            "calendar_view": OneOf(MONTH, codes=VIEWS),
            "calendar_whose": OneOf(own, codes=self.whose),
            "calendar_day": Day(),
        }

    def restore(self) -> None:
        """Take over what stands in the address."""
        address.restore(PAGE, self.parameters)

    @property
    def span(self) -> Span:
        """The days to show."""
        day = st.session_state.get("calendar_day") or clock.today()
        return Span(st.session_state.get("calendar_view") or MONTH, min(max(day, EARLIEST), LATEST))

    @property
    def assignees(self) -> tuple[int, ...]:
        """Whose tasks; nobody named means everybody's."""
        chosen = st.session_state.get("calendar_whose") or next(iter(self.whose))
        return () if chosen == EVERYBODY else (int(chosen),)

    def draw(self) -> None:
        """The row above the calendar."""
        span = self.span
        with st.container(horizontal=True, vertical_alignment="center", key="calendar_tools"):
            if st.button(_("Add task"), type="primary", icon=":material/add_task:"):
                task_form.open_new()
            self._draw_turn(_("Earlier"), "left", "calendar_back", -1)
            st.button(_("Today"), key="calendar_today", on_click=show, args=(clock.today(),))
            self._draw_turn(_("Later"), "right", "calendar_on", 1)
            st.markdown(f"**{span.title}**", width="stretch")
            st.segmented_control(
                _("View"),
                list(VIEWS),
                format_func=lambda code: _(VIEWS[code]),
                required=True,
                key="calendar_view",
                label_visibility="collapsed",
            )
            if len(self.whose) > 1:
                st.selectbox(
                    _("Whose"),
                    list(self.whose),
                    format_func=self.whose.__getitem__,
                    key="calendar_whose",
                    label_visibility="collapsed",
                    width=190,
                )

    def _draw_turn(self, label: str, side: str, key: str, turns: int) -> None:
        st.button(label, icon=f":material/chevron_{side}:", key=key, help=label, on_click=show, args=(self.span.turned(turns),))

    def keep(self) -> None:
        """Write the choices into the address."""
        address.keep(PAGE, self.parameters)


def show(day: date, view: str = "") -> None:
    """Show another day, in another view if one is named; before the row above the calendar is drawn."""
    st.session_state["calendar_day"] = day
    if view:
        st.session_state["calendar_view"] = view


def draw_hint(span: Span) -> None:
    """How to use it, and where holidays are not known yet."""
    hints = [_("Drag a task to another day, or press Shift and an arrow key on it. Click a day to add a task.")]
    last = span.turned(1)
    if not workdays.is_published(last):
        hints.append(_("The holidays of {year} are not published yet; weekends are marked.").format(year=last.year))
    st.caption(join_sentences(*hints))


def answer(result: Any, span: Span) -> None:
    """Do what somebody just asked for in the calendar. What comes from the browser is looked at like everything typed."""
    for event, act in _ACTS.items():
        if isinstance(sent := getattr(result, event, None), dict):
            act(sent, span)


def _open(sent: dict[str, Any], _span: Span) -> None:
    if isinstance(number := sent.get("id"), int):
        task_sheet.open_task(number)


def _add(sent: dict[str, Any], _span: Span) -> None:
    if day := _day_of(sent):
        task_form.open_new(day=day)


def _move(sent: dict[str, Any], _span: Span) -> None:
    day, number, version = _day_of(sent), sent.get("id"), sent.get("version")
    if not (day and isinstance(number, int) and isinstance(version, int)):
        return
    with feedback.attempt(show=False) as outcome, guard.acting() as session:
        task_moves.move_task(session, guard.actor(), number, day, version=version)
    if outcome.succeeded:
        feedback.later(_("Moved to {day}.").format(day=format_date(day)))
    st.session_state["calendar_refused"] = outcome.error
    st.session_state["calendar_turn"] = st.session_state.get("calendar_turn", 0) + 1
    guard.again()


def _show(sent: dict[str, Any], _span: Span) -> None:
    if day := _day_of(sent):
        st.session_state["calendar_next"] = (day, DAY)
        guard.again()


def _turn(sent: dict[str, Any], span: Span) -> None:
    st.session_state["calendar_next"] = (span.turned(-1 if sent.get("by") == -1 else 1), "")
    guard.again()


def follow() -> None:
    """Before the row above the calendar: what came of the last move, and the days that were asked for in the calendar itself."""
    feedback.show_message()
    if problem := st.session_state.pop("calendar_refused", None):
        feedback.explain(problem)
    if following := st.session_state.pop("calendar_next", None):
        show(*following)


def _day_of(sent: dict[str, Any]) -> date | None:
    day: date | None = Day().read([str(sent.get("day", ""))])
    return day


_ACTS: dict[str, Callable[[dict[str, Any], Span], None]] = {"opened": _open, "added": _add, "moved": _move, "shown": _show, "turned": _turn}
