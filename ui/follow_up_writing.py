"""What is being written about a customer: it lives in the session, on other pages too, and a draft of it in the database.

The draft is found again after a refresh, a lost connection or a restart, in another browser too.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

import streamlit as st

from crm_core.services import follow_up_drafts
from crm_core.services.file_store import StoredFile
from ui import feedback, follow_up_fields, guard


@dataclass
class File:
    """A file that waits to be saved with its follow-up."""

    type: str
    name: str
    stored: StoredFile


@dataclass
class Writing:
    """What is being written about one customer, besides the fields, which stand under `prefix`."""

    customer_id: int
    turn: int = 0
    is_open: bool = False
    is_saved: bool = False
    errors: dict[str, list[str]] = field(default_factory=dict)
    files: list[File] = field(default_factory=list)
    uploads: int = 0
    draft_id: int | None = None
    kept: dict[str, Any] = field(default_factory=dict)
    """What the draft holds."""

    @property
    def prefix(self) -> str:
        """Of each customer another, and of each follow-up: nothing that is entered shows elsewhere."""
        return f"follow_up_{self.customer_id}_{self.turn}"


def writing_about(customer_id: int) -> Writing:
    """What the viewer writes about a customer, or an empty form."""
    known = _known()
    if customer_id not in known:
        known[customer_id] = _found_again(Writing(customer_id))
    return known[customer_id]


def _known() -> dict[int, Writing]:
    # One entry of the session for all customers: Streamlit goes through all entries for every text field that it draws.
    known: dict[int, Writing] = st.session_state.setdefault("follow_up_writings", {})
    return known


def _found_again(writing: Writing) -> Writing:
    """What was being written when the page was left, refreshed, or the server stopped."""
    with guard.reading() as session:
        draft = follow_up_drafts.find_draft(session, guard.actor(), writing.customer_id)
    if draft:
        writing.is_open, writing.draft_id, writing.kept = True, draft.id, draft.values
        writing.files = [File(one["type"], one["name"], StoredFile(**one["stored"])) for one in draft.values["files"]]
        follow_up_fields.begin(writing.prefix, follow_up_fields.of_draft(draft.values["fields"]))
    return writing


def keep(writing: Writing) -> None:
    """Keep as a draft what stands in the form, where something changed since it was kept last."""
    values = {"fields": follow_up_fields.written(writing.prefix), "files": [asdict(file) for file in writing.files]}
    if not writing.kept and not (writing.files or follow_up_fields.is_begun(writing.prefix)):
        return
    if values != writing.kept:
        digests = [file.stored.digest for file in writing.files]
        with feedback.attempt() as outcome, guard.acting() as session:
            draft_id = follow_up_drafts.keep_draft(
                session, guard.actor(), writing.customer_id, values, digests=digests, draft_id=writing.draft_id
            )
        if outcome.succeeded:
            writing.draft_id, writing.kept = draft_id, values


def begin_next(writing: Writing) -> None:
    """Let go of what was entered; the next follow-up has fields of its own."""
    follow_up_fields.forget(writing.prefix)
    _known()[writing.customer_id] = Writing(writing.customer_id, writing.turn + 1)


def discard(writing: Writing) -> None:
    """Give up what was entered."""
    with guard.acting() as session:
        follow_up_drafts.discard_draft(session, guard.actor(), writing.draft_id)
    begin_next(writing)
