"""The workbook of the rows that were not imported, to mend and import again."""

from collections import defaultdict
from collections.abc import Mapping
from io import BytesIO
from math import isfinite

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font
from openpyxl.workbook.child import INVALID_TITLE_REGEX

from crm_core.services.imports.cells import FORMULA_STARTS
from crm_core.services.imports.kinds import CUSTOMER
from crm_core.services.imports.mapping import reason_heading, target_labels
from crm_core.services.imports.plan import ImportResult, RowNote
from crm_core.services.imports.table import Cell, Table
from crm_core.services.library import Library

_LONGEST_CELL = 32_767


def failed_rows_workbook(table: Table, result: ImportResult, library: Library | None = None, kind: str = CUSTOMER) -> bytes:
    """An xlsx with the failed rows, their own columns and one with the reasons. Texts that look like formulas are defused."""
    reasons: dict[int, list[RowNote]] = defaultdict(list)
    for note in result.errors:
        reasons[note.row].append(note)
    labels = target_labels(library, kind)
    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet()
    columns = [place for place, heading in enumerate(table.headings) if heading != reason_heading()]
    titles = [WriteOnlyCell(sheet, safe_cell(title)) for title in [*(table.headings[place] for place in columns), reason_heading()]]
    for title in titles:
        title.font = Font(bold=True)
    sheet.append(titles)
    for row in table.rows:
        if row.number in reasons:
            cells = [safe_cell(row.cells[place]) if place < len(row.cells) else None for place in columns]
            sheet.append([*cells, safe_cell(_told(reasons[row.number], labels))])
    file = BytesIO()
    workbook.save(file)
    return file.getvalue()


def safe_cell(cell: Cell) -> Cell:
    """A cell that no spreadsheet takes for a formula: such texts get an apostrophe in front, which an import takes off again."""
    if not isinstance(cell, str):
        return None if isinstance(cell, float) and not isfinite(cell) else cell
    text = ILLEGAL_CHARACTERS_RE.sub("", cell)[: _LONGEST_CELL - 1]
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def sheet_title(text: str) -> str:
    """A text as the name of a sheet, which knows no slashes and the like and has 31 characters at most."""
    return " ".join(INVALID_TITLE_REGEX.sub("", text).split())[:31]


def _told(notes: list[RowNote], labels: Mapping[str, str]) -> str:
    return "\n".join(f"{labels[note.field]}: {note.message}" if note.field in labels else note.message for note in notes)
