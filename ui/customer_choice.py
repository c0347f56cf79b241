"""Choosing one customer in a form: a part of its name is typed, and one of those found is taken."""

import streamlit as st

from crm_core.i18n import _
from crm_core.services.customer_list import CustomerQuery, list_customers
from ui import forms, guard
from ui.feedback import escape

CANDIDATES = 8


def choose_customer(key: str, *, is_required: bool = True) -> int | None:
    """The id of the chosen customer; nothing where none is looked for, or none is chosen yet."""
    label = forms.required(_("Customer")) if is_required else _("Customer")
    hint = _("Name, contact, phone, pinyin")
    phrase = st.text_input(label, key=guard.key(f"{key}_phrase"), placeholder=hint, icon=":material/search:", live="150ms")
    if not (phrase or "").strip():
        return None
    with guard.reading() as session:
        found = list_customers(session, guard.actor(), CustomerQuery(phrase=phrase.strip()), columns=())
    names = {row.id: escape(f"{row.name} ({row.code})") for row in found.rows[:CANDIDATES]}
    if not names:
        st.caption(_("No customer is found. Type a part of its name, a contact or a phone."))
        return None
    only = 0 if len(names) == 1 else None
    chosen: int | None = st.radio(
        _("Which customer?"), list(names), index=only, format_func=names.__getitem__, key=guard.key(f"{key}_chosen")
    )
    return chosen
