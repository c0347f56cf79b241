"""A process of its own that reads a workbook from standard input and writes the rows of one sheet as JSON lines.

A workbook of a few kilobytes can declare sizes that take all memory of a machine, so this process limits itself and
the server that started it lives on. It is run as a file and imports nothing of the project, to start in little time.
"""

import io
import json
import sys
from datetime import date, datetime, time, timedelta
from typing import Any

from python_calamine import CalamineSheet, CalamineWorkbook, PasswordError, SheetTypeEnum

MEMORY = 900 * 1024 * 1024
PROCESSOR_SECONDS = 60
MAX_OUTPUT = 200 * 1024 * 1024

PASSWORD, TOO_LARGE = 3, 4
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
"""The name of the stream that holds an encrypted workbook; of an encrypted xlsb calamine only says that it is damaged."""


def limit_resources() -> None:
    """Limit memory and processor time where the system can (not on Windows)."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_SECONDS, PROCESSOR_SECONDS + 5))


def first_filled_sheet(workbook: CalamineWorkbook) -> list[list[Any]]:
    """The rows of the first sheet with more than one filled row, else of the first with any; from row 1, column A."""
    found: list[list[Any]] = []
    for sheet in workbook.sheets_metadata:
        if sheet.typ is not SheetTypeEnum.WorkSheet:
            continue
        rows = filled_down(workbook.get_sheet_by_name(sheet.name))
        filled = sum(1 for row in rows if any(cell != "" for cell in row))
        if filled > 1:
            return rows
        if filled and not found:
            found = rows
    return found


def filled_down(sheet: CalamineSheet) -> list[list[Any]]:
    """A sheet's rows; cells merged over several rows carry their value in each of them."""
    rows: list[list[Any]] = sheet.to_python(skip_empty_area=False)
    for (top, left), (bottom, right) in sheet.merged_cell_ranges or []:
        if left == right and top < len(rows) and left < len(rows[top]):
            for row in rows[top + 1 : bottom + 1]:
                row[left] = rows[top][left]
    return rows


def as_json(value: Any) -> Any:
    """Days and times in the form `{"day": ...}`, so that they stay apart from texts."""
    if isinstance(value, datetime):
        return {"moment": value.isoformat()}
    if isinstance(value, date):
        return {"day": value.isoformat()}
    if isinstance(value, (time, timedelta)):
        return str(value)
    raise TypeError(type(value))


def write_rows(rows: list[list[Any]], *, limit: int) -> None:
    """Write `[number, cells]` for each row that holds anything; one row more than `limit` shows that there are too many."""
    size = count = 0
    for number, row in enumerate(rows, 1):
        if all(cell == "" for cell in row) or count > limit:
            continue
        line = json.dumps([number, row], ensure_ascii=False, default=as_json) + "\n"
        size, count = size + len(line), count + 1
        if size > MAX_OUTPUT:
            sys.exit(TOO_LARGE)
        sys.stdout.buffer.write(line.encode())


def main() -> None:
    """Read, convert, write; the exit code says why nothing came."""
    limit_resources()
    try:
        content = sys.stdin.buffer.read()
        if ENCRYPTED in content:
            sys.exit(PASSWORD)
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
        write_rows(first_filled_sheet(workbook), limit=int(sys.argv[1]))
    except PasswordError:
        sys.exit(PASSWORD)
    except MemoryError:
        sys.exit(TOO_LARGE)


if __name__ == "__main__":
    main()
