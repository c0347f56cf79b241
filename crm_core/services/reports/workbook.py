"""A report as an Excel workbook, written row by row: cover, a sheet for each board, the detail sheets, the definitions. And a pivot."""

from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

from openpyxl import Workbook
from openpyxl.utils import get_column_letter

from crm_core.i18n import _
from crm_core.services.insight.board import Board, Chart, Figure, Kind
from crm_core.services.insight.definitions import SCOPE
from crm_core.services.insight.words import NOTHING, column_label
from crm_core.services.pivots.pivot import TOTAL, Pivot
from crm_core.services.reports import details, native_charts
from crm_core.services.reports.cells import Writer
from crm_core.services.reports.content import Content, Tell
from crm_core.services.reports.details import Sheet
from crm_core.services.reports.native_charts import Table
from crm_core.services.reports.order import CHARTS, DEFINITIONS, FIGURES, TABLES
from crm_core.services.reports.words import UNITS, path_label, upper_level_first

NO_TITLE = str.maketrans(dict.fromkeys("[]:*?/\\'", " "))
"""Characters that the title of a sheet may not have."""
LONGEST_TITLE = 31


def write_workbook(content: Content, path: Path, tell: Tell) -> None:
    """Write the workbook to a file; `tell` hears of the progress from 50 on."""
    book = Workbook(write_only=True)
    book.properties.title, book.properties.creator = content.title, content.actor.name
    _write_cover(_sheet(book, content.mark, _("Cover"), widths=(22, 70)), content)
    for board in content.boards:
        _write_board(_sheet(book, content.mark, _(board.title), widths=(34, *[16] * 8)), board, content)
    tell(55)
    for place, sheet in enumerate(content.sheets.values(), start=1):
        _write_details(_sheet(book, content.mark, _(sheet.label), frozen="A2", widths=_widths(content, sheet)), content, sheet)
        tell(55 + 40 * place // len(content.sheets))
    if DEFINITIONS in content.order.sections:
        _write_definitions(_sheet(book, content.mark, _("Definitions"), frozen="A2", widths=(28, 70, 34, 30)), content)
    book.save(path)


def _sheet(book: Workbook, mark: str, title: str, *, widths: Iterable[float], frozen: str = "") -> Writer:
    clean, taken = title.translate(NO_TITLE)[:LONGEST_TITLE], {one.title for one in book.worksheets}
    number = 2
    while clean in taken:
        clean, number = f"{title.translate(NO_TITLE)[: LONGEST_TITLE - 3]} {number}", number + 1
    sheet = book.create_sheet(clean)
    sheet.sheet_view.showGridLines = False
    for place, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(place)].width = width
    if frozen:
        sheet.freeze_panes = frozen
    sheet.page_setup.orientation, sheet.page_setup.fitToHeight = "landscape", 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    # Printed on every page: whose copy it is. An ampersand would begin a command.
    sheet.oddFooter.left.text, sheet.oddFooter.right.text = mark.replace("&", "&&"), "&P / &N"
    return Writer(sheet)


def _write_cover(writer: Writer, content: Content) -> None:
    writer.append([writer.styled(content.title, "title")])
    writer.append()
    for label, value in content.facts:
        writer.append([writer.styled(label, "quiet"), writer.styled(value, "wrapped")])
    writer.append()
    writer.append([writer.styled(_("Contents"), "heading")])
    for title in (*(_(board.title) for board in content.boards), *(_(sheet.label) for sheet in content.sheets.values())):
        writer.append([writer.plain(title)])
    writer.append()
    writer.append([writer.styled(_(SCOPE), "quiet")])
    writer.append([writer.styled(_("This copy is for {name} only. Do not pass it on.").format(name=content.actor.name), "quiet")])


def _write_board(writer: Writer, board: Board, content: Content) -> None:
    writer.append([writer.styled(_(board.title), "title")])
    days = content.order.question.period
    writer.append([writer.styled(f"{days.first.isoformat()} – {days.last.isoformat()}", "quiet")])
    writer.append()
    if board.missing:
        writer.append([writer.plain(_(board.missing))])
        return
    if FIGURES in content.order.sections and board.figures:
        _write_figures(writer, board.figures)
    for chart in board.charts:
        _write_chart(writer, chart, content)


def _write_figures(writer: Writer, figures: Iterable[Figure]) -> None:
    heads = (_("Key figure"), _("Figure value"), _("Numerator"), _("Denominator"), _("Compared value"), _("Change rate"), _("Unit"))
    writer.append([writer.styled(head, "number head" if 0 < place < len(heads) - 1 else "head") for place, head in enumerate(heads)])
    for one in figures:
        parts = [writer.plain(None if one.denominator is None else part) for part in (one.numerator, one.denominator)]
        change = None if one.change is None else writer.styled(one.change, "+0.0%;-0.0%;0.0%")
        before = None if one.before is None else writer.value(one.before, one.unit)
        writer.append(
            [writer.plain(_(one.label)), writer.value(one.value, one.unit), *parts, before, change, writer.plain(_(UNITS[one.unit]))]
        )
    writer.append()


def _write_chart(writer: Writer, chart: Chart, content: Content) -> None:
    """Heading, note and table of a chart, the chart itself beside them; blank rows keep the next one from lying over it."""
    begun = writer.append([writer.styled(_(chart.title), "heading")])
    if chart.note:
        writer.append([writer.styled(_(chart.note), "quiet")])
    if not chart.points:
        writer.append([writer.styled(_("Nothing in this period."), "quiet")])
        writer.append()
        return
    is_drawn = CHARTS in content.order.sections
    if is_drawn or TABLES in content.order.sections:
        table = _write_table(writer, chart, missing=NOTHING if chart.kind is Kind.HEAT else None)
        drawn = native_charts.draw(chart, table, _(chart.title)) if is_drawn else None
        if drawn:
            writer.sheet.add_chart(drawn, f"{get_column_letter(max(table.columns + 2, 6))}{begun}")
            while writer.row < begun + native_charts.rows_of(drawn):
                writer.append()
        elif is_drawn and chart.kind is Kind.HEAT:
            native_charts.shade(chart, table)
    writer.append()


def _write_table(writer: Writer, chart: Chart, *, missing: str | None) -> Table:
    columns = [writer.styled(column_label(one), "number head") for one in chart.columns]
    head = writer.append([writer.styled(_(chart.category), "head"), *columns])
    points = upper_level_first(chart)
    for point in points:
        values = (writer.value(value, column.unit, missing=missing) for value, column in zip(point.values, chart.columns, strict=True))
        writer.append([writer.plain(path_label(chart, point)), *values])
    drawn = head + sum(1 for point in points if not point.parent)
    return Table(writer.sheet, head, writer.row, 1 + len(chart.columns), drawn)


def _widths(content: Content, sheet: Sheet) -> list[float]:
    return [max(14, 2.2 * len(_(column.label))) for column in details.columns_for(content.ground, sheet)]


def _write_details(writer: Writer, content: Content, sheet: Sheet) -> None:
    columns = details.columns_for(content.ground, sheet)
    writer.append([writer.styled(_(column.label), "head") for column in columns])
    is_cut = False
    for row in details.rows_for(content.ground, sheet):
        if writer.row > details.MOST_ROWS:
            is_cut = True
            break
        writer.append([writer.plain(value) for value in row])
    writer.sheet.auto_filter.ref = f"A1:{get_column_letter(len(columns))}{writer.row}"
    writer.sheet.print_title_rows = "1:1"
    if writer.row == 1:
        writer.append([writer.styled(_("Nothing in this period."), "quiet")])
    if is_cut:
        sentence = _("Only the first {count} rows are here. Choose a shorter period or filters for the rest.")
        writer.append([writer.styled(sentence.format(count=f"{details.MOST_ROWS:,}"), "quiet")])


def _write_definitions(writer: Writer, content: Content) -> None:
    writer.append([writer.styled(head, "head") for head in (_("Measure"), _("Definition"), _("Date basis"), _("Source of the definition"))])
    for one in content.definitions():
        writer.append([writer.styled(_(text), "wrapped") for text in (one.title, one.rule, one.basis, one.source)])
    writer.append([writer.styled(_(SCOPE), "quiet")])


def pivot_workbook(pivot: Pivot, *, title: str, facts: Iterable[tuple[str, str]], mark: str) -> bytes:
    """A pivot with its totals and a native chart, on one sheet."""
    book, chart = Workbook(write_only=True), pivot.chart
    writer = _sheet(book, mark, _(chart.title), widths=(34, *[16] * len(chart.columns)))
    writer.append([writer.styled(title, "title")])
    for label, value in facts:
        writer.append([writer.styled(label, "quiet"), writer.plain(value)])
    if pivot.note:
        writer.append([writer.styled(pivot.note, "quiet")])
    writer.append()
    table = _write_table(writer, chart, missing=NOTHING)
    totals = (writer.value(value, column.unit) for value, column in zip(pivot.totals, chart.columns, strict=True))
    writer.append([writer.styled(_(TOTAL), "head"), *totals])
    if drawn := native_charts.draw(chart, table, title):
        writer.sheet.add_chart(drawn, f"A{writer.row + 3}")
    file = BytesIO()
    book.save(file)
    return file.getvalue()
