"""The stages of opportunities: their names, order, probability, and after how many days a card is marked."""

import streamlit as st

from crm_core.i18n import _
from crm_core.permissions import Permission
from crm_core.services import opportunity_stages
from ui import guard, header, opportunity_stage_form

actor = guard.page(Permission.RULE_EDIT)
header.title(_("Stages of opportunities"))

with guard.reading() as session:
    stages = opportunity_stages.list_stages(session)
    inside = {stage.id: opportunity_stages.count_inside(session, stage.id) for stage in stages}

st.caption(_("Opportunities go through these stages in this order. Those that are open weigh in the forecast with the probability."))
if st.button(_("Add stage"), type="primary", icon=":material/add:"):
    guard.dialog(_("Add stage"), opportunity_stage_form.add)
opportunity_stage_form.draw_all(stages, inside)
