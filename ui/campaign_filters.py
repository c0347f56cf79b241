"""The filters of the campaigns; every choice stands in the address."""

from collections.abc import Callable

import streamlit as st

from crm_core.i18n import _
from crm_core.models import CAMPAIGN_STATES
from crm_core.services.campaign_list import CampaignQuery
from crm_core.services.library import Library
from ui import address, customer_filters, forms
from ui.parameters import AnyOf, Day, Number, OneOf, Parameter

PAGE = "campaigns"
FIELDS = ("campaigns_channel", "campaigns_owner", "campaigns_from", "campaigns_until")
"""What stands in the popover."""


class Filters:
    """What can be chosen now, and the query it makes; `people` are those who lead campaigns."""

    def __init__(self, library: Library, people: dict[int, str]) -> None:
        self.people = people
        self.channels = {one.code: one.label for one in library.by_category.get("campaign_channel", ()) if not one.merged_into}
        self.parameters: dict[str, Parameter] = {
            "campaigns_q": Parameter(),
            "campaigns_state": OneOf(None, codes=CAMPAIGN_STATES),
            "campaigns_channel": AnyOf(codes=lambda: self.channels),
            "campaigns_owner": AnyOf(codes=lambda: people),
            "campaigns_from": Day(),
            "campaigns_until": Day(),
            "page": Number(1),
        }

    def draw(self, draw_tools: Callable[[], None]) -> CampaignQuery:
        """Draw the row, the tools of the list at its end, and return the query it describes."""
        address.restore(PAGE, self.parameters)
        with st.container(horizontal=True, vertical_alignment="center", key="list_filters"):
            with st.container(key="list_search", width=224):
                st.text_input(
                    _("Search campaigns"),
                    key="campaigns_q",
                    label_visibility="collapsed",
                    icon=":material/search:",
                    live="150ms",
                    placeholder=_("Name, code, venue"),
                    on_change=customer_filters.first_page,
                )
            st.selectbox(
                _("State"),
                list(CAMPAIGN_STATES),
                index=None,
                format_func=lambda code: _(CAMPAIGN_STATES[code]),
                key="campaigns_state",
                label_visibility="collapsed",
                placeholder=_("In any state"),
                width=170,
                on_change=customer_filters.first_page,
            )
            self._draw_more()
            draw_tools()
        return self.query()

    def _draw_more(self) -> None:
        count = sum(bool(st.session_state.get(key)) for key in FIELDS)
        with st.popover(_("Filters") + (f" ({count})" if count else ""), icon=":material/filter_list:", key="campaign_filters_more"):
            self._several(_("Campaign channel"), "campaigns_channel", self.channels)
            self._several(_("Leader"), "campaigns_owner", self.people)
            for key, label in (("campaigns_from", _("Starts from")), ("campaigns_until", _("Starts until"))):
                forms.enter_day(label, key, on_change=customer_filters.first_page)
            st.button(
                _("Clear all filters"), icon=":material/filter_list_off:", type="tertiary", on_click=self.clear, key="campaigns_clear"
            )

    def _several(self, label: str, key: str, choices: dict[str, str] | dict[int, str]) -> None:
        st.multiselect(
            label,
            list(choices),
            format_func=lambda code: choices.get(code, ""),
            key=key,
            placeholder=_("Any"),
            on_change=customer_filters.first_page,
        )

    def query(self) -> CampaignQuery:
        """The query for what is chosen now."""
        chosen = {name: st.session_state.get(name) for name in self.parameters}
        return CampaignQuery(
            phrase=(chosen["campaigns_q"] or "").strip(),
            states=(chosen["campaigns_state"],) if chosen["campaigns_state"] else (),
            channels=tuple(chosen["campaigns_channel"] or ()),
            owners=tuple(chosen["campaigns_owner"] or ()),
            starts_from=chosen["campaigns_from"],
            starts_until=chosen["campaigns_until"],
            page=int(chosen["page"] or 1),
        )

    def is_active(self) -> bool:
        """Whether anything is searched or filtered."""
        return any(one.write(st.session_state.get(name)) for name, one in self.parameters.items() if name != "page")

    def clear(self) -> None:
        """Take all filters away."""
        for name, parameter in self.parameters.items():
            st.session_state[name] = parameter.read([])

    def keep(self) -> None:
        """Write the choices into the address."""
        address.keep(PAGE, self.parameters)
