"""Tables in spreadsheets (xlsx, xlsm, xlsb, xls, ods), read by a process of its own with limited memory and time."""

import json
import subprocess
import sys
from datetime import date, datetime
from pathlib import Path
from typing import Any

from crm_core.errors import FileRefused
from crm_core.i18n import _
from crm_core.services.imports.sheet_process import PASSWORD, TOO_LARGE
from crm_core.services.imports.table import MAX_ROWS, Cell, Row, too_many_rows

_PROCESS = Path(__file__).with_name("sheet_process.py")
_SECONDS = 90


def read_workbook(content: bytes) -> list[Row]:
    """The rows of the first sheet with data. Raises `FileRefused` for a broken, protected or excessive workbook."""
    command = [sys.executable, "-I", str(_PROCESS), str(MAX_ROWS)]
    try:
        done = subprocess.run(command, input=content, capture_output=True, timeout=_SECONDS, check=False)  # noqa: S603 - our own file
    except subprocess.TimeoutExpired as problem:
        raise FileRefused(_too_large()) from problem
    if done.returncode == PASSWORD:
        raise FileRefused(_("The workbook is protected by a password. Remove the password in Excel and try again."))
    if done.returncode == TOO_LARGE or done.returncode < 0:
        raise FileRefused(_too_large())
    if done.returncode:
        raise FileRefused(_("The workbook is damaged or not a workbook at all. Open it in Excel, save it as xlsx and try again."))
    rows = [_row(line) for line in done.stdout.splitlines()]
    if len(rows) > MAX_ROWS:
        raise FileRefused(too_many_rows())
    return rows


def _too_large() -> str:
    return _("The workbook takes too much memory or time to read. Copy the rows you need into a new workbook and try again.")


def _row(line: bytes) -> Row:
    number, cells = json.loads(line)
    return Row(number, tuple(_cell(cell) for cell in cells))


def _cell(value: Any) -> Cell:
    if isinstance(value, dict):
        return date.fromisoformat(value["day"]) if "day" in value else datetime.fromisoformat(value["moment"])
    plain: Cell = value
    return plain
