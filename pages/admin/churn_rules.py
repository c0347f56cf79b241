"""The rules of the churn warning: who is of high value, the bands, and the templates of win-back plans."""

import streamlit as st

from crm_core.i18n import _
from crm_core.permissions import Permission
from crm_core.services.churn import policy
from ui import churn_rules_form, guard, header

guard.page(Permission.RULE_EDIT)
header.title(_("Churn warning rules"))

with guard.reading() as session:
    rules, version = policy.get_churn_policy(session)

churn_rules_form.open_form(rules, version)
with st.form("churn_rules"):
    churn_rules_form.draw()
    if st.form_submit_button(_("Save"), type="primary", icon=":material/check:"):
        churn_rules_form.save()
