"""The change log of a customer as a table: when, who, what, from, to, why."""

from typing import Any

import pandas as pd
import streamlit as st

from crm_core.fields import fields_of
from crm_core.i18n import N_, _, format_time
from crm_core.models import Contact, Customer
from crm_core.services import display, history
from crm_core.services.library import Library
from crm_core.visibility import View
from ui import feedback, guard

ACTIONS = {"created": N_("created"), "changed": N_("changed"), "deleted": N_("removed"), "viewed": N_("viewed"), "imported": N_("imported")}
ENTITIES = {"customer": N_("Customer"), "contact": N_("Contact"), "attachment": N_("Attachment")}
OTHER_FIELDS = {
    "tags": N_("Tags"),
    "is_primary": N_("Primary contact"),
    "deleted_at": N_("Recycle bin"),
    "owner_id": N_("Owner"),
    "is_incomplete": N_("Incomplete"),
    "industry_text": N_("Suggested industry"),
    "duplicate_reason": N_("Reason for a duplicate"),
}
SHOWN_AS_STORED = ("False", "True")


def draw(customer_id: int, library: Library) -> None:
    """The latest changes first."""
    key = f"history_page_{customer_id}"
    with guard.reading() as session:
        page = history.list_changes(session, guard.actor(), customer_id, page=st.session_state.get(key, 1))
    if not page.rows:
        feedback.empty_state("history", _("No changes yet"), _("Every change of this customer is kept here."))
        return
    frame = pd.DataFrame([_row(line, library) for line in page.rows])
    with st.container(key="history_table"):
        st.dataframe(frame, hide_index=True, lazy=False, alt=_("Change log"))
    if page.pages > 1:
        st.pagination(page.pages, key=key)


def _row(line: View, library: Library) -> dict[str, Any]:
    what = _(ENTITIES.get(line.entity, line.entity))
    field, old, new = _field(line, library)
    subject = f"{what} · {line.subject}" if line.entity != "customer" and line.subject else what
    happened = "" if field and line.action == "changed" else _(ACTIONS.get(line.action, line.action))
    return {
        _("Time"): format_time(line.at),
        _("Who"): line.actor_name,
        _("What"): " · ".join(part for part in (subject, happened, field) if part),
        _("Before"): old,
        _("After"): new,
        _("Reason"): line.reason or "",
    }


def _field(line: View, library: Library) -> tuple[str, str, str]:
    declared = fields_of(Contact if line.entity == "contact" else Customer).get(line.field or "")
    if declared is None:
        return _(OTHER_FIELDS.get(line.field or "", line.field or "")), _plain(line.old), _plain(line.new)
    return declared.title, display.show_logged(declared, line.old, library), display.show_logged(declared, line.new, library)


def _plain(value: str | None) -> str:
    if value in SHOWN_AS_STORED:
        return _("yes") if value == "True" else _("no")
    return value or ""
