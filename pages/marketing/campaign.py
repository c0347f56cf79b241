"""One campaign: what is planned, who takes part, and what came of it."""

import streamlit as st

from crm_core.i18n import _
from crm_core.permissions import Permission
from crm_core.services import campaign_list, campaign_results, library
from ui import browser, campaign_people, campaign_results_view, campaign_sheet, feedback, guard, header, routes

actor = guard.page(Permission.CAMPAIGN_READ)
code = st.query_params.get("campaign", "")
if not code:
    header.title(_("Campaign"))
    feedback.empty_state("campaign", _("No campaign chosen"), _("A campaign opens from the list of campaigns."))
    if st.button(_("Campaigns"), icon=":material/arrow_back:"):
        st.switch_page(routes.CAMPAIGNS)
    st.stop()

with feedback.attempt() as opening, guard.reading() as session:
    campaign = campaign_list.get_campaign(session, actor, code)
    results = campaign_results.get_results(session, actor, campaign)
    entries = library.get_library(session)
if not opening.succeeded:
    header.title(_("Campaign"))
    if st.button(_("Campaigns"), icon=":material/arrow_back:"):
        st.switch_page(routes.CAMPAIGNS)
    st.stop()

header.title(feedback.escape(campaign.name))
campaign_sheet.draw_head(campaign)
columns = st.columns([2, 3], gap="medium")
# On a phone they stand one above the other: at the reception the participants are what one looks for.
facts, course = reversed(columns) if browser.is_phone() else columns
with facts:
    campaign_sheet.draw_facts(campaign, entries)
    campaign_sheet.draw_check_in(campaign)
with course:
    campaign_results_view.draw(campaign, results)
    campaign_people.draw(campaign)
