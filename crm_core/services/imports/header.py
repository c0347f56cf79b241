"""Finding the header among the first rows of a sheet or text file, and refusing what cannot be one."""

import re
from collections.abc import Sequence
from itertools import chain, count

from crm_core.errors import FileRefused
from crm_core.i18n import _
from crm_core.services.imports.kinds import CUSTOMER
from crm_core.services.imports.mapping import is_known_heading
from crm_core.services.imports.table import MAX_COLUMNS, Cell, Row, Table, count_filled, is_filled, too_many_columns
from crm_core.validation import clean_text

_SEARCHED = 60
_DATA = re.compile(r"[\d.,:/\-\s¥￥$€%+()]*\d[\d.,:/\-\s¥￥$€%+()]*|\S+@\S+|https?://.*|.{3,}公司", re.IGNORECASE)


def table_from(filename: str, rows: Sequence[Row], kind: str = CUSTOMER) -> Table:
    """Split rows into header and data; what stands above the header, empty rows and repeated headers are left out.

    Raises `FileRefused` where nothing can be the header, or where there are too many columns.
    """
    filled = [row for row in rows if count_filled(row)]
    if not filled:
        raise FileRefused(_("The file is empty. Choose a file with a header row and at least one customer."))
    place = _header_place(filled, kind)
    columns = _used_columns(filled[place:])
    if len(columns) > MAX_COLUMNS:
        raise FileRefused(too_many_columns())
    headings = _numbered(_headings(filled[place], columns))
    header = filled[place].cells
    body = [Row(row.number, _select(row.cells, columns)) for row in filled[place + 1 :] if row.cells != header]
    table = Table(filename, headings, tuple(row for row in body if count_filled(row)))
    if not table.rows:
        raise FileRefused(_("The file has a header row but no customers below it. Choose a file with at least one customer."))
    return table


def known_headings_in(row: Row, kind: str = CUSTOMER) -> int:
    """How many cells of a row are headings of fields."""
    return sum(1 for cell in row.cells if isinstance(cell, str) and is_known_heading(cell, kind))


def _header_place(rows: Sequence[Row], kind: str) -> int:
    searched = rows[:_SEARCHED]
    width = max(map(count_filled, rows[: 4 * _SEARCHED]))
    wide = [place for place, row in enumerate(searched) if 2 * count_filled(row) > width]
    best = max(wide, key=lambda place: known_headings_in(searched[place], kind), default=None)
    if best is None:
        raise FileRefused(_no_header())
    if known_headings_in(searched[best], kind):
        return best
    if any(_is_data(cell) for cell in searched[wide[0]].cells):
        raise FileRefused(_no_header())
    return wide[0]


def _no_header() -> str:
    return _("No header row was found. Put a row with the names of the columns, such as customer name and phone, above the data.")


def _is_data(cell: Cell) -> bool:
    return is_filled(cell) and (not isinstance(cell, str) or bool(_DATA.fullmatch(cell.strip())))


def _used_columns(rows: Sequence[Row]) -> list[int]:
    header = rows[0].cells
    used = {place for place, cell in enumerate(header) if is_filled(cell)}
    for row in rows[1:]:
        if len(used) < len(header):
            used.update(place for place, cell in enumerate(row.cells[: len(header)]) if is_filled(cell))
    return sorted(used)


def _headings(header: Row, columns: Sequence[int]) -> tuple[str, ...]:
    texts = [clean_text(cell if (cell := header.cells[place]) is not None else "") for place in columns]
    return tuple(text or _("Column {number}").format(number=place + 1) for text, place in zip(texts, columns, strict=True))


def _select(cells: tuple[Cell, ...], columns: Sequence[int]) -> tuple[Cell, ...]:
    chosen = [cells[place] if place < len(cells) else None for place in columns]
    # Cells beyond the header stay: a row that is too long has usually lost a quotation mark, and must not be read shifted.
    beyond = cells[columns[-1] + 1 :]
    return tuple(chosen) + (beyond if any(map(is_filled, beyond)) else ())


def _numbered(headings: Sequence[str]) -> tuple[str, ...]:
    """A heading that stands over several columns carries a number from the second on, so that each can be assigned by itself."""
    numbered: list[str] = []
    for heading in headings:
        candidates = chain([heading], (f"{heading} ({number})" for number in count(2)))
        numbered.append(next(one for one in candidates if one not in numbered and (one == heading or one not in headings)))
    return tuple(numbered)
