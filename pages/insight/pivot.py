"""透视分析: counts and amounts of one subject by any two dimensions, within what its viewer may see."""

import streamlit as st

from crm_core.i18n import _
from crm_core.permissions import Permission
from crm_core.services import library, owners, saved_views, teams
from crm_core.services.pivots import pivot
from ui import feedback, guard, header, pivot_filters, pivot_table, pivot_views

actor = guard.page(Permission.DASHBOARD_READ)
header.title(_("Pivot analysis"))
feedback.show_message()

with guard.reading() as session:
    filters = pivot_filters.Filters(
        pivot.subjects_of(actor),
        people=owners.list_owners(session, actor),
        teams=teams.list_teams(session),
        sources={entry.code: entry.label for entry in library.get_library(session).active("source")},
        views=saved_views.list_views(session, actor, saved_views.PIVOT),
    )
filters.restore()
filters.draw()
query = filters.query()
with st.container(horizontal=True, vertical_alignment="center"):
    filters.draw_more()
    pivot_views.PivotMenu(filters).draw()
    if actor.can(Permission.CUSTOMER_EXPORT) and st.button(_("Export"), icon=":material/download:", key="pivot_export"):
        pivot_table.ask_export(query)
with feedback.attempt() as outcome, guard.reading() as session:
    found = pivot.analyse(session, actor, query)
if outcome.succeeded and found.count:
    pivot_table.draw(found, pivot.title_of(query))
elif outcome.succeeded:
    feedback.empty_state("pivot_table_chart", _("Nothing to count"), _("No record matches. Choose a longer period or fewer filters."))
    st.button(_("Clear all filters"), icon=":material/filter_list_off:", on_click=filters.clear)
filters.keep()
