"""The steps of the import page: reading the file once, choosing columns and options, running with a progress bar, the result."""

from typing import Any

import pandas as pd
import streamlit as st

from crm_core.i18n import _, in_language, language
from crm_core.models import KINDS, STAGES
from crm_core.permissions import Actor
from crm_core.services.imports.failed_rows import failed_rows_workbook
from crm_core.services.imports.mapping import IGNORE, guess_mapping, target_labels
from crm_core.services.imports.plan import INCOMPLETE, ON_DUPLICATE, ImportPlan, ImportResult, Incomplete, OnDuplicate
from crm_core.services.imports.reading import Table, read_table
from crm_core.services.imports.running import run_import
from crm_core.services.library import Library
from ui import guard, routes
from ui.feedback import escape
from ui.import_help import XLSX

SAMPLES = 3
SHOWN_ERRORS = 200


def forget() -> None:
    """No file: nothing of an earlier one stays."""
    for name in ("import_table", "import_result"):
        st.session_state.pop(name, None)


def read(upload: Any) -> Table:
    """The uploaded file as a table; read once for each upload."""
    kept = st.session_state.get("import_table")
    if kept is None or kept[0] != upload.file_id:
        forget()
        st.session_state["import_table"] = (upload.file_id, read_table(upload.name, upload.getvalue()))
    table: Table = st.session_state["import_table"][1]
    return table


def choose_columns(table: Table, library: Library) -> dict[str, str]:
    """One choice for each column: the field it fills, guessed from its heading, with samples beside it."""
    labels = {IGNORE: _("(leave out)")} | target_labels(library)
    guessed = guess_mapping(table.headings, library)
    mapping = {}
    with st.container(border=True), st.grid(3, min_column_width=240):
        for place, heading in enumerate(table.headings):
            samples = [
                str(row.cells[place]) for row in table.rows[:SAMPLES] if place < len(row.cells) and row.cells[place] not in (None, "")
            ]
            mapping[heading] = st.selectbox(
                escape(heading),
                list(labels),
                index=list(labels).index(guessed[heading]),
                format_func=lambda target: labels[target],
                key=f"column_{place}_{heading[:40]}",
                help=escape(" · ".join(samples)[:200]) or None,
                placeholder=_("Choose"),
            )
    count = sum(1 for target in mapping.values() if target != IGNORE)
    st.caption(_("{rows} rows, {columns} of {all} columns are read.").format(rows=f"{len(table.rows):,}", columns=count, all=len(mapping)))
    return mapping


def has_name(mapping: dict[str, str]) -> bool:
    """Whether a column gives the customer's name, without which no row can enter; otherwise say so."""
    if "name" in mapping.values():
        return True
    st.warning(_("Choose the column that holds the customer's name first."), icon=":material/edit_note:")
    return False


def choose_options(mapping: dict[str, str], library: Library) -> ImportPlan:
    """What to do with incomplete rows and duplicates, and values for what the file lacks."""
    sources = {entry.code: entry.label for entry in library.active("source")}
    with st.container(border=True):
        left, right = st.columns(2)
        incomplete = left.selectbox(
            _("Rows that lack required fields"), list(Incomplete), format_func=lambda code: _(INCOMPLETE[code]), key="import_incomplete"
        )
        duplicate = right.selectbox(
            _("Customers that exist already"), list(OnDuplicate), format_func=lambda code: _(ON_DUPLICATE[code]), key="import_duplicate"
        )
        defaults = _choose_defaults(set(mapping.values()), sources)
    return ImportPlan(mapping=mapping, defaults=defaults, incomplete=incomplete, on_duplicate=duplicate)


def _choose_defaults(mapped: set[str], sources: dict[str, str]) -> dict[str, str]:
    choices = {"kind": (_("Customer nature"), KINDS), "stage": (_("Customer type"), STAGES), "source": (_("Customer source"), sources)}
    wanted = {name: pair for name, pair in choices.items() if name not in mapped}
    defaults: dict[str, str] = {}
    if not wanted and "source_detail" in mapped:
        return defaults
    st.caption(_("For what the file does not say, use:"))
    columns = st.columns(4)
    for column, (name, (label, codes)) in zip(columns, wanted.items(), strict=False):
        chosen = column.selectbox(
            label,
            list(codes),
            index=None,
            format_func=lambda code, texts=codes: _(texts[code]),
            placeholder=_("as recognised"),
            key=f"default_{name}",
        )
        if chosen:
            defaults[name] = str(chosen)
    if "source_detail" not in mapped and (detail := columns[3].text_input(_("Source detail"), key="default_source_detail").strip()):
        defaults["source_detail"] = detail
    return defaults


def run(table: Table, plan: ImportPlan, *, dry_run: bool) -> None:
    """Check or import with a progress bar; the result stays until another file is chosen."""
    bar = st.progress(0.0, text=_("Checking…") if dry_run else _("Importing…"))

    def show(done: int, total: int) -> None:
        bar.progress(done / max(total, 1), text=_("{done} of {total} rows").format(done=f"{done:,}", total=f"{total:,}"))

    result = run_import(guard.actor(), table, plan, dry_run=dry_run, progress=show)
    bar.empty()
    st.session_state["import_result"] = (result, dry_run)


def show_result(table: Table, library: Library) -> None:
    """The figures, every failed row with its reason, and a workbook of these rows to mend."""
    if "import_result" not in st.session_state:
        return
    result, was_dry = st.session_state["import_result"]
    if result.waiting:
        sentence = _("{count} of the new customers wait for review and come into the customer list once they are approved.")
        st.info(sentence.format(count=f"{result.waiting:,}"), icon=":material/rate_review:")
    show = st.warning if result.failed else st.success
    show(_figures(result, was_dry=was_dry), icon=":material/rule:" if was_dry else ":material/check_circle:")
    if result.errors:
        _show_errors(table, result, library)
    if not was_dry and st.button(_("Customer list"), icon=":material/groups:"):
        st.switch_page(routes.CUSTOMERS)


def _figures(result: ImportResult, *, was_dry: bool) -> str:
    start = _("Checked, nothing saved:") if was_dry else _("Imported:")
    return (
        start
        + " "
        + _("{rows} rows, {created} new, {updated} updated, {skipped} skipped, {incomplete} incomplete, {failed} failed.").format(
            rows=f"{result.rows:,}",
            created=f"{result.created:,}",
            updated=f"{result.updated:,}",
            skipped=f"{result.skipped:,}",
            incomplete=f"{result.incomplete:,}",
            failed=f"{result.failed:,}",
        )
    )


def _show_errors(table: Table, result: ImportResult, library: Library) -> None:
    labels = target_labels(library)
    rows = [
        {_("Row"): note.row, _("Field"): labels.get(note.field, ""), _("Reason"): note.message} for note in result.errors[:SHOWN_ERRORS]
    ]
    with st.container(key="import_errors_table"):
        st.dataframe(pd.DataFrame(rows), hide_index=True, lazy=False, alt=_("Rows that failed"))
    if len(result.errors) > SHOWN_ERRORS:
        st.caption(_("The first {count} are shown; the workbook has all of them.").format(count=SHOWN_ERRORS))
    spoken = language()

    def workbook(_user: Actor) -> bytes:
        with in_language(spoken):  # made when it is asked for, outside of the script
            return failed_rows_workbook(table, result, library)

    st.download_button(
        _("Download the failed rows"),
        data=guard.at_click(workbook),
        file_name=f"{table.filename.rpartition('.')[0]}-failed.xlsx",
        mime=XLSX,
        icon=":material/download:",
        on_click="ignore",
    )
