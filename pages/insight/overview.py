"""客户总览: how many customers there are, of which type, industry and source, and how many came each month."""

import streamlit as st

from crm_core.i18n import _
from crm_core.permissions import Permission
from crm_core.services import dashboards, library
from ui import charts, feedback, guard, header, routes

guard.page(Permission.DASHBOARD_READ)
header.title(_("Customer overview"))


@guard.fragment(run_every=5)
def overview() -> None:
    """Follows what others enter within seconds; computed again only when something changed."""
    with guard.reading() as session:
        figures = dashboards.get_overview(session, guard.actor())
        entries = library.get_library(session)
    if not figures.total:
        feedback.empty_state("donut_small", _("Nothing to count yet"), _("The charts appear with the first customers."))
        if st.button(_("New customer"), icon=":material/add:", type="primary"):
            st.switch_page(routes.INTAKE)
        return
    with st.grid(4, min_column_width=150):
        st.metric(_("Total customers"), f"{figures.total:,}", border=True)
        st.metric(_("New this month"), f"{figures.new_this_month:,}", border=True)
        st.metric(_("Won customers"), f"{figures.stages.get('customer', 0):,}", border=True)
        st.metric(_("Incomplete"), f"{figures.incomplete:,}", border=True)
    with st.grid(2, min_column_width=320):
        charts.stage_pie(figures.stages)
        charts.month_bars(figures.months)
        charts.industry_bars(figures.industries, entries)
        charts.source_bars(figures.sources, entries)
    st.caption(_("Counted over all customers you may see, without deleted ones; months by day of entry. Updates by itself."))


overview()
