"""The table of the audit log, and the dialog that exports it."""

from functools import partial
from typing import Any

import pyarrow as pa
import streamlit as st

from crm_core.clock import today
from crm_core.i18n import _, format_date
from crm_core.services import audit_log
from crm_core.services.audit_log import LogPage, LogQuery
from crm_core.services.log_words import LogWords
from ui import feedback, forms, guard, routes
from ui.import_steps import XLSX

ROW_HEIGHT = 36
COLUMNS = ("time", "who", "address", "what", "customer", "before", "after", "reason")


def draw(page: LogPage, words: LogWords) -> None:
    """A page of lines; the name of a customer opens it."""
    rows = [dict(zip(COLUMNS, audit_log.shown(line, words, page.customers), strict=True)) for line in page.rows]
    with st.container(key="audit_table"):
        st.dataframe(
            pa.Table.from_pylist(rows),
            hide_index=True,
            row_height=ROW_HEIGHT,
            height=ROW_HEIGHT * (len(rows) + 1) + 2,
            lazy=False,
            placeholder="",
            column_config=_columns(),
            alt=_("Audit log"),
        )
    st.session_state["logged_codes"] = [page.customers.get(line.customer_id, ("", ""))[0] for line in page.rows]


def _columns() -> dict[str, Any]:
    column = st.column_config
    widths = (124, 84, 104, 226, 220, 136, 136, 148)
    texts = {name: column.TextColumn(title, width=width) for name, title, width in zip(COLUMNS, audit_log.headings(), widths, strict=True)}
    opening = column.ButtonColumn(_("Customer"), type="tertiary", alignment="left", width=220, key="open_logged", on_click=_open)
    return texts | {"customer": opening}


def _open() -> None:
    code = st.session_state["logged_codes"][st.session_state["open_logged"]["row"]]
    if code:
        st.switch_page(routes.CUSTOMER, query_params={"code": code})


def export(query: LogQuery) -> None:
    """Ask what the file is for, then offer it; it is made, and the export logged, when it is downloaded."""
    st.caption(_("The file holds all lines that match the filters. That you exported them is logged with this reason."))
    reason = st.text_input(forms.required(_("Purpose")), key="export_reason", max_chars=300)
    if not st.button(_("Check"), icon=":material/rule:", key="export_check"):
        return
    with feedback.attempt() as outcome, guard.reading() as session:
        count = audit_log.check_export(session, guard.actor(), query, reason=reason)
    if outcome.succeeded:
        st.download_button(
            _("Download {count} lines").format(count=f"{count:,}"),
            data=guard.at_click(partial(audit_log.export_lines, query=query, reason=reason)),
            file_name=f"audit-{format_date(today())}.xlsx",
            mime=XLSX,
            type="primary",
            icon=":material/download:",
            on_click="ignore",
            key="export_download",
        )
