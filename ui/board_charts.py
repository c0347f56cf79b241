"""The charts of boards in plotly, all but rankings (`ui/ranking.py`): colours that read in light and dark, in the user's language."""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from functools import lru_cache
from html import escape
from typing import Any

import plotly.graph_objects as go

from crm_core.i18n import labelled, language
from crm_core.models import ACTIVITIES, METHODS, STAGES, TIERS
from crm_core.services.insight.board import Chart, Column, Kind, Unit
from crm_core.services.insight.words import column_label, point_label
from ui.badges import ACTIVITY_CHART_COLOURS, CHART_COLOURS
from ui.board_words import worded
from ui.charts import ACCENT, LAYOUT, LONGEST_LABEL
from ui.fitting import columns, fitting

PALETTE = ("#14A08E", "#3B82F6", "#D97706", "#9061F9", "#E0526A", "#7C8B94", "#0891B2", "#A16207", "#4D7C0F", "#DB2777")
"""One after the other for the series of a chart, told apart by colour-blind eyes as well."""
TIER_COLOURS = {"A": "#D97706", "B": "#3B82F6", "C": "#7C8B94"}
FIXED: dict[str, str] = {
    **{label: CHART_COLOURS[code] for code, label in STAGES.items()},
    **{label: TIER_COLOURS[code] for code, label in TIERS.items()},
    **{label: ACTIVITY_CHART_COLOURS[code] for code, label in ACTIVITIES.items()},
    **dict(zip(METHODS.values(), PALETTE, strict=False)),
}
"""What has a colour of its own everywhere."""
PALE = "#6B7280"
LINE = "#D97706"
_WHITE = {"color": "#FFFFFF"}
"""Of letters that stand on a colour; plotly would write some of them in grey."""
HEIGHT, FEW = 300, 6
LETTER, GAP, LABELS = 6, 20, 36
"""Pixels: a letter of a label, what lies between labels and chart, a line of labels below it."""
LEGEND, LEGEND_LINE, LEGEND_WIDTH, SIGN = 28, 19, 460, 46
"""Pixels: the names of the series above a chart, each line of them, how wide a line is on a desktop, what stands beside each name."""
TICKS = {Unit.RATE: ".1~%", Unit.MONEY: ",.0f", Unit.COUNT: ",d", Unit.DAYS: ",.1f", Unit.SCORE: ".1f"}
SELECTABLE = (Kind.COLUMNS, Kind.STACKED, Kind.LINES)
"""Kinds whose bars can be clicked; the rows of the others are opened from their table."""


def figure_of(chart: Chart) -> go.Figure:
    """The chart as plotly draws it; made once for a chart and language."""
    return _made(chart, language())


@lru_cache(maxsize=512)
def _made(chart: Chart, _language: str) -> go.Figure:
    traces, layout = _DRAWN[chart.kind](chart)
    dragging = {"dragmode": "pan" if chart.kind in SELECTABLE else False}
    figure = go.Figure(traces, LAYOUT | {"height": HEIGHT} | _STEADY | dragging | layout)
    figure.layout.template = None
    return figure


_STEADY = {"clickmode": "event+select", "hovermode": "closest", "datarevision": 1}
"""What Streamlit sets by itself once the chart is there, and that its data stay the same: else plotly draws it a second time."""
PLAIN: dict[str, Any] = {"theme": None, "config": {"displayModeBar": False}}
"""How Streamlit is asked to show a figure. With its theme, which is a template, plotly would draw all charts twice, and again
when light turns dark; the colours of letters and lines stand in `ui/web/style.css`."""
_FIXED: dict[str, Any] = {"automargin": True, "fixedrange": True, "tickfont": {"size": 10.5}, "ticks": ""}
"""Of an axis: nobody moves it; plotly makes room for its labels where `_room` is too little, for which it draws the chart again."""
_NO_LINES: dict[str, Any] = {"showgrid": False, "zeroline": False, **_FIXED}


def _room(labels: Iterable[str]) -> int:
    """Pixels for labels beside a chart."""
    return GAP + LETTER * max(map(columns, labels), default=0)


def _margin(*, left: int = 8, right: int = 16, above: int = 20, below: int = 8) -> dict[str, int]:
    return {"l": left, "r": right, "t": above, "b": below, "pad": 7}


def _columns(chart: Chart) -> tuple[list[Any], dict[str, Any]]:
    """Bars of the first unit, and a line on an axis of its own for a share."""
    unit = chart.columns[0].unit
    bars = [place for place, column in enumerate(chart.columns) if column.unit is unit]
    traces = [_bar(chart, place, PALETTE[number]) for number, place in enumerate(bars)]
    shares = [place for place, column in enumerate(chart.columns) if column.unit is Unit.RATE and unit is not Unit.RATE]
    traces += [_line(chart, place) for place in shares]
    most = max((float(point.values[place] or 0) for point in chart.points for place in bars), default=0)
    layout = _axes(chart, traces, most) | {"bargap": _gap(chart), "barmode": "group"}
    if shares:
        rates = {"tickformat": TICKS[Unit.RATE], "tickmode": "auto", "nticks": 5, "rangemode": "tozero"}
        layout["yaxis2"] = {"overlaying": "y", "side": "right", **rates, **_NO_LINES}
        layout["margin"]["r"] = _room(["12.5%"]) + 2
    return traces, layout


def _stacked(chart: Chart) -> tuple[list[Any], dict[str, Any]]:
    """All columns but the first, which is their sum."""
    shown = [place for place in range(1, len(chart.columns)) if any(point.values[place] for point in chart.points)]
    traces = [_bar(chart, place, FIXED.get(chart.columns[place].label, PALETTE[place % len(PALETTE)])) for place in shown]
    most = max((float(point.values[0] or 0) for point in chart.points), default=0)
    return traces, _axes(chart, traces, most) | {"bargap": _gap(chart), "barmode": "stack", "showlegend": True}


def _axes(chart: Chart, traces: Sequence[Any], most: float) -> dict[str, Any]:
    """The axes of upright bars, the names of the series above them, and room for the labels of both."""
    unit = chart.columns[0].unit
    more: dict[str, Any] = {"tickprefix": "¥"} if unit is Unit.MONEY else {}
    if unit is Unit.COUNT and most <= FEW:
        more["dtick"] = 1  # between whole numbers there is nothing
    largest = worded(Decimal(round(most * 1.05)), unit) if unit in (Unit.MONEY, Unit.COUNT) else "100.0%"
    has_legend = len(traces) > 1 or chart.kind is Kind.STACKED
    return {
        # As many labels as stand beside each other without being turned.
        "xaxis": {"type": "category", "nticks": 8, **_NO_LINES},
        "yaxis": {"rangemode": "tozero", "tickformat": TICKS[unit], **more, **_FIXED},
        "margin": _margin(left=_room([largest]), above=_above(traces) if has_legend else 20, below=LABELS),
        "showlegend": has_legend,
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "font": {"size": 11}},
    }


def _gap(chart: Chart) -> float:
    """How much of its place a bar leaves free: a few bars do not fill the card."""
    return max(0.2, 1 - len(chart.points) / FEW)


def _above(traces: Sequence[Any]) -> int:
    """Pixels for the names of the series."""
    width = sum(SIGN + LETTER * columns(one.name) for one in traces)
    return LEGEND + LEGEND_LINE * -(-width // LEGEND_WIDTH)


def _names(chart: Chart) -> list[str]:
    return [escape(fitting(point_label(point), LONGEST_LABEL)) for point in chart.points]


def _told(chart: Chart, column: Column, place: int) -> list[str]:
    """What is said about each point where it is pointed at."""
    return [
        f"{escape(point_label(point))} · " + labelled(escape(column_label(column)), worded(point.values[place], column.unit))
        for point in chart.points
    ]


def _numbers(chart: Chart, place: int) -> list[float | None]:
    return [None if point.values[place] is None else float(point.values[place] or 0) for point in chart.points]


def _common(chart: Chart, place: int) -> dict[str, Any]:
    column = chart.columns[place]
    return {
        "name": escape(column_label(column)),
        "customdata": list(range(len(chart.points))),
        "hovertext": _told(chart, column, place),
        "hoverinfo": "text",
    }


def _bar(chart: Chart, place: int, colour: str) -> go.Bar:
    return go.Bar(x=_names(chart), y=_numbers(chart, place), marker_color=colour, **_common(chart, place))


def _line(chart: Chart, place: int) -> go.Scatter:
    line = {"color": LINE, "width": 2}
    return go.Scatter(x=_names(chart), y=_numbers(chart, place), yaxis="y2", mode="lines+markers", line=line, **_common(chart, place))


def _pie(chart: Chart) -> tuple[list[Any], dict[str, Any]]:
    colours = [
        FIXED.get(point.label, PALE if point.is_phrase else PALETTE[place % len(PALETTE)]) for place, point in enumerate(chart.points)
    ]
    trace = go.Pie(
        labels=_names(chart),
        values=_numbers(chart, 0),
        hole=0.58,
        sort=False,
        marker={"colors": colours},
        textinfo="percent",
        insidetextfont=_WHITE,
        hovertext=_told(chart, chart.columns[0], 0),
        hoverinfo="text",
    )
    margin = _margin(right=SIGN + 2 + _room(_names(chart)), above=8)
    return [trace], {"margin": margin, "showlegend": True, "legend": {"orientation": "v", "font": {"size": 12}}}


def _funnel(chart: Chart) -> tuple[list[Any], dict[str, Any]]:
    colours = [FIXED.get(point.label, ACCENT) for point in chart.points]
    trace = go.Funnel(
        y=_names(chart),
        x=_numbers(chart, 0),
        marker={"color": colours},
        connector={"fillcolor": "rgba(124,139,148,.18)"},
        textinfo="value",
        texttemplate="%{value:,}",
        hovertext=_told(chart, chart.columns[0], 0),
        hoverinfo="text",
    )
    margin = _margin(left=_room(_names(chart)), right=8, above=8)
    return [trace], {"margin": margin, "yaxis": _NO_LINES, "xaxis": {"visible": False, "fixedrange": True}}


def _heat(chart: Chart) -> tuple[list[Any], dict[str, Any]]:
    """The shares; what was divided by stands in the table."""
    places = [place for place, column in enumerate(chart.columns) if column.unit is Unit.RATE]
    values = [[None if point.values[place] is None else float(point.values[place] or 0) for place in places] for point in chart.points]
    texts = [["" if value is None else f"{value * 100:.0f}%" for value in row] for row in values]
    trace = go.Heatmap(
        x=[column_label(chart.columns[place]) for place in places],
        y=_names(chart),
        z=values,
        text=texts,
        texttemplate="%{text}",
        textfont={"size": 10},
        # Pale at both ends and nothing shines through: dark letters read on all of it, on a dark page too.
        colorscale=[[0, "#E6F6F3"], [1, "#6CC4B8"]],
        zmin=0,
        showscale=False,
        xgap=2,
        ygap=2,
        hovertemplate="%{y} %{x}: %{text}<extra></extra>",
    )
    return [trace], {
        "height": max(HEIGHT, 60 + 24 * len(chart.points)),
        "margin": _margin(left=_room(_names(chart)), right=8, above=LABELS + 8),
        "yaxis": {"type": "category", "autorange": "reversed", **_NO_LINES},
        "xaxis": {"type": "category", "side": "top", **_NO_LINES},
    }


def _treemap(chart: Chart) -> tuple[list[Any], dict[str, Any]]:
    """Rectangles in rectangles; what a parent has beyond its children stays its own room."""
    tops = [point.label for point in chart.points if not point.parent]
    colours = {label: PALETTE[place % len(PALETTE)] for place, label in enumerate(tops)}
    trace = go.Treemap(
        ids=[f"{point.parent}/{point.label}" for point in chart.points],
        labels=_names(chart),
        parents=[f"/{point.parent}" if point.parent else "" for point in chart.points],
        values=_numbers(chart, 0),
        branchvalues="total",
        marker={"colors": [colours[point.parent or point.label] for point in chart.points]},
        textfont=_WHITE,
        texttemplate="%{label}<br>%{value:,}",
        hovertext=_told(chart, chart.columns[0], 0),
        hoverinfo="text",
        tiling={"pad": 2},
        pathbar={"visible": False},
    )
    return [trace], {"height": 360, "uniformtext": {"minsize": 10, "mode": "hide"}}


_DRAWN: dict[Kind, Callable[[Chart], tuple[list[Any], dict[str, Any]]]] = {
    Kind.COLUMNS: _columns,
    Kind.LINES: _columns,
    Kind.STACKED: _stacked,
    Kind.PIE: _pie,
    Kind.FUNNEL: _funnel,
    Kind.HEAT: _heat,
    Kind.TREEMAP: _treemap,
}
