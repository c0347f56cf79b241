"""Beside the intake form: possible duplicates while typing, and the questions still to ask (沟通提纲)."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import streamlit as st

from crm_core.i18n import _, join_words, labelled
from crm_core.models import PLACES, Place
from crm_core.services import duplicates, outlines
from crm_core.services.duplicates import Duplicate
from crm_core.services.entry import Checked
from crm_core.services.library import Library
from ui import feedback, forms, guard, routes
from ui.feedback import escape
from ui.forms import css_key, required
from ui.intake_form import PREFIX, errors, take_answer


def draw_duplicates(checked: Checked, *, besides: int | None = None) -> list[Duplicate]:
    """Show and return the customers that may be the one being entered; an exact one asks for a reason.

    `besides` is the entry itself, where it is corrected.
    """
    with guard.reading() as session:
        found = duplicates.find_duplicates_of(session, guard.actor(), checked, besides=besides)
    asked = errors().get("duplicate_reason", [])
    if not found and not asked:
        return []
    with st.container(border=True):
        st.subheader(_("Possible duplicates"), anchor=False)
        for one in found:
            draw_duplicate(one)
        if asked or any(one.is_exact for one in found):
            with st.container(key=css_key(PREFIX, "duplicate_reason")):
                st.text_input(required(_("Why is it entered again?")), key=f"{PREFIX}.duplicate_reason")
                forms.tell(asked)
    return found


def missing_reason(found: list[Duplicate], values: Mapping[str, Any]) -> dict[str, list[str]]:
    """The error of an exact duplicate without a reason, at the field of the reason."""
    sentences = duplicates.lacks_reason(found, values.get("duplicate_reason", ""))
    return {"duplicate_reason": sentences} if sentences else {}


def draw_duplicate(one: Duplicate) -> None:
    """A customer that may be the same, with the way to it for those who may see it."""
    st.badge(join_words(_(reason) for reason in one.reasons), color="red" if one.is_exact else "orange", icon=":material/content_copy:")
    if one.place != Place.LIBRARY:
        feedback.badge(_("lies in: {place}").format(place=_(PLACES[Place(one.place)])), color="gray", icon=":material/inventory_2:")
    owner = labelled(_("Owner"), escape(one.owner) or "—")
    st.markdown(f"**{escape(one.name)}**  \n{escape(one.code)} {owner}")
    if one.code and st.button(_("Open"), key=f"duplicate_{one.customer_id}", type="tertiary", icon=":material/open_in_new:"):
        st.switch_page(routes.REVIEW if one.place == Place.REVIEW else routes.CUSTOMER, query_params={"code": one.code})


def draw(entries: Library, values: Mapping[str, Any]) -> None:
    """The questions for this industry and type; an answer goes into its field."""
    with guard.reading() as session:
        questions = outlines.list_questions(session, industry=values.get("industry"), stage=values["stage"])
    with st.container(border=True):
        st.subheader(_("Talking points"), anchor=False)
        st.caption(_("Questions still open with this customer. Write the answer here and press Enter; it goes into the right field."))
        askers = Counter(question.field for question in questions)
        for question in questions:
            field = entries.entered.get(question.field)
            is_filled = askers[question.field] == 1 and values.get(question.field)
            if field is None or not field.shown(values) or is_filled or question.id in values.get("answered", ()):
                continue
            key = f"answer_{question.id}"
            st.text_input(
                escape(question.label),
                key=key,
                placeholder=f"→ {field.title}",
                on_change=take_answer,
                args=(key, question.id, question.field, entries, values),
            )
