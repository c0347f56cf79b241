"""The contacts of a customer: shown, added, changed, removed, made primary."""

from typing import Any
from urllib.parse import quote

import streamlit as st

from crm_core.checks.contacts import NOT_PROVIDED
from crm_core.errors import Conflict
from crm_core.i18n import _
from crm_core.permissions import Access
from crm_core.services import contacts, display
from crm_core.services.library import Library
from crm_core.visibility import View, locked_fields, shown_fields
from ui import conflict, feedback, forms, guard, reveal
from ui.feedback import escape
from ui.intake_form import CONTACTS

PREFIX = "contact_form"


def draw(customer: View, people: list[View], library: Library, *, may_edit: bool) -> None:
    """One card for each contact, the primary one first."""
    for person in people:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            with st.container(gap="xsmall"):
                _draw_person(person)
                reveal.draw("contact", person, reveal.masked_in(person, CONTACTS))
            if may_edit:
                _draw_menu(person, library)
    if not people:
        feedback.empty_state("person_off", _("No contacts yet"), _("Add the person you talk to."))
    if may_edit and st.button(_("Add contact"), icon=":material/person_add:"):
        _open_form(customer.id, None, library)


def _draw_person(person: View) -> None:
    star = " :material/star:" if person.is_primary else ""
    reach = " · ".join(part for part in (escape(person.phone or ""), _mailbox(person.email), escape(person.wechat or "")) if part)
    st.markdown(f"**{escape(person.name)}**{star}　{escape(person.position or '')}  \n{reach}", width="stretch")


def _mailbox(email: str | None) -> str:
    if not email or email == NOT_PROVIDED:
        return display.mailbox(email)
    if guard.actor().access_to("email") < Access.READABLE:
        return escape(email)
    return f"[{escape(email)}](mailto:{quote(email, safe='@')})"


def _draw_menu(person: View, library: Library) -> None:
    entries = {"edit": _("Edit"), "primary": _("Make primary contact"), "delete": _("Remove")}
    if person.is_primary:
        del entries["primary"]
    chosen = st.menu_button(
        _("More"), list(entries), format_func=lambda code: entries[code], key=f"contact_menu_{person.id}", type="tertiary"
    )
    if chosen == "edit":
        _open_form(person.customer_id, person, library)
    elif chosen == "primary":
        _act(contacts.make_primary, person.id)
    elif chosen == "delete":
        guard.dialog(_("Remove contact"), _confirm_delete, person.id, person.name)


def _act(action: Any, contact_id: int) -> None:
    with feedback.attempt() as outcome, guard.acting() as session:
        action(session, guard.actor(), contact_id)
    if outcome.succeeded:
        st.rerun()


def _confirm_delete(contact_id: int, name: str) -> None:
    st.write(escape(_("Remove {name} from this customer? The change log keeps a note of it.").format(name=name)))
    if forms.decide(_("Remove"), icon=":material/delete:"):
        _act(contacts.delete_contact, contact_id)


def _open_form(customer_id: int, person: View | None, library: Library) -> None:
    fields = shown_fields(guard.actor(), CONTACTS) if person else CONTACTS
    base = {name: getattr(person, name) for name in fields} if person else {}
    forms.preload(fields, PREFIX, base)
    st.session_state["contact_form"] = {
        "customer_id": customer_id,
        "contact_id": person.id if person else None,
        "version": person.version if person else 0,
        "base": base,
        "theirs": None,
        "errors": {},
    }
    guard.dialog(_("Edit contact") if person else _("Add contact"), _draw_form, library)


def _draw_form(library: Library) -> None:
    state = st.session_state["contact_form"]
    fields = shown_fields(guard.actor(), CONTACTS) if state["contact_id"] else CONTACTS
    if state["theirs"] is None:
        locked = locked_fields(guard.actor(), fields) if state["contact_id"] else frozenset()
        forms.Form(PREFIX, library, {}, errors=state["errors"], locked=locked).draw(fields, columns=2)
        values = {name: st.session_state.get(f"{PREFIX}.{name}") or None for name in fields}
    else:
        record = ("contact", state["contact_id"])
        mine = {name: value for name, value in state["mine"].items() if value != state["base"][name]}
        values = {**state["theirs"], **conflict.choose(record, fields, mine, state["base"], state["theirs"], library)}
    if forms.decide(_("Save")):
        _save(state, values)


def _save(state: dict[str, Any], values: dict[str, Any]) -> None:
    with feedback.attempt(show=False) as outcome, guard.acting() as session:
        if state["contact_id"]:
            contacts.update_contact(session, guard.actor(), state["contact_id"], values, version=state["version"])
        else:
            contacts.add_contact(session, guard.actor(), state["customer_id"], values)
    if outcome.succeeded:
        st.rerun()
    if isinstance(outcome.error, Conflict):
        state["mine"], state["theirs"], state["version"] = values, outcome.error.theirs, outcome.error.version
    elif outcome.errors:
        if state["theirs"] is not None:
            forms.preload(CONTACTS, PREFIX, values)
            state["base"], state["theirs"] = state["theirs"], None
        state["errors"] = outcome.errors
    elif outcome.error:
        feedback.explain(outcome.error)
        return
    guard.again()
