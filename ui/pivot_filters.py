"""What a pivot shows: subject, rows, columns, measure and filters; every choice stands in the address."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from crm_core.i18n import _, labelled
from crm_core.models import STAGES, TIERS
from crm_core.services.pivots.pivot import PivotQuery
from crm_core.services.pivots.subjects import COUNT, Subject
from crm_core.services.saved_views import View
from ui import address, forms
from ui.parameters import AnyOf, Day, Id, OneOf, Parameter

PAGE = "pivot"
FILTERS = ("since", "until", "team", "owner", "stage", "tier", "source")
POPOVER_WIDTH = 420


class Filters:
    """What can be chosen now, and the query it makes."""

    def __init__(
        self,
        subjects: Mapping[str, Subject],
        *,
        people: Mapping[int, str],
        teams: Mapping[int, str],
        sources: Mapping[str, str],
        views: Mapping[int, View],
    ) -> None:
        self.subjects, self.people, self.teams, self.sources, self.views = subjects, people, teams, sources, views
        self.parameters: dict[str, Parameter] = {
            "subject": OneOf(next(iter(subjects)), subjects),
            "row": Parameter(),
            "column": Parameter(),
            "measure": Parameter(COUNT),
            "since": Day(),
            "until": Day(),
            "team": AnyOf(codes=lambda: teams),
            "owner": AnyOf(codes=lambda: people),
            "stage": AnyOf(codes=lambda: STAGES),
            "tier": AnyOf(codes=lambda: TIERS),
            "source": AnyOf(codes=lambda: sources),
            "view": Id(),
        }

    @property
    def view(self) -> View | None:
        """The saved view that is open."""
        return self.views.get(st.session_state.get("view") or 0)

    @property
    def subject(self) -> Subject:
        """What is analysed."""
        return self.subjects[st.session_state["subject"]]

    def restore(self) -> None:
        """Before the widgets: what stands in the address, where it makes sense; a link that only names a view opens it."""
        if address.restore(PAGE, self.parameters) and self.view and not st.session_state["row"]:
            self.open_view(self.view)
        self._mend()

    def _mend(self) -> None:
        state, subject = st.session_state, self.subject
        if state.get("row") not in subject.dimensions:
            state["row"] = next(iter(subject.dimensions))
        if state.get("column") not in subject.dimensions or state["column"] == state["row"]:
            state["column"] = None
        if state.get("measure") not in subject.measures:
            state["measure"] = COUNT

    def draw(self) -> None:
        """Draw what is analysed, by what, and what is measured."""
        subject = self.subject
        titles = {name: dimension.title for name, dimension in subject.dimensions.items()}
        with st.container(key="list_filters"):
            with st.grid(4, min_column_width=150):
                st.selectbox(_("Analysed"), list(self.subjects), format_func=lambda name: _(self.subjects[name].label), key="subject")
                st.selectbox(_("Rows"), list(titles), format_func=lambda name: titles[name], key="row")
                others = [name for name in titles if name != st.session_state["row"]]
                st.selectbox(_("Columns"), others, index=None, format_func=lambda name: titles[name], key="column", placeholder=_("None"))
                measures = subject.measures
                st.selectbox(_("Measure"), list(measures), format_func=lambda name: _(measures[name].label), key="measure")

    def draw_more(self) -> None:
        """The filters, in a popover that says how many are set."""
        count = sum(1 for name in FILTERS if st.session_state.get(name))
        label = _("Filters") + (f" ({count})" if count else "")
        dated = _(self.subject.dated_label)
        with st.popover(label, icon=":material/filter_list:", key="pivot_more"), st.container(width=POPOVER_WIDTH):
            with st.grid(2, min_column_width=150):
                for name, words in (("since", _("From")), ("until", _("Until"))):
                    forms.enter_day(labelled(dated, words), name)
            for name, words, names in self._choices():
                st.multiselect(words, list(names), format_func=names.__getitem__, key=name, placeholder=_("Any"))

    def _choices(self) -> list[tuple[str, str, Mapping[Any, str]]]:
        return [
            ("team", _("Team"), self.teams),
            ("owner", _("Owner"), self.people),
            ("stage", _("Customer type"), {code: _(label) for code, label in STAGES.items()}),
            ("tier", _("Customer tier"), {code: _(label) for code, label in TIERS.items()}),
            ("source", _("Customer source"), self.sources),
        ]

    def query(self) -> PivotQuery:
        """The query for what is chosen now."""
        chosen = {name: st.session_state.get(name) for name in self.parameters}
        lists = {f"{name}s": tuple(chosen[name] or ()) for name in ("team", "owner", "stage", "tier", "source")}
        axes = {name: chosen[name] or "" for name in ("subject", "row", "column")}
        return PivotQuery(**axes, **lists, measure=chosen["measure"] or COUNT, since=chosen["since"], until=chosen["until"])

    def state(self) -> dict[str, list[str]]:
        """What a saved view keeps."""
        return {name: one.write(st.session_state.get(name)) for name, one in self.parameters.items() if name != "view"}

    @property
    def is_changed(self) -> bool:
        """Whether something else is shown than what the open view keeps."""
        kept = {name: values for name, values in self.state().items() if values}
        return self.view is not None and kept != dict(self.view.query)

    def open_view(self, view: View) -> None:
        """Choose what a view keeps."""
        for name, parameter in self.parameters.items():
            st.session_state[name] = parameter.read(list(view.query.get(name, [])))
        st.session_state["view"] = view.id

    def clear(self) -> None:
        """Take all filters away, and close the view."""
        for name in (*FILTERS, "view"):
            st.session_state[name] = self.parameters[name].read([])

    def keep(self) -> None:
        """Write the choices into the address."""
        address.keep(PAGE, self.parameters)
