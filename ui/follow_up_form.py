"""Writing a follow-up: one line whose guess fills the form, or the form itself; what is half written is kept, see `follow_up_writing`."""

import streamlit as st

from crm_core import clock
from crm_core.config import MAX_ATTACHMENT_BYTES
from crm_core.db import CrmSession
from crm_core.i18n import _, format_time
from crm_core.services import attachments, customer_list, follow_up_drafts, follow_ups, library
from crm_core.services.attachments import IDENTITY_CARD
from crm_core.services.customer_list import CustomerQuery
from crm_core.services.file_store import store_file
from crm_core.services.quick_entry import LONGEST, guess
from ui import feedback, follow_up_fields, forms, guard, page_tools
from ui.attachment_list import UPLOAD_LIMIT_MB
from ui.feedback import escape
from ui.follow_up_writing import File, Writing, begin_next, discard, keep, writing_about

USUAL_TYPE = "attachment_type.other"
CANDIDATES = 10


def draw(customer_id: int) -> None:
    """The line of quick entry; once it was read, or on demand, the whole form."""
    writing = writing_about(customer_id)
    if writing.is_saved:  # a second click came in before the run of the first had ended
        _finish(writing)
    if writing.is_open:
        with st.container(border=True, key="follow_up_entry"):
            _draw_form(writing)
    else:
        with st.container(border=True, key="follow_up_entry", horizontal=True, vertical_alignment="bottom", gap="small"):
            _draw_line(writing)


def choose_and_write() -> None:
    """The dialog that begins with the choice of a customer."""
    hint = _("Name, contact, phone, pinyin")
    phrase = st.text_input(
        _("Search customers"), key=guard.key("follow_up_search"), icon=":material/search:", placeholder=hint, live="150ms"
    )
    with guard.reading() as session:
        found = customer_list.list_customers(session, guard.actor(), CustomerQuery(phrase=phrase.strip()), columns=())
    names = {row.id: f"{row.name} ({row.code})" for row in found.rows[:CANDIDATES]}
    if not names:
        st.caption(_("No customer matches. Type a part of its name, a contact or a phone."))
        return
    chosen = st.selectbox(
        forms.required(_("Customer")),
        list(names),
        index=0 if len(names) == 1 else None,
        format_func=lambda number: names[number],
        placeholder=_("Choose"),
        key=guard.key(f"follow_up_of_{phrase}"),
    )
    if chosen:
        draw(chosen)


def draw_unfinished() -> None:
    """What the viewer began to write and did not save, each with the way back to it."""
    with guard.reading() as session:
        unfinished = follow_up_drafts.list_drafts(session, guard.actor())
    for draft in unfinished:
        with st.container(border=True, horizontal=True, vertical_alignment="center", key=f"follow_up_draft_{draft.id}", gap="small"):
            st.markdown(f":material/edit_note: **{escape(draft.customer)}**", width="stretch")
            st.caption(_("half-written, saved {time}").format(time=format_time(draft.kept_at)), width="content")
            if st.button(_("Continue"), key=f"follow_up_continue_{draft.id}", icon=":material/edit:"):
                guard.dialog(_("Write a follow-up"), write_about, draft.customer_id, draft.customer)


def write_about(customer_id: int, name: str) -> None:
    """The dialog for a customer who is known already."""
    st.markdown(f"**{escape(name)}**")
    draw(customer_id)


def _draw_line(writing: Writing) -> None:
    line = f"{writing.prefix}.line"
    st.text_input(
        _("Write a follow-up in one line"),
        key=line,
        max_chars=LONGEST,
        icon=":material/bolt:",
        placeholder=_("e.g. Called about the quotation, visit next Wednesday"),
        help=_("Method, day and next plan are read from the words. You check them before they are saved."),
        on_change=_take_line,
        args=(writing, line),
    )
    st.button(_("Write in full"), key="follow_up_open", icon=":material/edit_note:", on_click=_open, args=(writing,))


def _take_line(writing: Writing, line: str) -> None:
    if words := st.session_state.get(line, "").strip():
        follow_up_fields.begin(writing.prefix, follow_up_fields.of_guess(guess(words, clock.today())))
        writing.is_open = True


def _open(writing: Writing) -> None:
    if not writing.is_open:  # the line may have been read by the same click
        follow_up_fields.begin(writing.prefix, {})
        writing.is_open = True


def _draw_form(writing: Writing) -> None:
    with guard.reading() as session:
        choices = follow_up_fields.read_choices(session, writing.customer_id)
        types = read_types(session)
    follow_up_fields.draw_entry(writing.prefix, choices, writing.errors)
    st.markdown("**" + _("Next step") + "**")
    follow_up_fields.draw_plan(writing.prefix, choices, writing.errors)
    _draw_files(writing, types)
    with st.container(horizontal=True, gap="small"):
        if st.button(_("Save follow-up"), key="follow_up_save", type="primary", icon=":material/check:"):
            _save(writing)
        if st.button(_("Discard"), key="follow_up_discard", icon=":material/delete:", type="tertiary"):
            discard(writing)
            guard.again()
    keep(writing)
    if writing.draft_id:
        st.caption(_("Saved as a draft while you type."))
    if writing.errors:
        page_tools.bring_into_view([forms.css_key(writing.prefix, name) for name in writing.errors])


def read_types(session: CrmSession) -> dict[str, str]:
    """The kinds of documents, without those that need the customer's consent: they are added among the attachments."""
    return {one.code: one.label for one in library.get_library(session).active("attachment_type") if one.code != IDENTITY_CARD}


def _draw_files(writing: Writing, types: dict[str, str]) -> None:
    for place, file in enumerate(writing.files):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            feedback.badge(types.get(file.type, ""), color="gray")
            st.markdown(escape(file.name), width="stretch")
            key = f"{writing.prefix}.unfile_{place}"
            st.button(_("Remove"), key=key, icon=":material/close:", type="tertiary", on_click=writing.files.pop, args=(place,))
    with st.expander(_("Add a file"), icon=":material/attach_file:"):
        if file := draw_upload(types, key=f"{writing.prefix}.upload_{writing.uploads}"):
            writing.files.append(file)
            writing.uploads += 1
            guard.again()


def draw_upload(types: dict[str, str], *, key: str) -> File | None:
    """Kind of document and file; what cannot be kept is refused here."""
    usual = list(types).index(USUAL_TYPE) if USUAL_TYPE in types else 0
    kind = st.selectbox(_("Kind of document"), list(types), index=usual, format_func=lambda code: types[code], key=f"{key}_type")
    label = _("PDF, JPG or PNG, at most {limit} MB each").format(limit=MAX_ATTACHMENT_BYTES // 1024 // 1024)
    upload = st.file_uploader(label, key=key, max_upload_size=UPLOAD_LIMIT_MB)
    if upload is None:
        return None
    with feedback.attempt() as outcome:
        stored = store_file(upload.getvalue())
    return File(kind, upload.name, stored) if outcome.succeeded else None


def _finish(writing: Writing) -> None:
    begin_next(writing)
    feedback.later(_("The follow-up is saved."))
    st.rerun(scope="app")


def _save(writing: Writing) -> None:
    with feedback.attempt(show=False) as outcome, guard.acting() as session:
        actor, prefix = guard.actor(), writing.prefix
        entry, plan = follow_up_fields.entered(prefix), follow_up_fields.planned(prefix)
        made = follow_ups.write_follow_up(session, actor, writing.customer_id, entry, plan)
        for file in writing.files:
            attachments.add_attachment(
                session, actor, file=file.stored, type=file.type, customer_id=writing.customer_id, follow_up_id=made.id
            )
        follow_up_drafts.discard_draft(session, actor, writing.draft_id)
    # At once: nothing between the end of the transaction and this line lets a second click in, which would save it again.
    writing.is_saved = outcome.succeeded
    if outcome.succeeded:
        _finish(writing)
    if not outcome.errors and outcome.error:
        feedback.explain(outcome.error)
        return
    writing.errors = outcome.errors
    page_tools.new_turn()
    guard.again()
