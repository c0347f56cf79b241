"""The steps of the import page: what is imported, reading the file once, its columns, running with a progress bar, the result."""

from typing import Any
from zlib import crc32

import pandas as pd
import streamlit as st

from crm_core.i18n import _, in_language, language
from crm_core.permissions import Actor
from crm_core.services.imports.failed_rows import failed_rows_workbook
from crm_core.services.imports.kinds import CONTRACT, CUSTOMER, KINDS, OPPORTUNITY, PRODUCT, USER
from crm_core.services.imports.mapping import IGNORE, guess_mapping, target_labels, targets
from crm_core.services.imports.mapping_files import write_plan
from crm_core.services.imports.plan import ImportPlan, ImportResult
from crm_core.services.imports.reading import Table, read_table
from crm_core.services.imports.running import run_import
from crm_core.services.library import Library
from ui import guard, routes
from ui.feedback import escape
from ui.import_help import XLSX

SAMPLES = 3
SHOWN_ERRORS = 200
SHOWN_ON = {
    CUSTOMER: routes.CUSTOMERS,
    PRODUCT: routes.PRODUCTS,
    USER: routes.USERS,
    OPPORTUNITY: routes.OPPORTUNITIES,
    CONTRACT: routes.CONTRACTS,
}
"""Where what was imported is seen."""


def forget() -> None:
    """No file: nothing of an earlier one stays."""
    for name in ("import_table", "import_result"):
        st.session_state.pop(name, None)


def choose_kind(offered: list[str]) -> str:
    """What the file holds, of what the user may import."""
    if len(offered) == 1:
        return offered[0]
    chosen = st.segmented_control(
        _("What the file holds"),
        offered,
        format_func=lambda code: _(KINDS[code].label),
        default=offered[0],
        required=True,
        key="import_kind",
    )
    return str(chosen)


def read(upload: Any, kind: str) -> Table:
    """The uploaded file as a table; read once for each upload and kind."""
    kept = st.session_state.get("import_table")
    if kept is None or kept[0] != (upload.file_id, kind):
        forget()
        st.session_state["import_table"] = ((upload.file_id, kind), read_table(upload.name, upload.getvalue(), kind))
    table: Table = st.session_state["import_table"][1]
    return table


def choose_columns(table: Table, library: Library, kept: ImportPlan) -> dict[str, str]:
    """One choice for each column: the field it fills, as the mapping file says or guessed from its heading, with samples beside it."""
    labels = {IGNORE: _("(leave out)")} | target_labels(library, kept.kind)
    said = {**dict.fromkeys(table.headings, IGNORE), **kept.mapping}
    guessed = said if kept.mapping else guess_mapping(table.headings, library, kept.kind)
    source = f"{kept.kind}_{crc32(write_plan(kept))}"  # another mapping file begins the choices anew
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
                key=f"column_{source}_{place}_{heading[:40]}",
                help=escape(" · ".join(samples)[:200]) or None,
                placeholder=_("Choose"),
            )
    count = sum(1 for target in mapping.values() if target != IGNORE)
    st.caption(_("{rows} rows, {columns} of {all} columns are read.").format(rows=f"{len(table.rows):,}", columns=count, all=len(mapping)))
    return mapping


def has_key(mapping: dict[str, str], kept: ImportPlan, library: Library) -> bool:
    """Whether a column gives that without which no row can enter; otherwise say so."""
    key = KINDS[kept.kind].key
    if key in mapping.values() or key in kept.defaults:
        return True
    name = _("Choose the column that holds the customer's name first.")
    other = _("Choose the column that holds “{field}” first: no row comes in without it.")
    told = name if kept.kind == CUSTOMER else other.format(field=targets(library, kept.kind)[key].title)
    st.warning(told, icon=":material/edit_note:")
    return False


def run(table: Table, plan: ImportPlan, *, dry_run: bool) -> None:
    """Check or import with a progress bar; the result stays until another file is chosen."""
    bar = st.progress(0.0, text=_("Checking…") if dry_run else _("Importing…"))

    def show(done: int, total: int) -> None:
        bar.progress(done / max(total, 1), text=_("{done} of {total} rows").format(done=f"{done:,}", total=f"{total:,}"))

    result = run_import(guard.actor(), table, plan, dry_run=dry_run, progress=show)
    bar.empty()
    st.session_state["import_result"] = (result, dry_run)


def show_result(table: Table, library: Library, kind: str) -> None:
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
        _show_errors(table, result, library, kind)
    if was_dry:
        return
    if kind == USER and result.created:
        st.info(
            _("Nobody knows the passwords of the new accounts. Give each one a one-time password, under Edit, when its owner begins."),
            icon=":material/key:",
        )
    route = next(route for route in routes.ROUTES if route.file == SHOWN_ON[kind])
    if st.button(_(route.title), icon=f":material/{route.icon}:"):
        st.switch_page(route.file)


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


def _show_errors(table: Table, result: ImportResult, library: Library, kind: str) -> None:
    labels = target_labels(library, kind)
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
            return failed_rows_workbook(table, result, library, kind)

    st.download_button(
        _("Download the failed rows"),
        data=guard.at_click(workbook),
        file_name=f"{table.filename.rpartition('.')[0]}-failed.xlsx",
        mime=XLSX,
        icon=":material/download:",
        on_click="ignore",
    )
