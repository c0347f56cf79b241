"""The intake form: fields of the chosen nature and type, several contacts, live hints; kept as a draft while it is filled."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from crm_core.fields import SEVERAL, Widget, fields_of
from crm_core.i18n import _, labelled
from crm_core.models import Contact
from crm_core.services import drafts
from crm_core.services.entry import CONTACT_FIELDS, Checked
from crm_core.services.library import Library
from ui import feedback, forms, guard, page_tools
from ui.forms import Form

PREFIX = "intake"
MAX_CONTACTS = 10
CONTACTS = {name: fields_of(Contact)[name] for name in CONTACT_FIELDS}


def open_draft(draft_id: str, values: Mapping[str, Any], library: Library) -> None:
    """Put a draft into the form, once for each time it is opened in this browser tab."""
    # Streamlit forgets the fields of a page that was left; the draft has them.
    if st.session_state.get("intake_draft") == draft_id and f"{PREFIX}.name" in st.session_state:
        return
    st.session_state["intake_draft"] = draft_id
    st.session_state["intake_saved"] = dict(values)
    st.session_state["intake_errors"], st.session_state["intake_warnings"] = {}, {}
    st.session_state["intake_answered"] = list(values.get("answered", []))
    forms.preload(library.entered, PREFIX, values)
    st.session_state[f"{PREFIX}.duplicate_reason"] = values.get("duplicate_reason", "")
    contacts = values.get("contacts") or [{}]
    st.session_state["intake_contacts"] = list(range(len(contacts)))
    for number, contact in enumerate(contacts):
        forms.preload(CONTACTS, f"{PREFIX}.contact{number}", contact)


def entered(kind: str, stage: str, library: Library) -> dict[str, Any]:
    """Everything entered so far, as a draft keeps it."""
    contacts = [forms.collect(CONTACTS, f"{PREFIX}.contact{number}") for number in st.session_state["intake_contacts"]]
    values = {"kind": kind, "stage": stage, **forms.collect(library.entered, PREFIX), "contacts": contacts}
    if reason := st.session_state.get(f"{PREFIX}.duplicate_reason"):
        values["duplicate_reason"] = reason
    if answered := st.session_state["intake_answered"]:
        values["answered"] = list(answered)
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
    for group, fields in forms.by_group(library.entered).items():
        form.draw_group(group, fields)
        if group == "base":
            draw_contacts(library)
    page_tools.bring_into_view([forms.css_key(PREFIX, name) for name in errors()])


def errors() -> dict[str, list[str]]:
    """The errors of the last check; a contact's are named by its number, `contact3.phone`."""
    found: dict[str, list[str]] = st.session_state.get("intake_errors", {})
    return found


def draw_contacts(library: Library) -> None:
    """One row of fields for each contact; the first one is the primary contact."""
    numbers: list[int] = st.session_state["intake_contacts"]
    with st.container(border=True):
        st.subheader(forms.required(_("Contacts")), anchor=False)
        for place, number in enumerate(numbers):
            with st.container(horizontal=True, vertical_alignment="center"):
                name = _("Primary contact") if place == 0 else _("Contact {number}").format(number=place + 1)
                st.badge(name, color="primary" if place == 0 else "gray")
                if len(numbers) > 1:
                    key = f"remove_contact_{number}"
                    st.button(_("Remove"), key=key, icon=":material/close:", type="tertiary", on_click=_remove_contact, args=(number,))
            own_errors, own_warnings = _of_contact(errors(), number), _of_contact(st.session_state["intake_warnings"], number)
            Form(f"{PREFIX}.contact{number}", library, {}, errors=own_errors, warnings=own_warnings).draw(CONTACTS, columns=5)
        if len(numbers) < MAX_CONTACTS:
            st.button(_("Add contact"), icon=":material/person_add:", on_click=_add_contact)


def _of_contact(sentences: Mapping[str, Any], number: int) -> dict[str, Any]:
    start = f"contact{number}."
    return {name.removeprefix(start): text for name, text in sentences.items() if name.startswith(start)}


def _remove_contact(number: int) -> None:
    st.session_state["intake_contacts"].remove(number)
    for kind in ("intake_errors", "intake_warnings"):
        st.session_state[kind] = {name: text for name, text in st.session_state[kind].items() if not name.startswith(f"contact{number}.")}


def _add_contact() -> None:
    numbers: list[int] = st.session_state["intake_contacts"]
    numbers.append(max(numbers) + 1)
    forms.preload(CONTACTS, f"{PREFIX}.contact{numbers[-1]}", {})


def take_answer(key: str, question_id: int, field_name: str, library: Library, values: Mapping[str, Any]) -> None:
    """Put the answer to an outline question into its field: as text, as a choice, or with the remarks if it fits neither."""
    answer = st.session_state[key].strip()
    st.session_state[key] = ""
    field = library.entered.get(field_name)
    if not answer:
        return
    st.session_state["intake_answered"].append(question_id)
    if field is None or not field.shown(values):
        field = library.entered["remark"]
    target = f"{PREFIX}.{field.name}"
    choice = _matching_choice(field, answer, library)
    if field.widget in SEVERAL and choice:
        st.session_state[target] = [*(st.session_state.get(target) or []), choice]
    elif field.widget is Widget.PRESET and (choice or field.name == "budget"):
        st.session_state[target] = choice or answer
    else:
        if field.widget not in (Widget.TEXT, Widget.LONG_TEXT):
            answer, field, target = labelled(field.title, answer), library.entered["remark"], f"{PREFIX}.remark"
        present = st.session_state.get(target) or ""
        st.session_state[target] = f"{present}；{answer}" if present else answer
    feedback.later(_("Noted under “{field}”.").format(field=field.title))


def _matching_choice(field: Any, answer: str, library: Library) -> str | None:
    labels = {label.casefold(): code for code, label in forms.choices_of(field, library).items()} if field.preset or field.choices else {}
    return labels.get(answer.casefold())


def show_errors(found: Mapping[str, list[str]], warnings: Mapping[str, str]) -> None:
    """Remember what a check found, and show the first error once more."""
    st.session_state["intake_errors"] = {_by_number(name): sentences for name, sentences in found.items()}
    st.session_state["intake_warnings"] = {_by_number(name): sentence for name, sentence in warnings.items()}
    page_tools.new_turn()


def drop_mended(checked: Checked) -> None:
    """After a check, take away the sentences of fields that have been corrected since; new ones wait for the next check."""
    still = {_by_number(name): sentences for name, sentences in checked.errors.items()}
    mended = {name: still[name] for name in errors() if name in still}
    if mended != errors():
        st.session_state["intake_errors"] = mended
        guard.again()


def _by_number(name: str) -> str:
    # A check names contacts by their place; the number stays with a contact when another one is removed.
    if not name.startswith("contacts."):
        return name
    _contacts, place, field = name.split(".")
    return f"contact{st.session_state['intake_contacts'][int(place)]}.{field}"
