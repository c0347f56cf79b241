"""沟通提纲: the questions shown beside the intake form."""

import streamlit as st

from crm_core.i18n import _
from crm_core.permissions import Permission
from crm_core.services import library, outlines
from ui import badges, feedback, guard, header, outline_form

actor = guard.page(Permission.LIBRARY_EDIT)
header.title(_("Talking points"))

with guard.reading() as reading:
    entries = library.get_library(reading)
    questions = outlines.list_all_questions(reading, actor)

if st.button(_("Add question"), type="primary", icon=":material/add:"):
    guard.dialog(_("Add question"), outline_form.edit, None, entries)
for question in questions:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(feedback.escape(question.label), width="stretch")
        if question.industry:
            feedback.badge(entries.industry_label(question.industry), color="blue")
        if question.stage:
            badges.stage_badge(question.stage)
        st.caption("→ " + entries.known_fields[question.field].title, width="content")
        if st.button(_("Edit"), key=f"edit_question_{question.id}", icon=":material/edit:", type="tertiary"):
            guard.dialog(_("Edit question"), outline_form.edit, question, entries)
