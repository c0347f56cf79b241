"""What was read from a file: headings and rows, each row with the number it has in the file."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from crm_core.i18n import _

Cell = str | int | float | bool | date | datetime | time | timedelta | None

MAX_ROWS = 200_000
MAX_COLUMNS = 1_000


class Row(NamedTuple):
    """One row; `number` counts from 1 as a text editor or spreadsheet shows it, the header and what stands above included."""

    number: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    """A header and the rows below it that hold anything. A row may be shorter or longer than the header."""

    filename: str
    headings: tuple[str, ...]
    rows: tuple[Row, ...]


def is_filled(cell: Cell) -> bool:
    """Whether a cell holds anything but blanks."""
    return cell is not None and (not isinstance(cell, str) or bool(cell.strip()))


def count_filled(row: Row) -> int:
    """How many cells of a row hold anything."""
    return sum(map(is_filled, row.cells))


def too_many_rows() -> str:
    """The sentence for a table that is too long."""
    return _("The file has more than {limit} rows. Split it and import the parts one after another.").format(limit=MAX_ROWS)


def too_many_columns() -> str:
    """The sentence for a table that is too wide."""
    return _("The file has more than {limit} columns. Delete those that are not needed.").format(limit=MAX_COLUMNS)
