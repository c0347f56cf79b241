"""Charts of a PDF, drawn as vectors: nothing is rendered in a browser, and lines stay sharp at any size."""

from collections.abc import Callable
from typing import Any

from reportlab.graphics.charts.barcharts import VerticalBarChart
from reportlab.graphics.charts.legends import Legend
from reportlab.graphics.charts.linecharts import HorizontalLineChart
from reportlab.graphics.charts.piecharts import Pie
from reportlab.graphics.shapes import Drawing, Rect, String
from reportlab.lib.colors import Color, HexColor, linearlyInterpolatedColor, white
from reportlab.pdfbase.pdfmetrics import stringWidth

from crm_core.services.insight.board import Chart, Kind, Point, Unit
from crm_core.services.insight.words import column_label, point_label
from crm_core.services.reports.native_charts import PALETTE, shaded
from crm_core.services.reports.words import show_value
from crm_core.services.sheet_pdf import ACCENT, BAND, FONT, INK, INNER, LINE, QUIET

COLOURS = [HexColor(f"#{code}") for code in PALETTE]
HEIGHT = 190
BAR = 17
CELL = 15
MOST_BARS = 20
MOST_SLICES = 8
MOST_NAMES = 14
"""More names than these stand closer than they can be read; some are left out."""
SMALL, TINY = 8, 7
LABEL_WIDTH = 130
NARROWEST, MOST_ROWS_OF_HEAT = 26, 31
DARK = 0.55


def draw(chart: Chart) -> Drawing | None:
    """The drawing of a chart; None for a kind or a size that its table shows better."""
    maker = _MAKERS.get(chart.kind)
    return maker(chart) if maker else None


def _numbers(chart: Chart, place: int = 0) -> list[float]:
    return [float(point.values[place] or 0) for point in chart.points]


def fit(text: str, width: float, size: float) -> str:
    """A text that is not wider than `width`."""
    if stringWidth(text, FONT, size) <= width:
        return text
    while text and stringWidth(f"{text}…", FONT, size) > width:
        text = text[:-1]
    return f"{text}…"


def _axis(axis: Any, unit: Unit) -> None:
    axis.labels.fontName, axis.labels.fontSize, axis.labels.fillColor = FONT, TINY, QUIET
    axis.labelTextFormat = lambda number: _short(number, unit)
    axis.strokeColor, axis.visibleTicks, axis.gridStrokeColor, axis.visibleGrid = None, False, LINE, True
    axis.gridStrokeWidth, axis.valueMin, axis.forceZero = 0.4, None, True


def _short(number: float, unit: Unit) -> str:
    if unit is Unit.RATE:
        return f"{number * 100:g}%"
    return f"¥{number:,.0f}" if unit is Unit.MONEY else f"{number:,.10g}"


def _categories(axis: Any, chart: Chart) -> None:
    step = -(-len(chart.points) // MOST_NAMES)
    names = [point_label(point) for point in chart.points]
    axis.categoryNames = [fit(name, 70, TINY) if place % step == 0 else "" for place, name in enumerate(names)]
    axis.labels.fontName, axis.labels.fontSize, axis.labels.fillColor = FONT, TINY, QUIET
    axis.strokeColor, axis.visibleTicks = LINE, False
    axis.labels.dy = -4


def _series(chart: Chart) -> range:
    """The columns that share an axis; the first column of what is stacked is the sum of the others."""
    last = chart.on_one_axis
    return range(1 if chart.kind is Kind.STACKED and last > 1 else 0, last)


def _upright(made: Any, chart: Chart) -> Drawing:
    drawing, series = Drawing(INNER, HEIGHT), _series(chart)
    made.x, made.y, made.width, made.height = 62, 22, INNER - 72, HEIGHT - (50 if len(series) > 1 else 34)
    made.data = [[_or_gap(point.values[place], made) for point in chart.points] for place in series]
    _categories(made.categoryAxis, chart)
    _axis(made.valueAxis, chart.columns[0].unit)
    drawing.add(made)
    if len(series) > 1:
        _add_legend(drawing, [column_label(chart.columns[place]) for place in series])
    return drawing


def _or_gap(value: Any, made: Any) -> float | None:
    return None if value is None and isinstance(made, HorizontalLineChart) else float(value or 0)


def _columns(chart: Chart) -> Drawing:
    made = VerticalBarChart()
    made.barWidth, made.groupSpacing = 8, 4
    if chart.kind is Kind.STACKED:
        made.categoryAxis.style = "stacked"
    for place in range(len(_series(chart))):
        made.bars[place].fillColor, made.bars[place].strokeColor = COLOURS[place % len(COLOURS)], None
    return _upright(made, chart)


def _lines(chart: Chart) -> Drawing:
    made = HorizontalLineChart()
    made.joinedLines = 1
    for place in range(len(_series(chart))):
        made.lines[place].strokeColor, made.lines[place].strokeWidth = COLOURS[place % len(COLOURS)], 1.6
    return _upright(made, chart)


def _add_legend(drawing: Drawing, names: list[str]) -> None:
    legend = Legend()
    legend.x, legend.y, legend.boxAnchor, legend.columnMaximum = 62, HEIGHT - 4, "nw", 1
    legend.fontName, legend.fontSize, legend.fillColor = FONT, TINY, INK
    legend.dx = legend.dy = 7
    legend.deltax, legend.dxTextSpace, legend.strokeWidth, legend.alignment, legend.variColumn = 14, 4, 0, "right", True
    legend.colorNamePairs = [(COLOURS[place % len(COLOURS)], fit(name, 90, TINY)) for place, name in enumerate(names)]
    drawing.add(legend)


def _bars(chart: Chart) -> Drawing:
    """Lying bars, the first above, each with its value written behind it."""
    points = [point for point in chart.points if not point.parent][:MOST_BARS]
    drawing, unit = Drawing(INNER, len(points) * BAR + 8), chart.columns[0].unit
    largest = max((abs(float(point.values[0] or 0)) for point in points), default=0) or 1
    room = INNER - LABEL_WIDTH - 90
    for place, point in enumerate(points):
        base = (len(points) - place - 1) * BAR + 6
        _bar_row(drawing, point, unit, base=base, length=room * max(float(point.values[0] or 0), 0) / largest)
    return drawing


def _bar_row(drawing: Drawing, point: Point, unit: Unit, *, base: float, length: float) -> None:
    name = fit(point_label(point), LABEL_WIDTH - 10, SMALL)
    _add_text(drawing, LABEL_WIDTH - 6, base + 2, name, SMALL, INK, "end")
    drawing.add(Rect(LABEL_WIDTH, base, max(length, 0.6), BAR - 6, fillColor=COLOURS[0], strokeColor=None))
    told = show_value(point.values[0], unit)
    _add_text(drawing, LABEL_WIDTH + length + 5, base + 2, told, SMALL, QUIET)


def _pie(chart: Chart) -> Drawing | None:
    if len(chart.points) > MOST_SLICES:
        return _bars(chart)
    drawing, pie, values = Drawing(INNER, HEIGHT - 30), Pie(), _numbers(chart)
    pie.x, pie.y, pie.width, pie.height = 40, 10, HEIGHT - 50, HEIGHT - 50
    pie.data, pie.labels, pie.innerRadiusFraction, pie.startAngle, pie.direction = values, [""] * len(values), 0.55, 90, "clockwise"
    for place in range(len(values)):
        pie.slices[place].fillColor, pie.slices[place].strokeColor = COLOURS[place % len(COLOURS)], white
    drawing.add(pie)
    whole, top = sum(values) or 1, HEIGHT - 46
    for place, (point, value) in enumerate(zip(chart.points, values, strict=True)):
        height = top - place * 15
        drawing.add(Rect(230, height - 1, 8, 8, fillColor=COLOURS[place % len(COLOURS)], strokeColor=None))
        told = f"{fit(point_label(point), 130, SMALL)}  {show_value(point.values[0], chart.columns[0].unit)}  ({value / whole:.1%})"
        _add_text(drawing, 244, height, told, SMALL, INK)
    return drawing


def _heat(chart: Chart) -> Drawing | None:
    """A cell for each share, the darker the larger; a dash where there is none. What was divided by stands in the table."""
    places = shaded(chart)
    width = (INNER - 70) / len(places)
    if width < NARROWEST or len(chart.points) > MOST_ROWS_OF_HEAT:
        return None
    drawing = Drawing(INNER, CELL * (len(chart.points) + 1) + 6)
    values = [float(point.values[place] or 0) for point in chart.points for place in places]
    high, top = max(values, default=0) or 1, drawing.height - CELL
    for across, place in enumerate(places):
        _add_cell(drawing, 70 + across * width, top, width, column_label(chart.columns[place]), (QUIET, None))
    for row, point in enumerate(chart.points, start=1):
        _add_text(drawing, 64, top - row * CELL + 4, fit(point_label(point), 62, TINY), TINY, INK, "end")
        for across, place in enumerate(places):
            value = point.values[place]
            share = float(value or 0) / high
            fill = None if value is None else linearlyInterpolatedColor(BAND, ACCENT, 0, 1, share)
            told = show_value(value, chart.columns[place].unit)
            _add_cell(drawing, 70 + across * width, top - row * CELL, width, told, (white if share > DARK else INK, fill))
    return drawing


def _add_cell(drawing: Drawing, left: float, base: float, width: float, text: str, look: tuple[Color, Color | None]) -> None:
    colour, fill = look
    if fill:
        drawing.add(Rect(left, base, width - 1, CELL - 1, fillColor=fill, strokeColor=None))
    _add_text(drawing, left + width / 2, base + 4, fit(text, width - 2, TINY), TINY, colour, "middle")


def _add_text(drawing: Drawing, left: float, base: float, text: str, size: float, colour: Color, anchor: str = "start") -> None:
    drawing.add(String(left, base, text, fontName=FONT, fontSize=size, fillColor=colour, textAnchor=anchor))


_MAKERS: dict[Kind, Callable[[Chart], Drawing | None]] = {
    Kind.COLUMNS: _columns,
    Kind.STACKED: _columns,
    Kind.LINES: _lines,
    Kind.BARS: _bars,
    Kind.FUNNEL: _bars,
    Kind.TREEMAP: _bars,
    Kind.PIE: _pie,
    Kind.HEAT: _heat,
}
