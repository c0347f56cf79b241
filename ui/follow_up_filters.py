"""The filters of all follow-ups; every choice stands in the address."""

import streamlit as st

from crm_core import clock
from crm_core.i18n import _
from crm_core.models import METHODS
from crm_core.services.follow_up_list import FollowUpQuery
from crm_core.services.library import Library
from ui import address, customer_filters, forms, guard, narrowing
from ui.parameters import AnyOf, Day, Number, Parameter, Switch

PAGE = "follow-ups"


class Filters:
    """What can be chosen now, and the query it makes; `people` by id."""

    def __init__(self, people: dict[int, str], library: Library) -> None:
        self.people, self.library = people, library
        self.parameters: dict[str, Parameter] = {
            "q": Parameter(),
            "method": AnyOf(codes=lambda: METHODS),
            "author": AnyOf(codes=lambda: people),
            "since": Day(),
            "until": Day(),
            "mentioned": Switch(),
            "late": Switch(),
            "files": Switch(),
            "page": Number(1),
            **narrowing.OF,
        }

    def draw(self) -> FollowUpQuery:
        """Draw the filters and return the query they describe."""
        address.restore(PAGE, self.parameters)
        with st.container(key="list_filters"):
            with st.grid(5, min_column_width=150):
                st.text_input(
                    _("Search follow-ups"),
                    key="q",
                    placeholder=_("Words, customer, contact"),
                    live="150ms",
                    on_change=customer_filters.first_page,
                )
                _several(_("Method"), "method", {code: _(label) for code, label in METHODS.items()})
                _several(_("Written by"), "author", self.people)
                for name, label in (("since", _("From day")), ("until", _("Until day"))):
                    forms.enter_day(label, name, latest=clock.today(), on_change=customer_filters.first_page)
            labels = {"mentioned": _("Mentioning me"), "late": _("Late entries"), "files": _("With files")}
            with st.container(horizontal=True, gap="medium"):
                for name, label in labels.items():
                    st.toggle(label, key=name, on_change=customer_filters.first_page)
            narrowing.draw(narrowing.OF, self.library, self.people)
        return self.query()

    def query(self) -> FollowUpQuery:
        """The query for what is chosen now."""
        chosen = {name: st.session_state.get(name) for name in self.parameters}
        return FollowUpQuery(
            phrase=(chosen["q"] or "").strip(),
            methods=tuple(chosen["method"] or ()),
            authors=tuple(chosen["author"] or ()),
            mentioned=guard.actor().id if chosen["mentioned"] else None,
            since=chosen["since"],
            until=chosen["until"],
            is_late=bool(chosen["late"]),
            has_files=bool(chosen["files"]),
            of=narrowing.of_customers(),
            page=int(chosen["page"] or 1),
        )

    def clear(self) -> None:
        """Take all filters away."""
        for name, parameter in self.parameters.items():
            st.session_state[name] = parameter.read([])

    def keep(self) -> None:
        """Write the choices into the address."""
        address.keep(PAGE, self.parameters)


def _several(label: str, key: str, choices: dict[int, str] | dict[str, str]) -> None:
    st.multiselect(
        label,
        list(choices),
        format_func=lambda code: choices.get(code, ""),
        key=key,
        placeholder=_("Any"),
        on_change=customer_filters.first_page,
    )
