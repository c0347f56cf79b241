"""Charts that the spreadsheet draws itself, from the cells of a chart's table: changed there, they follow."""

from dataclasses import dataclass
from math import ceil
from typing import Any

from openpyxl.chart import BarChart, LineChart, PieChart, Reference
from openpyxl.chart.label import DataLabelList
from openpyxl.chart.layout import Layout, ManualLayout
from openpyxl.chart.marker import DataPoint
from openpyxl.chart.shapes import GraphicalProperties
from openpyxl.drawing.line import LineProperties
from openpyxl.formatting.rule import ColorScaleRule
from openpyxl.utils import get_column_letter

from crm_core.services.insight.board import Chart, Kind, Unit
from crm_core.services.reports.cells import FORMATS

PALETTE = ("14A08E", "3B82F6", "D97706", "8B5CF6", "DB2777", "65A30D", "0891B2", "9CA3AF")
WIDTH, HEIGHT = 17, 8.5
"""In centimetres."""
ROW, BAR, TALLEST = 0.49, 0.55, 24
"""Of a row of the sheet, and of one lying bar with the space after it; no chart is taller than the last."""


@dataclass(frozen=True)
class Table:
    """Where the table of a chart stands: its head's row, and the last one."""

    sheet: Any
    head: int
    last: int
    columns: int
    drawn: int
    """Up to which row it is drawn: of a treemap the upper level, whose rows come first."""


def draw(chart: Chart, table: Table, title: str) -> Any | None:
    """The native chart for a kind; None for one that the table itself shows best."""
    if chart.kind is Kind.HEAT or table.last <= table.head:
        return None
    drawn = _pie(table) if chart.kind is Kind.PIE else _lines(chart, table) if chart.kind is Kind.LINES else _bars(chart, table)
    bars = (table.drawn - table.head) * BAR if getattr(drawn, "type", "") == "bar" else 0
    drawn.title, drawn.width, drawn.height, drawn.style = title, WIDTH, min(max(HEIGHT, bars + 2), TALLEST), 2
    return drawn


def rows_of(drawn: Any) -> int:
    """Over so many rows of the sheet a chart lies."""
    height: float = drawn.height
    return ceil(height / ROW)


def _data(table: Table, series: int, *, first: int = 2) -> tuple[Reference, Reference]:
    data = Reference(table.sheet, min_col=first, max_col=1 + series, min_row=table.head, max_row=table.drawn)
    return data, Reference(table.sheet, min_col=1, min_row=table.head + 1, max_row=table.drawn)


def _bars(chart: Chart, table: Table) -> Any:
    bars = BarChart()
    bars.type = "bar" if chart.kind in (Kind.BARS, Kind.FUNNEL, Kind.TREEMAP) else "col"
    _fill(bars, chart, table)
    if chart.kind is Kind.STACKED:
        bars.grouping, bars.overlap = "stacked", 100
    if bars.type == "bar":
        bars.x_axis.scaling.orientation = "maxMin"  # the first row of the table stands above
    bars.gapWidth = 60
    return bars


def _lines(chart: Chart, table: Table) -> Any:
    lines = LineChart()
    _fill(lines, chart, table)
    for line, colour in zip(lines.series, PALETTE * 3, strict=False):
        line.graphicalProperties.line.solidFill, line.smooth = colour, False
    return lines


def _fill(drawn: Any, chart: Chart, table: Table) -> None:
    series = chart.on_one_axis
    # The first column of what is stacked is the sum of the others.
    data, names = _data(table, series, first=3 if chart.kind is Kind.STACKED and series > 1 else 2)
    drawn.add_data(data, titles_from_data=True)
    drawn.set_categories(names)
    for one, colour in zip(drawn.series, PALETTE * 3, strict=False):
        one.graphicalProperties = GraphicalProperties(solidFill=colour)
    drawn.y_axis.number_format = "0%" if chart.columns[0].unit is Unit.RATE else FORMATS[chart.columns[0].unit].removesuffix(".00")
    drawn.y_axis.majorGridlines.spPr = GraphicalProperties(ln=LineProperties(solidFill="E5E7EB"))
    drawn.x_axis.delete = drawn.y_axis.delete = False  # else the program leaves both axes out
    drawn.legend = drawn.legend if series > 1 else None
    if drawn.legend:
        drawn.legend.position = "b"


def _pie(table: Table) -> Any:
    pie = PieChart()
    data, names = _data(table, 1)
    pie.add_data(data, titles_from_data=True)
    pie.set_categories(names)
    for place in range(table.drawn - table.head):
        pie.series[0].data_points.append(DataPoint(idx=place, spPr=GraphicalProperties(solidFill=PALETTE[place % len(PALETTE)])))
    pie.dataLabels = DataLabelList(showPercent=True, showVal=False, showSerName=False, showCatName=False, showLegendKey=False)
    pie.layout = Layout(manualLayout=ManualLayout(h=0.7, w=0.6, x=0.05, y=0.2))
    return pie


def shaded(chart: Chart) -> list[int]:
    """The columns of a heat map that are coloured: those of the last one's unit, without what they were divided by."""
    return [place for place, column in enumerate(chart.columns) if column.unit is chart.columns[-1].unit]


def shade(chart: Chart, table: Table) -> None:
    """Colour the cells of a heat map by their value."""
    first, last = (get_column_letter(2 + place) for place in (shaded(chart)[0], shaded(chart)[-1]))
    rule = ColorScaleRule(start_type="num", start_value=0, start_color="F4F7F8", end_type="max", end_color="14A08E")
    table.sheet.conditional_formatting.add(f"{first}{table.head + 1}:{last}{table.last}", rule)
