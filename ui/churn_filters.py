"""What is chosen on the page of churn warnings: the view and the filters of the list; every choice stands in the address."""

import streamlit as st

from crm_core.i18n import N_, _
from crm_core.models import CHURN_BANDS, TIERS
from crm_core.services.churn.risks import RiskQuery
from ui import address, customer_filters
from ui.parameters import AnyOf, Number, OneOf, Parameter

PAGE = "churn"
VIEWS = {"risks": N_("At risk"), "plans": N_("Win-back plans"), "proof": N_("Proof on the past")}


class Filters:
    """What can be chosen now; `people` and `teams` by id."""

    def __init__(self, people: dict[int, str], teams: dict[int, str]) -> None:
        self.people, self.teams = people, teams
        self.parameters: dict[str, Parameter] = {
            "view": OneOf("risks", VIEWS),
            "band": AnyOf(codes=lambda: CHURN_BANDS),
            "tier": AnyOf(codes=lambda: TIERS),
            "owner": AnyOf(codes=lambda: people),
            "team": AnyOf(codes=lambda: teams),
            "page": Number(1),
        }

    def draw_views(self) -> str:
        """Which part of the page is shown."""
        address.restore(PAGE, self.parameters)
        return st.segmented_control(
            _("View"),
            list(VIEWS),
            format_func=lambda code: _(VIEWS[code]),
            required=True,
            key="view",
            label_visibility="collapsed",
            on_change=customer_filters.first_page,
        )

    def draw(self) -> RiskQuery:
        """Draw the filters of the list and return the query they describe."""
        with st.container(key="list_filters"), st.grid(4, min_column_width=150):
            self._choose("band", _("Risk"), {code: _(label) for code, label in CHURN_BANDS.items()}, _("Medium and high"))
            self._choose("tier", _("Customer tier"), {code: _(label) for code, label in TIERS.items()})
            if len(self.people) > 1:
                self._choose("owner", _("Owner"), self.people)
            if self.teams:
                self._choose("team", _("Team"), self.teams)
        chosen = {name: tuple(st.session_state.get(name) or ()) for name in ("band", "tier", "owner", "team")}
        return RiskQuery(chosen["band"], chosen["tier"], chosen["owner"], chosen["team"], int(st.session_state.get("page") or 1))

    def _choose(self, name: str, label: str, choices: dict[str, str] | dict[int, str], usual: str = "") -> None:
        labels: dict[str | int, str] = {**choices}
        st.multiselect(
            label,
            list(labels),
            format_func=lambda code: labels.get(code, ""),
            key=name,
            placeholder=usual or _("Any"),
            on_change=customer_filters.first_page,
        )

    def clear(self) -> None:
        """Take all filters away."""
        for name in ("band", "tier", "owner", "team", "page"):
            st.session_state[name] = self.parameters[name].read([])

    def keep(self) -> None:
        """Write the choices into the address."""
        address.keep(PAGE, self.parameters)
