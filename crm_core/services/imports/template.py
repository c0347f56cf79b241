"""The empty workbook to fill in and import: one column for each field, and a sheet with what may be chosen."""

from io import BytesIO
from itertools import product

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter, quote_sheetname
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from crm_core.fields import Field, Widget
from crm_core.i18n import _
from crm_core.models import KINDS, STAGES
from crm_core.reference import children_of
from crm_core.services.imports import kinds
from crm_core.services.imports.failed_rows import sheet_title
from crm_core.services.imports.kinds import CUSTOMER
from crm_core.services.imports.mapping import targets
from crm_core.services.library import Library

ALWAYS, SOMETIMES = "*", "(*)"
_HEADER_ROW = 2
_LAST_ROW = 2_000
_CHECKED = (Widget.CHOICE, Widget.PRESET)
"""Where exactly one of the choices is meant, so that the spreadsheet can refuse anything else."""


def template_workbook(library: Library, kind: str = CUSTOMER) -> bytes:
    """An xlsx with the headings in the language in force, required ones marked, and drop-downs where one entry is chosen."""
    workbook = Workbook()
    rows, choices = workbook.active, workbook.create_sheet(_("Choices"))
    assert isinstance(rows, Worksheet)
    rows.title = sheet_title(_(kinds.KINDS[kind].label))
    rows["A1"] = _(
        "* is required, (*) only for some natures or types of customer. What may be chosen stands on the sheet “{sheet}”."
    ).format(sheet=choices.title)
    for place, field in enumerate(targets(library, kind).values(), start=1):
        _prepare_column(rows, place, field)
        if labels := choices_of(field, library):
            column = choices.max_column + 1 if choices["A1"].value else 1
            _list_choices(choices, column, field.title, labels)
            if field.widget in _CHECKED:
                rows.add_data_validation(_drop_down(choices, column, len(labels), place, is_open=field.is_open))
    rows.freeze_panes = rows.cell(_HEADER_ROW + 1, 1)
    file = BytesIO()
    workbook.save(file)
    return file.getvalue()


def heading_of(field: Field) -> str:
    """A field's title with the mark of what must be filled in: always, or for some natures and types of customer only."""
    answers = {field.is_required({"kind": kind, "stage": stage}) for kind, stage in product(KINDS, STAGES)}
    mark = ALWAYS if answers == {True} else SOMETIMES if True in answers else ""
    return f"{field.title} {mark}".strip()


def choices_of(field: Field, library: Library) -> list[str]:
    """The words that may stand in a column; empty where any may."""
    if field.choices is not None:
        return [label for code, label in field.labels().items() if code not in field.retired]
    if field.widget is Widget.INDUSTRY:
        return [library.industry_label(code) for code, entry in library.industries.items() if entry.parent and entry.is_active]
    if field.name == "province":
        return [region.label for region in children_of("")]
    return [entry.label for entry in library.active(field.preset)] if field.preset else []


def _prepare_column(sheet: Worksheet, place: int, field: Field) -> None:
    title = sheet.cell(_HEADER_ROW, place, heading_of(field))
    title.font, title.alignment = Font(bold=True), Alignment(vertical="center")
    if title.value.endswith(ALWAYS):
        title.fill = PatternFill("solid", fgColor="D5EDEA")
    column = sheet.column_dimensions[get_column_letter(place)]
    column.width = max(14, 2 * len(title.value))
    # Text stays text: a spreadsheet would take the zeros from the front of a phone and the last digits from an identity number.
    column.number_format = {Widget.DATE: "yyyy-mm-dd", Widget.MONEY: "General", Widget.NUMBER: "General"}.get(field.widget, "@")


def _list_choices(sheet: Worksheet, column: int, title: str, labels: list[str]) -> None:
    sheet.cell(1, column, title).font = Font(bold=True)
    for row, label in enumerate(labels, start=2):
        sheet.cell(row, column, label)
    sheet.column_dimensions[get_column_letter(column)].width = 2 * max(map(len, [title, *labels]))


def _drop_down(choices: Worksheet, column: int, count: int, place: int, *, is_open: bool) -> DataValidation:
    source, target = get_column_letter(column), get_column_letter(place)
    entries = f"{quote_sheetname(choices.title)}!${source}$2:${source}${count + 1}"
    found = DataValidation(type="list", formula1=entries, allow_blank=True, showErrorMessage=not is_open)
    found.add(f"{target}{_HEADER_ROW + 1}:{target}{_LAST_ROW}")
    return found
