"""What the boards are asked: which board, which days, whose work, which customers; every choice stands in the address."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import streamlit as st

from crm_core import clock
from crm_core.i18n import N_, _
from crm_core.models import STAGES
from crm_core.services.insight.boards import BoardType
from crm_core.services.insight.question import Compared, Period, Question
from crm_core.services.library import Library
from ui import address, forms
from ui.parameters import AnyOf, Day, OneOf, Parameter, Switch

PAGE = "overview"
DAYS_30, QUARTER, YEAR, RANGE = "30d", "quarter", "year", "range"
SPANS = {DAYS_30: N_("Last 30 days"), QUARTER: N_("This quarter"), YEAR: N_("This year"), RANGE: N_("Other days")}
COMPARED = {
    Compared.NOTHING: N_("No comparison"),
    Compared.BEFORE: N_("With the period before"),
    Compared.LAST_YEAR: N_("With last year"),
}
NARROWED = ("team", "person", "type", "source")


@dataclass(frozen=True)
class Choices:
    """What the filters offer."""

    boards: Mapping[str, BoardType]
    people: Mapping[int, str]
    teams: Mapping[int, str]
    library: Library

    @property
    def sources(self) -> dict[str, str]:
        """The sources of customers, former ones included."""
        return {one.code: one.label for one in self.library.by_category.get("source", ()) if not one.merged_into}


class Filters:
    """What can be chosen now, and the question that it makes."""

    def __init__(self, choices: Choices) -> None:
        self.choices = choices
        self.parameters: dict[str, Parameter] = {
            "board": OneOf(next(iter(choices.boards)), choices.boards),
            "span": OneOf(YEAR, SPANS),
            "from": Day(),
            "until": Day(),
            "compared": OneOf(Compared.NOTHING, tuple(Compared)),
            "team": AnyOf(codes=lambda: choices.teams),
            "person": AnyOf(codes=lambda: choices.people),
            "type": AnyOf(codes=lambda: [str(code) for code in STAGES]),
            "source": AnyOf(codes=lambda: choices.sources),
            "wall": Switch(),
        }

    def restore(self) -> None:
        """Take over what stands in the address; on a wall hold it, since Streamlit forgets what belongs to filters that are not drawn."""
        address.restore(PAGE, self.parameters)
        if self.is_wall:
            for name in self.parameters.keys() & st.session_state.keys():
                st.session_state[name] = st.session_state[name]

    @property
    def board(self) -> str:
        """The board that is shown."""
        return str(st.session_state.get("board") or next(iter(self.choices.boards)))

    @property
    def is_wall(self) -> bool:
        """Whether the boards fill the screen, one after the other."""
        return bool(st.session_state.get("wall"))

    def draw(self) -> None:
        """Draw the boards to choose from, and the row of filters."""
        boards = self.choices.boards
        st.pills(
            _("Board"),
            list(boards),
            format_func=lambda key: f":material/{boards[key].icon}: " + _(boards[key].title),
            key="board",
            required=True,
            label_visibility="collapsed",
        )
        aligned: Literal["bottom", "center"] = (
            "bottom" if st.session_state.get("span") == RANGE else "center"
        )  # only the days have labels above them
        with st.container(horizontal=True, vertical_alignment=aligned, key="insight_filters"):
            st.segmented_control(
                _("Days"), list(SPANS), format_func=lambda code: _(SPANS[code]), key="span", required=True, label_visibility="collapsed"
            )
            if st.session_state.get("span") == RANGE:
                for name, label in (("from", _("From day")), ("until", _("Until day"))):
                    forms.enter_day(label, name, width=150)
            if boards[self.board].has_period:
                st.selectbox(
                    _("Comparison"),
                    list(COMPARED),
                    format_func=lambda code: _(COMPARED[code]),
                    key="compared",
                    label_visibility="collapsed",
                    width=190,
                )
            self._draw_more()
            st.button(_("Full screen"), icon=":material/fullscreen:", on_click=show_wall, args=(True,), key="wall_open")

    def _draw_more(self) -> None:
        count = sum(bool(st.session_state.get(name)) for name in NARROWED)
        with st.popover(_("Filters") + (f" ({count})" if count else ""), icon=":material/filter_list:", key="insight_filters_more"):
            if self.choices.teams:
                self._several(_("Team"), "team", self.choices.teams)
            if self.choices.people:
                self._several(_("Person"), "person", self.choices.people)
            self._several(_("Customer type"), "type", {str(code): _(label) for code, label in STAGES.items()})
            self._several(_("Customer source"), "source", self.choices.sources)

    def _several(self, label: str, key: str, labels: Mapping[Any, str]) -> None:
        st.multiselect(label, list(labels), format_func=lambda code: labels.get(code, ""), key=key, placeholder=_("Any"))

    def question(self) -> Question | None:
        """What is asked; nothing for days that end before they begin."""
        state = st.session_state
        period = _period(state.get("span") or YEAR, state.get("from"), state.get("until"))
        if period is None:
            return None
        return Question(
            period,
            Compared(state.get("compared") or Compared.NOTHING),
            teams=tuple(state.get("team") or ()),
            owners=tuple(state.get("person") or ()),
            stages=tuple(state.get("type") or ()),
            sources=tuple(state.get("source") or ()),
        )

    def keep(self) -> None:
        """Write the choices into the address."""
        address.keep(PAGE, self.parameters)


def show_wall(is_on: bool) -> None:
    """Fill the screen with the boards, or show the page as it is again."""
    st.session_state["wall"] = is_on


def _period(span: str, first: date | None, last: date | None) -> Period | None:
    today = clock.today()
    if span != RANGE:
        return Period.up_to(today, span)
    first, last = first or last or today, last or max(first or today, today)
    return Period(first, last) if first <= last else None
