"""Cells of a workbook that is written row by row: styles made once, texts that no spreadsheet takes for a formula."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

from crm_core.services.imports.failed_rows import safe_cell
from crm_core.services.insight.board import Unit, Value

ACCENT, BAND, LINE, QUIET = "0F766E", "E6F2F0", "DDE3E7", "5B6B76"
FORMATS = {
    Unit.COUNT: "#,##0",
    Unit.MONEY: "¥#,##0.00",
    Unit.RATE: "0.00%",
    Unit.DAYS: "#,##0.0",
    Unit.SCORE: "#,##0.00",
}
DAY, MOMENT = "yyyy-mm-dd", "yyyy-mm-dd hh:mm"
_THIN = Border(bottom=Side(style="thin", color=LINE))


class Writer:
    """Makes the cells of one sheet. A style is described once: describing it for each cell takes most of the time of a large sheet."""

    def __init__(self, sheet: WriteOnlyWorksheet) -> None:
        self.sheet, self.row = sheet, 0
        self._styles: dict[str, Any] = {}

    def append(self, cells: Iterable[Any] = ()) -> int:
        """Write a row; its number."""
        self.sheet.append(list(cells))
        self.row += 1
        return self.row

    def styled(self, value: Any, style: str) -> Any:
        """A cell in one of the looks below, or with a number format."""
        cell = WriteOnlyCell(self.sheet)
        if style not in self._styles:
            _dress(cell, style)
            self._styles[style] = cell._style
        cell._style = self._styles[style]
        cell.value = safe_cell(value) if isinstance(value, str) else value
        return cell

    def plain(self, value: Any) -> Any:
        """A value of a record: days and amounts with their format, everything else as it is."""
        if isinstance(value, str) or value is None:
            return safe_cell(value)
        if isinstance(value, Decimal):
            return self.styled(value, FORMATS[Unit.MONEY])
        if isinstance(value, datetime):
            return self.styled(value, MOMENT)
        return self.styled(value, DAY) if isinstance(value, date) else value

    def value(self, value: Value, unit: Unit, *, missing: str | None = "—") -> Any:
        """A value of a board; `missing` in the place of one that does not exist."""
        return self.styled(missing, "missing") if value is None else self.styled(value, FORMATS[unit])


def _dress(cell: Any, style: str) -> None:
    if style == "title":
        cell.font = Font(size=18, bold=True, color=ACCENT)
    elif style == "heading":
        cell.font = Font(size=13, bold=True, color=ACCENT)
    elif style in ("head", "number head"):
        cell.font, cell.fill, cell.border = Font(bold=True), PatternFill("solid", fgColor=BAND), _THIN
        cell.alignment = Alignment(vertical="center", horizontal="right" if style == "number head" else "left", wrap_text=True)
    elif style == "quiet":
        cell.font = Font(color=QUIET)
    elif style == "wrapped":
        cell.alignment = Alignment(vertical="top", wrap_text=True)
    elif style == "missing":
        cell.font, cell.alignment = Font(color=QUIET), Alignment(horizontal="right")
    else:
        cell.number_format = style
