"""The rules of the customer pool and of transfers."""

import streamlit as st

from crm_core.i18n import _
from crm_core.permissions import Permission
from crm_core.services import pool_rules
from ui import guard, header, pool_rules_form

actor = guard.page(Permission.RULE_EDIT)
header.title(_("Pool and transfer rules"))

with guard.reading() as session:
    rules, version = pool_rules.get_rules(session)

pool_rules_form.explain()
pool_rules_form.open_form(rules, version)
with st.form("pool_rules", border=False):
    pool_rules_form.draw()
    if st.form_submit_button(_("Save"), type="primary", icon=":material/check:"):
        pool_rules_form.save(rules)
