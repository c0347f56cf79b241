"""Attachments of a customer or a draft: upload with type and consent, open, delete."""

from collections.abc import Sequence

import streamlit as st

from crm_core.config import MAX_ATTACHMENT_BYTES
from crm_core.i18n import _, format_time
from crm_core.services import attachments, library
from crm_core.services.attachments import IDENTITY_CARD
from crm_core.services.file_store import store_file
from ui import feedback, guard
from ui.feedback import escape

UPLOAD_LIMIT_MB = 50
"""What the browser may send; the rule itself (10 MB) is checked here, so that the sentence names the file's size."""


def draw(*, customer_id: int | None = None, draft_id: str | None = None, may_edit: bool = True) -> None:
    """Draw the list with its upload row."""
    with guard.reading() as session:
        files = attachments.list_attachments(session, guard.actor(), customer_id=customer_id, draft_id=draft_id)
        entries = library.get_library(session)
    with st.container(border=True):
        st.subheader(_("Attachments"), anchor=False)
        for file in files:
            _draw_file(file, entries, may_edit=may_edit)
        if not files:
            st.caption(_("No files yet."))
        if may_edit:
            _draw_upload(entries, customer_id=customer_id, draft_id=draft_id)


def draw_files(files: Sequence[attachments.Attachment], entries: library.Library) -> None:
    """Files to look at only."""
    for file in files:
        _draw_file(file, entries, may_edit=False)


def _draw_file(file: attachments.Attachment, entries: library.Library, *, may_edit: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        feedback.badge(entries.label(file.type), color="gray")
        name = escape(file.filename)
        st.markdown(f"[{name}](/files/{file.id})" if attachments.may_open(guard.actor(), file) else name, width="stretch")
        st.caption(f"{max(1, round(file.size / 1024)):,} KB · {format_time(file.uploaded_at)}", width="content")
        if may_edit and st.button(_("Delete"), key=f"delete_file_{file.id}", icon=":material/delete:", type="tertiary"):
            with feedback.attempt() as outcome, guard.acting() as session:
                attachments.delete_attachment(session, guard.actor(), file.id)
            if outcome.succeeded:
                guard.again()


def _draw_upload(entries: library.Library, *, customer_id: int | None, draft_id: str | None) -> None:
    types = {entry.code: entry.label for entry in entries.active("attachment_type")}
    turn = st.session_state.setdefault("file_turn", 0)
    left, right = st.columns([1, 2])
    with left:
        kind = st.selectbox(_("Kind of document"), list(types), format_func=lambda code: types[code], key="file_type")
        has_consent = kind == IDENTITY_CARD and st.checkbox(_("The customer agreed that a copy is kept"), key=f"file_consent_{turn}")
    with right:
        label = _("PDF, JPG or PNG, at most {limit} MB each").format(limit=MAX_ATTACHMENT_BYTES // 1024 // 1024)
        upload = st.file_uploader(label, key=f"file_upload_{turn}", max_upload_size=UPLOAD_LIMIT_MB)
    if upload is None:
        return
    with feedback.attempt() as outcome:
        file = store_file(upload.getvalue())
        with guard.acting() as session:
            attachments.add_attachment(
                session, guard.actor(), file=file, type=kind, customer_id=customer_id, draft_id=draft_id, has_consent=has_consent
            )
    if outcome.succeeded:
        st.session_state["file_turn"] = turn + 1
        guard.again()
