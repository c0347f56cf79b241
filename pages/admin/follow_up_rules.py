"""The rules of follow-ups: when an entry is late, how long without contact is too long, when people are reminded."""

import streamlit as st

from crm_core.i18n import _
from crm_core.permissions import Permission
from crm_core.services import follow_up_rules
from ui import follow_up_rules_form, guard, header

actor = guard.page(Permission.RULE_EDIT)
header.title(_("Follow-up rules"))

with guard.reading() as session:
    rules, version = follow_up_rules.get_follow_up_policy(session)

follow_up_rules_form.open_form(rules, version)
with st.form("follow_up_rules"):
    follow_up_rules_form.draw(rules)
    if st.form_submit_button(_("Save"), type="primary", icon=":material/check:"):
        follow_up_rules_form.save()
