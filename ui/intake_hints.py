"""Beside the intake form: possible duplicates while typing, and the questions still to ask (沟通提纲)."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import streamlit as st

from crm_core.i18n import _, join_words
from crm_core.services import duplicates, library
from crm_core.services.library import Library
from ui import forms, guard, routes
from ui.feedback import escape
from ui.forms import css_key
from ui.intake_form import CUSTOMER_FIELDS, PREFIX, errors, take_answer


def find(values: Mapping[str, Any]) -> list[duplicates.Duplicate]:
    """Customers that may be the one being entered."""
    contacts = values.get("contacts") or []
    with guard.reading() as session:
        return duplicates.find_duplicates(
            session,
            guard.actor(),
            name=values.get("name") or "",
            kind=values["kind"],
            credit_code=(values.get("credit_code") or "").replace(" ", "").upper() or None,
            identity_number=(values.get("identity_number") or "").replace(" ", "").upper() or None,
            phones=[phone for contact in contacts if (phone := duplicates.clean_phone(contact.get("phone")))],
            emails=[contact["email"] for contact in contacts if contact.get("email")],
        )


def draw_duplicates(values: Mapping[str, Any]) -> bool:
    """Show possible duplicates; an exact one asks for a reason. Returns whether there is an exact one."""
    found = find(values)
    if not found:
        return False
    is_exact = any(one.is_exact for one in found)
    with st.container(border=True):
        st.subheader(_("Possible duplicates"), anchor=False)
        for one in found:
            _draw_duplicate(one)
        if is_exact:
            with st.container(key=css_key(PREFIX, "duplicate_reason")):
                st.text_input(forms.required(_("Why is it entered again?")), key=f"{PREFIX}.duplicate_reason")
                for sentence in errors().get("duplicate_reason", ()):
                    st.markdown(f":red[:material/error: {escape(sentence)}]")
    return is_exact


def _draw_duplicate(one: duplicates.Duplicate) -> None:
    st.badge(join_words(_(reason) for reason in one.reasons), color="red" if one.is_exact else "orange", icon=":material/content_copy:")
    owner = _("Owner")
    st.markdown(f"**{escape(one.name)}**  \n{escape(one.code)} {owner}: {escape(one.owner) or '—'}")
    if one.code and st.button(_("Open"), key=f"duplicate_{one.customer_id}", type="tertiary", icon=":material/open_in_new:"):
        st.switch_page(routes.CUSTOMER, query_params={"code": one.code})


def draw(entries: Library, values: Mapping[str, Any]) -> None:
    """The questions for this industry and type; an answer goes into its field."""
    with guard.reading() as session:
        questions = library.list_questions(session, industry=values.get("industry"), stage=values["stage"])
    with st.container(border=True):
        st.subheader(_("Talking points"), anchor=False)
        st.caption(_("Questions still open with this customer. Write the answer here and press Enter; it goes into the right field."))
        askers = Counter(question.field for question in questions)
        for question in questions:
            field = CUSTOMER_FIELDS.get(question.field)
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
