"""市场活动: all campaigns, searched and filtered, and a new one."""

import streamlit as st

from crm_core.i18n import N_, _, plural
from crm_core.permissions import Permission
from crm_core.services import campaign_list, library
from ui import campaign_cards, campaign_filters, campaign_form, feedback, guard, header, list_footer

actor = guard.page(Permission.CAMPAIGN_READ)
header.title(_("Campaigns"))


@guard.fragment
def draw_list() -> None:
    """The filters and the campaigns they find; only this part runs again when a filter changes."""
    with guard.reading() as session:
        entries = library.get_library(session)
        filters = campaign_filters.Filters(entries, campaign_list.leading(session, guard.actor()))
        page = campaign_list.list_campaigns(session, guard.actor(), filters.draw(draw_tools))
    for row in page.rows:
        campaign_cards.draw(row, entries)
    if page.rows:
        count = plural(page.total, N_("{total} campaign"), N_("{total} campaigns")).format(total=f"{page.total:,}")
        list_footer.draw(count, page.pages, page.page)
    elif filters.is_active():
        feedback.empty_state("search_off", _("No campaign matches"), _("Try fewer words or filters."))
        st.button(_("Clear all filters"), icon=":material/filter_list_off:", on_click=filters.clear)
    else:
        hint = _("A campaign is planned here: what is done, through which channel, when, and what it may cost.")
        feedback.empty_state("campaign", _("No campaigns yet"), hint)
    filters.keep()


def draw_tools() -> None:
    """The button that plans a campaign."""
    if guard.actor().can(Permission.CAMPAIGN_WRITE) and st.button(_("New campaign"), type="primary", icon=":material/add:"):
        campaign_form.open_new()


draw_list()
