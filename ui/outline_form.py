"""The administrator's dialog for a question of the 沟通提纲."""

from typing import Any

import streamlit as st

from crm_core.i18n import _
from crm_core.models import OutlineQuestion
from crm_core.services import outlines
from crm_core.services.library import Library
from ui import badges, feedback, forms, guard


def edit(question: OutlineQuestion | None, library: Library) -> None:
    """Change or delete a question, or write a new one."""
    question = question or OutlineQuestion()
    values = _draw_fields(question, library)
    seen = {name: getattr(question, name) for name in values} if question.id else {}
    with st.container(horizontal=True):
        if forms.decide(_("Save")):
            with feedback.attempt() as outcome, guard.acting() as session:
                outlines.save_question(session, guard.actor(), question.id, **values, seen=seen)
            if outcome.succeeded:
                st.rerun()
        if question.id and st.button(_("Delete"), icon=":material/delete:"):
            with feedback.attempt() as outcome, guard.acting() as session:
                outlines.delete_question(session, guard.actor(), question.id)
            if outcome.succeeded:
                st.rerun()


def _draw_fields(question: OutlineQuestion, library: Library) -> dict[str, Any]:
    """Wording, where it is asked, and the field its answer belongs to."""
    sections = {"": _("all industries")} | {code: one.label for code, one in library.industries.items() if one.parent is None}
    stages = {"": _("all types")} | {code: _(label) for code, label in badges.STAGES.items()}
    fields = {name: field.title for name, field in library.entered.items()}
    if question.field:
        fields.setdefault(question.field, library.known_fields[question.field].title)  # a hidden one
    key = question.id or "new"
    return {
        "question": st.text_area(forms.required(_("Question")), value=question.question or "", key=f"question_{key}"),
        "question_en": st.text_area(_("Question in English"), value=question.question_en or "", key=f"question_en_{key}"),
        "industry": _choose(_("Industry"), sections, question.industry or "", key=f"section_{key}"),
        "stage": _choose(_("Customer type"), stages, question.stage or "", key=f"question_stage_{key}"),
        "field": _choose(_("The answer goes to"), fields, question.field or "core_need", key=f"question_field_{key}"),
        "position": st.number_input(
            _("Place in the list"), value=question.position or 0, min_value=0, max_value=999, key=f"question_position_{key}"
        ),
    }


def _choose(label: str, choices: dict[str, str], present: str, *, key: str) -> str:
    codes = list(choices)
    return st.selectbox(label, codes, index=codes.index(present), format_func=lambda code: choices[code], key=key)
