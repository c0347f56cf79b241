"""The button beside a list that exports it, and the dialog that asks what the file is for."""

from functools import partial
from typing import Any

import streamlit as st

from crm_core.clock import today
from crm_core.i18n import _, format_date
from crm_core.services.exports import running
from crm_core.services.exports.files import FORMS, Form
from crm_core.services.exports.lists import LISTS
from ui import feedback, forms, guard
from ui.import_help import XLSX

MIME = {Form.XLSX: XLSX, Form.CSV: "text/csv"}
ASKED = "export_asked"


def draw_button(name: str) -> None:
    """The button, for those who may export this list."""
    if running.may_export(guard.actor(), name):
        look = {"icon": ":material/download:", "type": "tertiary", "help": _("Export this list")}
        st.button(_("Export"), key=f"export_{name}", on_click=ask, args=(name,), **look)


def ask(name: str) -> None:
    """Open the dialog for this list as soon as the page comes to `open_asked`."""
    st.session_state[ASKED] = name


def open_asked(name: str, query: Any) -> None:
    """Open the dialog where the button was just pressed, with what the list shows now."""
    if st.session_state.get(ASKED) == name:
        del st.session_state[ASKED]
        guard.dialog(_("Export this list"), _draw, name, query)


def _draw(name: str, query: Any) -> None:
    """Ask what the file is for, then offer it; it is made, and the export logged, when it is downloaded."""
    st.caption(_("The file holds all rows that match the filters, with values as your role sees them."))
    st.caption(_("That you exported them is logged with this reason."))
    reason = st.text_input(forms.required(_("Purpose")), key=guard.key("list_export_reason"), max_chars=300)
    form = st.radio(_("File"), list(Form), format_func=lambda code: _(FORMS[code]), horizontal=True, key=guard.key("list_export_form"))
    if not st.button(_("Check"), icon=":material/rule:", key="list_export_check"):
        return
    with feedback.attempt() as outcome, guard.reading() as session:
        running.check_export(session, guard.actor(), name, query, reason=reason)
    if outcome.succeeded:
        title = _(LISTS[name].label)
        st.download_button(
            _("Download the file"),
            data=guard.at_click(partial(running.export_list, name=name, query=query, reason=reason, form=form)),
            file_name=f"{title.replace('/', '')}-{format_date(today())}.{form}",
            mime=MIME[form],
            type="primary",
            icon=":material/download:",
            on_click="ignore",
            key="list_export_download",
        )
