"""The history of a ticket, the answer that comes next, and its files."""

import streamlit as st

from crm_core.i18n import _, format_time
from crm_core.models import TICKET_STATES, TicketState
from crm_core.models.ticket import LONGEST_TEXT
from crm_core.permissions import Permission
from crm_core.services import attachments, ticket_list, ticket_work, tickets
from crm_core.services.attachments import IDENTITY_CARD
from crm_core.services.ticket_list import Listed, Said
from ui import feedback, follow_up_fields, follow_up_form, guard, ticket_seen
from ui.feedback import escape

ANSWER, NOTE = "answer", "note"


def draw(ticket: Listed, *, is_same: bool) -> None:
    """What was said and done, the latest at the end, above what is written next; nothing is sent unless it `is_same` as it was shown."""
    with guard.reading() as session:
        history = ticket_list.list_history(session, guard.actor(), ticket.id)
    st.subheader(_("Course of the ticket"), anchor=False)
    for said in history:
        _draw_said(said)
    if ticket.is_open and guard.actor().can(Permission.TICKET_WRITE):
        _draw_entry(ticket, is_same=is_same)


def _draw_said(said: Said) -> None:
    facts = f":small[:gray[{escape(f'{format_time(said.at)} · {said.who}')}]]"
    if said.kind == "step":
        states = [_(TICKET_STATES[TicketState(state)]) for state in (said.from_state, said.to_state) if state]
        head = f":material/moving: {escape(' → '.join(states))} {facts}"
        st.markdown("  \n".join([head, *follow_up_fields.paragraphs(said.content)]))
        return
    label, icon = (_("To the customer"), "reply") if said.kind == ANSWER else (_("Note for colleagues"), "sticky_note_2")
    with st.container(border=True, gap="xxsmall"):
        colour = "green" if said.kind == ANSWER else "gray"
        st.markdown("  \n".join([f":{colour}-badge[:material/{icon}: {label}] {facts}", *follow_up_fields.paragraphs(said.content)]))


def _draw_entry(ticket: Listed, *, is_same: bool) -> None:
    """The form; what is half written stays when somebody else was faster."""
    turn = st.session_state.get(f"ticket_turn_{ticket.id}", 0)
    may_answer = tickets.may_work(guard.actor(), ticket) and not ticket.is_solved
    labels = {ANSWER: _("To the customer"), NOTE: _("Note for colleagues")}
    with st.form(f"ticket_entry_{ticket.id}"):
        kind = NOTE
        if may_answer:
            how = {"format_func": labels.__getitem__, "horizontal": True, "label_visibility": "collapsed"}
            kind = st.radio(_("Answer or note"), list(labels), key="ticket_entry_kind", **how)
        label = _("Answer or note") if may_answer else _("Note for colleagues")
        content = st.text_area(label, height=110, max_chars=LONGEST_TEXT, key=f"ticket_entry_text_{ticket.id}_{turn}")
        # Under the key of its turn: a second click comes to a button that is gone.
        if st.form_submit_button(_("Send"), icon=":material/send:", key=f"ticket_send_{ticket.id}_{turn}") and is_same:
            _send(ticket, kind, content)


def _send(ticket: Listed, kind: str, content: str) -> None:
    write = ticket_work.answer_ticket if kind == ANSWER else ticket_work.note_ticket
    with feedback.attempt() as outcome, guard.acting() as session:
        write(session, guard.actor(), ticket.id, content, version=ticket.version)
    if outcome.succeeded:
        st.session_state[f"ticket_turn_{ticket.id}"] = st.session_state.get(f"ticket_turn_{ticket.id}", 0) + 1
        ticket_seen.forget()
        st.rerun()


def draw_files(ticket: Listed) -> None:
    """The files, and the way to add one."""
    with guard.reading() as session:
        files = ticket_list.list_files(session, guard.actor(), ticket.id)
        types = follow_up_form.read_types(session)
    may_add = ticket.is_open and guard.actor().can(Permission.TICKET_WRITE)
    if not files and not may_add:
        return
    with st.container(border=True, key="ticket_files", gap="small"):
        st.subheader(_("Attachments"), anchor=False)
        for file in files:
            # A copy of an identity card opens from the attachments only, which know who may look at it.
            name = escape(file.filename)
            st.markdown(":material/attach_file: " + (name if file.type == IDENTITY_CARD else f"[{name}](/files/{file.id})"))
        if may_add:
            with st.expander(_("Add a file"), icon=":material/add:"):
                _draw_upload(ticket, types, key=f"ticket_file_{ticket.id}_{len(files)}")


def _draw_upload(ticket: Listed, types: dict[str, str], *, key: str) -> None:
    file = follow_up_form.draw_upload(types, key=key)
    if file is None:
        return
    with feedback.attempt() as outcome, guard.acting() as session:
        of_both = {"customer_id": ticket.customer_id, "ticket_id": ticket.id}
        attachments.add_attachment(session, guard.actor(), file=file.stored, type=file.type, **of_both)
    if outcome.succeeded:
        guard.again()
