"""The change log of a customer: its types over time, then when, who, what, from, to, why, narrowed to a field or a kind of event."""

from typing import Any

import pandas as pd
import streamlit as st

from crm_core.i18n import _, format_time
from crm_core.models import ACTIONS
from crm_core.services import history, stage_changes
from crm_core.services.history import Spell, Subject
from crm_core.services.log_names import ENTITIES
from crm_core.services.log_words import LogWords
from crm_core.visibility import View
from ui import feedback, guard, review_sheet, stage_history

OF_CUSTOMER = "customer"


def draw(customer_id: int) -> None:
    """The latest changes first, below the steps of the reviews."""
    review_sheet.draw_of_customer(customer_id)
    with guard.reading() as session:
        stays = stage_changes.list_stays(session, guard.actor(), customer_id)
        fields, actions = history.list_subjects(session, guard.actor(), customer_id)
        words = LogWords(session, guard.actor())
    if stays:
        stage_history.draw(stays)
    if not actions:
        feedback.empty_state("history", _("No changes yet"), _("Every change of this customer is kept here."))
        return
    field, action = _draw_filters(customer_id, fields, actions, words)
    if field and field[0] == OF_CUSTOMER:
        _draw_values(customer_id, field[1], words)
    _draw_lines(customer_id, field, action, words)


def _draw_filters(customer_id: int, fields: list[Subject], actions: list[str], words: LogWords) -> tuple[Subject | None, str]:
    labels = {field: _label(field, words) for field in fields}
    left, right = st.columns(2)
    with left:
        field = st.selectbox(
            _("Field"),
            sorted(labels, key=lambda one: (one[0] != OF_CUSTOMER, labels[one])),
            index=None,
            format_func=lambda one: labels.get(one, ""),
            placeholder=_("All fields"),
            key=f"history_field_{customer_id}",
        )
    with right:
        action = st.selectbox(
            _("What happened"),
            actions,
            index=None,
            format_func=lambda one: _(ACTIONS.get(one, one)),
            placeholder=_("Everything"),
            key=f"history_action_{customer_id}",
        )
    return field, action or ""


def _label(field: Subject, words: LogWords) -> str:
    title = words.title(*field)
    return title if field[0] == OF_CUSTOMER else _(ENTITIES.get(field[0], field[0])) + " · " + title


def _draw_values(customer_id: int, name: str, words: LogWords) -> None:
    with guard.reading() as session:
        spells = history.values_over_time(session, guard.actor(), customer_id, name)
    if spells:
        st.caption(_("{field} over time").format(field=feedback.escape(words.title(OF_CUSTOMER, name))))
        frame = pd.DataFrame([_spell(spell, name, words) for spell in spells])
        st.dataframe(frame, hide_index=True, lazy=False, alt=_("Values over time"))


def _spell(spell: Spell, name: str, words: LogWords) -> dict[str, Any]:
    return {
        _("Value"): words.value(OF_CUSTOMER, name, spell.value) or _("(empty)"),
        _("From"): format_time(spell.since),
        _("Until"): format_time(spell.until) or _("until now"),
        _("Who"): spell.who,
        _("Reason"): spell.reason,
    }


def _draw_lines(customer_id: int, field: Subject | None, action: str, words: LogWords) -> None:
    key = f"history_page_{customer_id}_{field}_{action}"
    with guard.reading() as session:
        page = history.list_changes(session, guard.actor(), customer_id, page=st.session_state.get(key, 1), field=field, action=action)
    if not page.rows:
        st.caption(_("Nothing of this kind happened to this field."))
        return
    frame = pd.DataFrame([_row(line, words) for line in page.rows])
    if not any(line.feedback for line in page.rows):
        frame = frame.drop(columns=_("Customer's own remark"))
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
        _("Customer's own remark"): line.feedback or "",
    }
