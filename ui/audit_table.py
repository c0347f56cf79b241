"""The table of the audit log, a line of it in full, and the dialog that exports it."""

from functools import partial
from typing import Any

import pyarrow as pa
import streamlit as st

from crm_core.clock import today
from crm_core.i18n import N_, _, format_date, plural
from crm_core.services import audit_log
from crm_core.services.audit_log import LogPage, LogQuery
from crm_core.services.log_words import LogWords
from ui import feedback, forms, guard, routes
from ui.fitting import fitting
from ui.import_steps import XLSX
from ui.tables import ROW_HEIGHT, height_of

WIDTHS = {"time": 124, "who": 84, "address": 104, "what": 226, "customer": 220, "before": 136, "after": 136, "reason": 148}
LETTER_WIDTH = 6.6
CELL_PADDING = 18
BUTTON_PADDING = 28


def draw(page: LogPage, words: LogWords) -> None:
    """A page of lines; what happened opens the line in full, the name of a customer opens the customer."""
    lines = [audit_log.shown(line, words, page.customers) for line in page.rows]
    rows = [{name: _fitting(text, name) for name, text in zip(WIDTHS, line, strict=True)} for line in lines]
    with st.container(key="audit_table"):
        st.dataframe(
            pa.Table.from_pylist(rows),
            hide_index=True,
            row_height=ROW_HEIGHT,
            height=height_of(len(rows)),
            lazy=False,
            placeholder="",
            column_config=_columns(),
            alt=_("Audit log"),
        )
    st.session_state["logged_codes"] = [page.customers.get(line.customer_id, ("", ""))[0] for line in page.rows]
    st.session_state["logged_ids"] = [line.id for line in page.rows]
    wanted = st.session_state.pop("logged_line", None)
    for line, texts in zip(page.rows, lines, strict=True):
        if line.id == wanted:
            guard.dialog(_("Line of the log"), _draw_line, texts)


def _fitting(text: str, name: str) -> str:
    padding = BUTTON_PADDING if name in ("what", "customer") else CELL_PADDING
    return fitting(" ".join(text.split()), int((WIDTHS[name] - padding) / LETTER_WIDTH))


def _draw_line(texts: list[str]) -> None:
    for title, text in zip(audit_log.headings(), texts, strict=True):
        if text:
            with st.container(gap="xxsmall"):
                st.caption(title)
                st.markdown(feedback.escape(text))


def _columns() -> dict[str, Any]:
    column, titles = st.column_config, dict(zip(WIDTHS, audit_log.headings(), strict=True))
    texts = {name: column.TextColumn(titles[name], width=width) for name, width in WIDTHS.items()}
    clicks = {"what": ("read_logged", _read), "customer": ("open_logged", _open)}
    buttons = {
        name: column.ButtonColumn(titles[name], type="tertiary", alignment="left", width=WIDTHS[name], key=key, on_click=act)
        for name, (key, act) in clicks.items()
    }
    return texts | buttons


def _read() -> None:
    st.session_state["logged_line"] = st.session_state["logged_ids"][st.session_state["read_logged"]["row"]]


def _open() -> None:
    code = st.session_state["logged_codes"][st.session_state["open_logged"]["row"]]
    if code:
        st.switch_page(routes.CUSTOMER, query_params={"code": code})


def export(query: LogQuery) -> None:
    """Ask what the file is for, then offer it; it is made, and the export logged, when it is downloaded."""
    st.caption(_("The file holds all lines that match the filters. That you exported them is logged with this reason."))
    reason = st.text_input(forms.required(_("Purpose")), key=guard.key("export_reason"), max_chars=300)
    if not st.button(_("Check"), icon=":material/rule:", key=guard.key("export_check")):
        return
    with feedback.attempt() as outcome, guard.reading() as session:
        count = audit_log.check_export(session, guard.actor(), query, reason=reason)
    if outcome.succeeded:
        st.download_button(
            plural(count, N_("Download {count} line"), N_("Download {count} lines")).format(count=f"{count:,}"),
            data=guard.at_click(partial(audit_log.export_lines, query=query, reason=reason)),
            file_name=f"audit-{format_date(today())}.xlsx",
            mime=XLSX,
            type="primary",
            icon=":material/download:",
            on_click="ignore",
            key="export_download",
        )
