"""The change log of a customer as a table: when, who, what, from, to, why."""

from typing import Any

import pandas as pd
import streamlit as st

from crm_core.i18n import _, format_time
from crm_core.services import history
from crm_core.services.log_words import LogWords
from crm_core.visibility import View
from ui import feedback, guard, review_sheet


def draw(customer_id: int) -> None:
    """The latest changes first, below the steps of the reviews."""
    review_sheet.draw_of_customer(customer_id)
    key = f"history_page_{customer_id}"
    with guard.reading() as session:
        page = history.list_changes(session, guard.actor(), customer_id, page=st.session_state.get(key, 1))
        words = LogWords(session, guard.actor())
    if not page.rows:
        feedback.empty_state("history", _("No changes yet"), _("Every change of this customer is kept here."))
        return
    frame = pd.DataFrame([_row(line, words) for line in page.rows])
    with st.container(key="history_table"):
        st.dataframe(frame, hide_index=True, lazy=False, alt=_("Change log"))
    if page.pages > 1:
        st.pagination(page.pages, key=key)


def _row(line: View, words: LogWords) -> dict[str, Any]:
    text = words.describe(line)
    return {
        _("Time"): format_time(line.at),
        _("Who"): words.who(line),
        _("What"): text.what,
        _("Before"): text.before,
        _("After"): text.after,
        _("Reason"): line.reason or "",
    }
