"""商机: what may be sold, as a board by stage, a list, or a forecast by month."""

import streamlit as st

from crm_core.i18n import _
from crm_core.permissions import Permission
from ui import (
    export_dialog,
    feedback,
    guard,
    header,
    opportunity_board,
    opportunity_filters,
    opportunity_forecast,
    opportunity_form,
    opportunity_list,
    opportunity_sheet,
)

actor = guard.page(Permission.OPPORTUNITY_READ)
header.title(_("Opportunities"))


@guard.fragment
def draw_opportunities() -> None:
    """The filters and what they find; only this part runs again when a filter changes or a card moves."""
    feedback.show_message()
    filters = opportunity_filters.Filters(guard.actor())
    filters.restore()
    draw_tools()
    query = filters.draw()
    if filters.view == opportunity_filters.BOARD:
        opportunity_board.draw(query)
    elif filters.view == opportunity_filters.LIST:
        opportunity_list.draw(query, is_filtered=filters.is_active())
    else:
        opportunity_forecast.draw(query)
    opportunity_sheet.open_asked()
    export_dialog.open_asked("opportunities", query)
    filters.keep()


def draw_tools() -> None:
    """The button that adds, and the views."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if guard.actor().can(Permission.OPPORTUNITY_WRITE) and st.button(
            _("Add opportunity"), type="primary", icon=":material/add:", key="opportunity_add"
        ):
            opportunity_form.open_new()
        st.segmented_control(
            _("View"),
            list(opportunity_filters.VIEWS),
            format_func=lambda code: _(opportunity_filters.VIEWS[code]),
            required=True,
            key="opp_view",
            label_visibility="collapsed",
        )


draw_opportunities()
