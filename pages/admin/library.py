"""The preset library: the lists from which users choose."""

import streamlit as st

from crm_core.i18n import _
from crm_core.permissions import Permission
from crm_core.services import library
from ui import feedback, forms, guard, header, preset_merge

actor = guard.page(Permission.LIBRARY_EDIT)
header.title(_("Preset library"))


def edit_entry(code: str, entry: library.Entry, position: int) -> None:
    """Rename, move or hide one choice."""
    name = st.text_input(forms.required(_("Name")), value=entry.name, key=f"name_{code}")
    name_en = st.text_input(_("English name"), value=entry.name_en or "", key=f"name_en_{code}")
    place = st.number_input(_("Place in the list"), value=position, min_value=0, max_value=999, key=f"position_{code}")
    is_active = st.toggle(
        _("Offered in forms"), value=entry.is_active, key=f"active_{code}", help=_("A hidden choice stays on the records that have it.")
    )
    if forms.decide(_("Save")):
        seen = {"name": entry.name, "name_en": entry.name_en, "is_active": entry.is_active}
        values = {"name": name, "name_en": name_en, "position": place, "is_active": is_active}
        with feedback.attempt() as outcome, guard.acting() as session:
            library.update_preset(session, guard.actor(), code, **values, seen=seen)
        if outcome.succeeded:
            st.rerun()
    with st.expander(_("Merge into another entry"), icon=":material/merge:"):
        preset_merge.draw(code, entry, entries)


def add_entry(category: str) -> None:
    """A further choice at the end of the list."""
    name = st.text_input(forms.required(_("Name")), key=guard.key("new_entry"))
    name_en = st.text_input(_("English name"), key=guard.key("new_entry_en"))
    if forms.decide(_("Add")):
        with feedback.attempt() as outcome, guard.acting() as session:
            library.add_preset(session, guard.actor(), category, name=name, name_en=name_en)
        if outcome.succeeded:
            st.rerun()


with guard.reading() as reading:
    entries = library.get_library(reading)

category = st.selectbox(_("Which list"), list(library.CATEGORIES), format_func=lambda code: _(library.CATEGORIES[code]), key="category")
if st.button(_("Add entry"), type="primary", icon=":material/add:"):
    guard.dialog(_("Add entry"), add_entry, category)
for position, entry in enumerate(entries.by_category.get(category, ())):
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{feedback.escape(entry.name)}**　{feedback.escape(entry.name_en or '')}", width="stretch")
        if entry.merged_into:
            st.caption(feedback.escape(_("merged into {name}").format(name=entries.label(entry.merged_into))), width="content")
            continue
        if not entry.is_active:
            st.badge(_("hidden"), color="gray")
        if st.button(_("Edit"), key=f"entry_{entry.code}", icon=":material/edit:", type="tertiary"):
            guard.dialog(_("Edit entry"), edit_entry, entry.code, entry, position)
