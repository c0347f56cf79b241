"""The intake form: fields of the chosen nature and type, several contacts, live hints; kept as a draft while it is filled."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from crm_core.fields import Widget, fields_of
from crm_core.i18n import _
from crm_core.models import Contact, Customer
from crm_core.services import drafts
from crm_core.services.entry import CONTACT_FIELDS
from crm_core.services.library import Library
from ui import forms, guard, page_tools
from ui.forms import Form

PREFIX = "intake"
MAX_CONTACTS = 10
CUSTOMER_FIELDS = {name: field for name, field in fields_of(Customer).items() if not field.fixed}
CONTACTS = {name: fields_of(Contact)[name] for name in CONTACT_FIELDS}


def open_draft(draft_id: str, values: Mapping[str, Any]) -> None:
    """Put a draft into the form, once for each time it is opened in this browser tab."""
    if st.session_state.get("intake_draft") == draft_id:
        return
    st.session_state["intake_draft"] = draft_id
    st.session_state["intake_saved"] = dict(values)
    st.session_state["intake_errors"] = {}
    forms.preload(CUSTOMER_FIELDS, PREFIX, values)
    st.session_state[f"{PREFIX}.duplicate_reason"] = values.get("duplicate_reason", "")
    contacts = values.get("contacts") or [{}]
    st.session_state["intake_contacts"] = list(range(len(contacts)))
    for number, contact in enumerate(contacts):
        forms.preload(CONTACTS, f"{PREFIX}.contact{number}", contact)


def entered(kind: str, stage: str) -> dict[str, Any]:
    """Everything entered so far, as a draft keeps it."""
    contacts = [forms.collect(CONTACTS, f"{PREFIX}.contact{number}") for number in st.session_state["intake_contacts"]]
    values = {"kind": kind, "stage": stage, **forms.collect(CUSTOMER_FIELDS, PREFIX), "contacts": contacts}
    if reason := st.session_state.get(f"{PREFIX}.duplicate_reason"):
        values["duplicate_reason"] = reason
    return values


def keep(draft_id: str, values: dict[str, Any]) -> None:
    """Save the draft where something changed since it was saved last."""
    if values != st.session_state["intake_saved"]:
        with guard.acting() as session:
            drafts.save_draft(session, guard.actor(), draft_id, values)
        st.session_state["intake_saved"] = values


def draw(library: Library, values: Mapping[str, Any]) -> None:
    """Draw all groups of the form, the contacts after the basic data."""
    form = Form(PREFIX, library, values, errors=errors(), warnings=st.session_state.get("intake_warnings"))
    for group, fields in forms.by_group(CUSTOMER_FIELDS).items():
        shown = {name: field for name, field in fields.items() if field.shown(values)}
        if shown:
            with st.container(border=True):
                st.subheader(forms.group_title(group), anchor=False)
                form.draw(shown)
        if group == "base":
            draw_contacts(library)
    page_tools.bring_into_view([_place_of(name) for name in errors()])


def _place_of(name: str) -> str:
    if not name.startswith("contacts."):
        return forms.css_key(PREFIX, name)
    _contacts, place, field = name.split(".")
    number = st.session_state["intake_contacts"][int(place)]
    return forms.css_key(f"{PREFIX}.contact{number}", field)


def errors() -> dict[str, list[str]]:
    """The errors of the last check."""
    found: dict[str, list[str]] = st.session_state.get("intake_errors", {})
    return found


def draw_contacts(library: Library) -> None:
    """One row of fields for each contact; the first one is the primary contact."""
    numbers: list[int] = st.session_state["intake_contacts"]
    with st.container(border=True):
        st.subheader(forms.required(_("Contacts")), anchor=False)
        for place, number in enumerate(numbers):
            prefix = f"{PREFIX}.contact{number}"
            own = _of_contact(errors(), place)
            warnings = {name: text[0] for name, text in _of_contact(st.session_state.get("intake_warnings") or {}, place).items()}
            with st.container(horizontal=True, vertical_alignment="center"):
                st.badge(
                    _("Primary contact") if place == 0 else _("Contact {number}").format(number=place + 1),
                    color="primary" if place == 0 else "gray",
                )
                if len(numbers) > 1:
                    st.button(
                        _("Remove"),
                        key=f"remove_contact_{number}",
                        icon=":material/close:",
                        type="tertiary",
                        on_click=numbers.remove,
                        args=(number,),
                    )
            Form(prefix, library, {}, errors=own, warnings=warnings).draw(CONTACTS, columns=5)
        if len(numbers) < MAX_CONTACTS:
            st.button(_("Add contact"), icon=":material/person_add:", on_click=_add_contact)


def _of_contact(sentences: Mapping[str, Any], place: int) -> dict[str, list[str]]:
    start = f"contacts.{place}."
    return {
        name.removeprefix(start): text if isinstance(text, list) else [text] for name, text in sentences.items() if name.startswith(start)
    }


def _add_contact() -> None:
    numbers: list[int] = st.session_state["intake_contacts"]
    numbers.append(max(numbers) + 1)
    forms.preload(CONTACTS, f"{PREFIX}.contact{numbers[-1]}", {})


def take_answer(key: str, field_name: str, library: Library, values: Mapping[str, Any]) -> None:
    """Put the answer to an outline question into its field: as text, as a choice, or with the remarks if it fits neither."""
    answer = st.session_state[key].strip()
    st.session_state[key] = ""
    field = CUSTOMER_FIELDS.get(field_name)
    if not answer:
        return
    if field is None or not field.shown(values):
        field = CUSTOMER_FIELDS["remark"]
    target = f"{PREFIX}.{field.name}"
    choice = _matching_choice(field, answer, library)
    if field.widget in (Widget.CHOICES, Widget.PRESETS) and choice:
        st.session_state[target] = [*(st.session_state.get(target) or []), choice]
    elif field.widget is Widget.PRESET and (choice or field.name == "budget"):
        st.session_state[target] = choice or answer
    else:
        if field.widget not in (Widget.TEXT, Widget.LONG_TEXT):
            answer, target = f"{field.title}: {answer}", f"{PREFIX}.remark"
        present = st.session_state.get(target) or ""
        st.session_state[target] = f"{present}；{answer}" if present else answer
    st.toast(_("Noted under “{field}”.").format(field=field.title), icon=":material/check:")


def _matching_choice(field: Any, answer: str, library: Library) -> str | None:
    labels = {label.casefold(): code for code, label in forms.choices_of(field, library).items()} if field.preset or field.choices else {}
    return labels.get(answer.casefold())


def show_errors(found: Mapping[str, list[str]], warnings: Mapping[str, str]) -> None:
    """Remember what a check found, and show the first error once more."""
    st.session_state["intake_errors"] = dict(found)
    st.session_state["intake_warnings"] = dict(warnings)
    page_tools.new_turn()
