"""合并: two customers side by side; choose field by field what stays, then merge."""

import streamlit as st

from crm_core.i18n import _
from crm_core.permissions import Permission
from crm_core.services import library, merges
from ui import feedback, guard, header, merge_form, routes

actor = guard.page(Permission.CUSTOMER_MERGE)
header.title(_("Merge customers"))

codes = [st.query_params.get(name, "") for name in ("code", "other")]
if not all(codes):
    feedback.empty_state(
        "merge", _("Choose two customers first"), _("Open a suspected duplicate, or choose “Merge with” on a customer's page.")
    )
    if st.button(_("Suspected duplicates"), icon=":material/content_copy:"):
        st.switch_page(routes.DUPLICATES)
    st.stop()

with feedback.attempt() as opening, guard.reading() as session:
    preview = merges.preview_merge(session, actor, *codes)
    entries = library.get_library(session)
if not opening.succeeded:
    if st.button(_("Customer list"), icon=":material/arrow_back:"):
        st.switch_page(routes.CUSTOMERS)
    st.stop()

merge_form.draw(preview, entries)
