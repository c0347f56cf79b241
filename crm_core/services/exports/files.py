"""The file of an export: who made it, when and for what stands above the rows, and no cell of it is taken for a formula."""

import csv
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from io import BytesIO, StringIO
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from crm_core import clock
from crm_core.i18n import N_, _, format_time
from crm_core.permissions import Actor
from crm_core.services.imports.failed_rows import safe_cell, sheet_title


class Form(StrEnum):
    """How a list is written."""

    XLSX = "xlsx"
    CSV = "csv"


FORMS = {Form.XLSX: N_("Excel workbook"), Form.CSV: N_("CSV text")}


def mark(actor: Actor, reason: str) -> str:
    """The line that every exported file carries."""
    told = _("Exported by {name} at {time}. Purpose: {reason}")
    return told.format(name=actor.name, time=format_time(clock.now()), reason=reason)


def write_list(form: Form, title: str, told: str, headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """The file: the mark, the headings, the rows."""
    return (_as_workbook if form is Form.XLSX else _as_text)(title, told, headings, rows)


def _as_workbook(title: str, told: str, headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet(sheet_title(title))
    sheet.append([safe_cell(told)])
    titles = [WriteOnlyCell(sheet, safe_cell(heading)) for heading in headings]
    for cell in titles:
        cell.font = Font(bold=True)
    sheet.append(titles)
    for row in rows:
        sheet.append([_cell(value) for value in row])
    file = BytesIO()
    workbook.save(file)
    return file.getvalue()


def _as_text(_title: str, told: str, headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    file = StringIO()
    writer = csv.writer(file)
    writer.writerow([safe_cell(told)])
    writer.writerow([safe_cell(heading) for heading in headings])
    for row in rows:
        writer.writerow(["" if value is None else f"{value:f}" if isinstance(value, Decimal) else _cell(value) for value in row])
    return file.getvalue().encode("utf-8-sig")  # with the mark by which Excel knows the encoding


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return format_time(value)
    return value if isinstance(value, (date, Decimal)) else safe_cell(value)
