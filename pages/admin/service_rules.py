"""The rules of the service: its hours, until when tickets have to be resolved, when people are reminded, when tickets are closed."""

import streamlit as st

from crm_core.i18n import _
from crm_core.permissions import Permission
from crm_core.services import service_hours
from ui import guard, header, service_rules_form

actor = guard.page(Permission.RULE_EDIT)
header.title(_("Service rules"))

with guard.reading() as session:
    rules, version = service_hours.get_service_policy(session)

service_rules_form.open_form(rules, version)
with st.form("service_rules"):
    service_rules_form.draw()
    if st.form_submit_button(_("Save"), type="primary", icon=":material/check:"):
        service_rules_form.save()
