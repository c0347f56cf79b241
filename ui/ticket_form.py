"""The dialog in which a ticket is entered, or corrected: what, how urgent, from whom, who works on it."""

import uuid
from typing import Any

import streamlit as st

from crm_core.fields import fields_of
from crm_core.i18n import _
from crm_core.models import Ticket
from crm_core.permissions import Permission
from crm_core.services import contacts, library, tickets
from crm_core.services.ticket_list import Listed
from ui import feedback, forms, guard, routes, ticket_seen
from ui.customer_choice import choose_customer
from ui.forms import Form

PREFIX = "ticket"
STATE = "ticket_form"
ALONE = ("name", "description")
"""Fields that take the whole width."""


def open_new(customer_id: int | None = None) -> None:
    """Open the dialog of a new ticket, of a customer or of one that is looked for in it."""
    _begin({"priority": "normal", "type": "inquiry"}, contact_id=None)
    st.session_state[STATE] = {"key": str(uuid.uuid4()), "errors": {}}
    guard.dialog(_("Add ticket"), _draw_new, customer_id)


def open_edit(ticket: Listed) -> None:
    """Open the dialog that corrects a ticket."""
    _begin({name: getattr(ticket, name) for name in fields_of(Ticket)}, contact_id=ticket.contact_id)
    st.session_state[STATE] = {"key": "", "errors": {}}
    guard.dialog(_("Edit ticket"), _draw_edit, ticket)


def _begin(values: dict[str, Any], *, contact_id: int | None) -> None:
    forms.preload(fields_of(Ticket), PREFIX, values)
    st.session_state[f"{PREFIX}.contact_id"] = contact_id
    st.session_state[f"{PREFIX}.handler_id"] = None


def _draw_new(customer_id: int | None) -> None:
    chosen = choose_customer(f"{PREFIX}_customer") if customer_id is None else customer_id
    if chosen is None:
        st.caption(_("Choose the customer first."))
        return
    _draw_fields(chosen)
    _ask_handler(chosen)
    if forms.decide(_("Add ticket")):
        _create(chosen)


def _draw_edit(ticket: Listed) -> None:
    _draw_fields(ticket.customer_id)
    if forms.decide(_("Save")):
        with feedback.attempt(show=False) as outcome, guard.acting() as session:
            values, contact_id = _entered()
            tickets.edit_ticket(session, guard.actor(), ticket.id, values, contact_id=contact_id, version=ticket.version)
        if outcome.succeeded:
            ticket_seen.forget()
        forms.conclude(outcome, _("The ticket was changed."), st.session_state[STATE])


def _draw_fields(customer_id: int) -> None:
    with guard.reading() as session:
        entries = library.get_library(session)
        people = {person.id: person.name for person in contacts.list_contacts(session, guard.actor(), customer_id)}
    errors = st.session_state[STATE]["errors"]
    form, fields = Form(PREFIX, entries, {}, errors=errors), fields_of(Ticket)
    form.draw({"name": fields["name"]}, columns=1)
    form.draw({name: field for name, field in fields.items() if name not in ALONE}, columns=2)
    _choose("contact_id", _("Contact"), people, _("Nobody in particular"))
    form.draw({"description": fields["description"]}, columns=1)


def _choose(name: str, label: str, choices: dict[int, str], nobody: str) -> None:
    key = f"{PREFIX}.{name}"
    if st.session_state.get(key) not in choices:
        st.session_state[key] = None
    with st.container(key=forms.css_key(PREFIX, name), gap="xxsmall"):
        st.selectbox(label, list(choices), index=None, format_func=choices.__getitem__, placeholder=nobody, key=key)
        forms.tell(st.session_state[STATE]["errors"].get(name, ()))


def _ask_handler(customer_id: int) -> None:
    """Heads choose who works on it, others may take it themselves."""
    actor = guard.actor()
    with guard.reading() as session:
        able = tickets.handlers(session, customer_id) if actor.can(Permission.TICKET_ASSIGN) else {actor.id or 0: actor.name}
    _choose("handler_id", _("Handler"), able, _("Nobody yet"))


def _entered() -> tuple[dict[str, Any], int | None]:
    return {name: forms.value_of(f"{PREFIX}.{name}") for name in fields_of(Ticket)}, st.session_state.get(f"{PREFIX}.contact_id")


def _create(customer_id: int) -> None:
    values, contact_id = _entered()
    who = {"contact_id": contact_id, "handler_id": st.session_state.get(f"{PREFIX}.handler_id")}
    with feedback.attempt(show=False) as outcome, guard.acting() as session:
        made = tickets.create_ticket(session, guard.actor(), customer_id, values, key=st.session_state[STATE]["key"], **who)
    if outcome.succeeded:
        feedback.later(_("Ticket {code} was entered.").format(code=made.code))
        st.switch_page(routes.TICKET, query_params={"ticket": made.code})
    forms.conclude(outcome, "", st.session_state[STATE])
