"""Fields: which fields of customers are shown and required, for whom and in what order; custom fields; removed ones."""

import streamlit as st

from crm_core.i18n import _
from crm_core.permissions import Permission
from crm_core.services import field_changes, library
from ui import custom_field_form, feedback, field_list, guard, header

actor = guard.page(Permission.RULE_EDIT)
header.title(_("Fields"))

with guard.reading() as session:
    entries = library.get_library(session)
    own = {row.key: row for row in field_changes.list_custom_fields(session, actor)}
removed = [row for row in own.values() if row.removed_at]

st.caption(_("What is set here counts at once in the form, the list, the filters, the import and its template."))
views = {"list": _("Fields"), "preview": _("Preview of the form"), "removed": _("Removed fields") + f" ({len(removed)})"}
with st.container(horizontal=True, vertical_alignment="center"):
    if st.button(_("Add field"), type="primary", icon=":material/add:"):
        guard.dialog(_("Add field"), custom_field_form.add)
    view = st.segmented_control(
        _("View"),
        list(views),
        format_func=lambda code: views[code],
        default="list",
        required=True,
        key="fields_view",
        label_visibility="collapsed",
    )

if view == "list":
    field_list.draw(entries, own)
elif view == "preview":
    field_list.draw_preview(entries)
elif removed:
    for row in removed:
        field_list.draw_removed(row)
else:
    feedback.empty_state(
        "inventory_2", _("No field was removed"), _("A removed custom field stands here with its values until it is restored.")
    )
