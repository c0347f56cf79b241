"""报表: one's own reports as Excel or PDF, built beside the requests, and those that come by a schedule."""

import streamlit as st

from crm_core.i18n import _
from crm_core.permissions import Permission
from ui import feedback, guard, header, report_form, report_list

guard.page(Permission.CUSTOMER_EXPORT)
header.title(_("Reports"))
feedback.show_message()

own, scheduled = st.tabs([_("My reports"), _("Scheduled")], key="reports_tab", on_change="rerun")
if own.open:
    with own:
        if st.button(_("New report"), icon=":material/add:", type="primary", key="report_new"):
            report_form.ask_report()
        report_list.draw()
        st.caption(_("Reports are kept for 30 days. Every report and every download is noted in the audit log."))
if scheduled.open:
    with scheduled:
        if st.button(_("New scheduled report"), icon=":material/add:", type="primary", key="schedule_new"):
            report_form.ask_schedule()
        report_list.draw_schedules()
