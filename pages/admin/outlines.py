"""沟通提纲: the questions shown beside the intake form."""

import streamlit as st

from crm_core.i18n import _
from crm_core.permissions import Permission
from crm_core.services import library
from ui import badges, feedback, forms, guard, header, intake_form

actor = guard.page(Permission.LIBRARY_EDIT)
header.title(_("Talking points"))


def edit_question(question: library.OutlineQuestion | None) -> None:
    """Wording, where it is asked, and the field its answer belongs to."""
    sections = {"": _("all industries")} | {code: one.label for code, one in entries.industries.items() if one.parent is None}
    stages = {"": _("all types")} | {code: _(label) for code, label in badges.STAGES.items()}
    fields = {name: field.title for name, field in intake_form.CUSTOMER_FIELDS.items()}
    key = question.id if question else "new"
    text = st.text_area(forms.required(_("Question")), value=question.question if question else "", key=f"question_{key}")
    text_en = st.text_area(_("Question in English"), value=(question.question_en or "") if question else "", key=f"question_en_{key}")
    section = st.selectbox(
        _("Industry"),
        list(sections),
        index=list(sections).index((question and question.industry) or ""),
        format_func=lambda code: sections[code],
        key=f"section_{key}",
    )
    stage = st.selectbox(
        _("Customer type"),
        list(stages),
        index=list(stages).index((question and question.stage) or ""),
        format_func=lambda code: stages[code],
        key=f"question_stage_{key}",
    )
    field = st.selectbox(
        _("The answer goes to"),
        list(fields),
        index=list(fields).index(question.field if question else "core_need"),
        format_func=lambda name: fields[name],
        key=f"question_field_{key}",
    )
    position = st.number_input(
        _("Place in the list"), value=question.position if question else 0, min_value=0, max_value=999, key=f"question_position_{key}"
    )
    with st.container(horizontal=True):
        if forms.decide(_("Save")):
            with feedback.attempt() as outcome, guard.acting() as session:
                library.save_question(
                    session,
                    guard.actor(),
                    question.id if question else None,
                    industry=section,
                    stage=stage,
                    position=position,
                    question=text,
                    question_en=text_en,
                    field=field,
                )
            if outcome.succeeded:
                st.rerun()
        if question and st.button(_("Delete"), icon=":material/delete:"):
            with feedback.attempt() as outcome, guard.acting() as session:
                library.delete_question(session, guard.actor(), question.id)
            if outcome.succeeded:
                st.rerun()


with guard.reading() as reading:
    entries = library.get_library(reading)
    questions = library.list_all_questions(reading, actor)

if st.button(_("Add question"), type="primary", icon=":material/add:"):
    guard.dialog(_("Add question"), edit_question, None)
for question in questions:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(feedback.escape(question.label), width="stretch")
        if question.industry:
            feedback.badge(entries.industry_label(question.industry), color="blue")
        if question.stage:
            badges.stage_badge(question.stage)
        st.caption("→ " + intake_form.CUSTOMER_FIELDS[question.field].title, width="content")
        if st.button(_("Edit"), key=f"edit_question_{question.id}", icon=":material/edit:", type="tertiary"):
            guard.dialog(_("Edit question"), edit_question, question)
