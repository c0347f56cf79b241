"""The charts of the dashboards in plotly: fixed colours, words in the user's language, no toolbar, filling their card."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from html import escape
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from crm_core.i18n import _
from crm_core.models import STAGES
from crm_core.services.insight.board import Chart, Kind, Unit
from crm_core.services.library import Library
from ui.badges import CHART_COLOURS
from ui.fitting import fitting

FONT = "PingFang SC, Microsoft YaHei, Noto Sans CJK SC, Source Han Sans SC, system-ui, sans-serif"
ACCENT = "#14A08E"
PALE = "#9CA3AF"
HEIGHT = 300
LONGEST_LABEL = 28
SERIES = (
    "#14A08E",
    "#3B82F6",
    "#D97706",
    "#8B5CF6",
    "#DB2777",
    "#65A30D",
    "#0891B2",
    "#9CA3AF",
    "#B45309",
    "#4F46E5",
    "#0D9488",
    "#E11D48",
    "#64748B",
)
LAYOUT = {
    "height": HEIGHT,
    "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
    "showlegend": False,
    "font": {"family": FONT, "size": 13},
    "paper_bgcolor": "rgba(0,0,0,0)",
    "plot_bgcolor": "rgba(0,0,0,0)",
}


def stage_pie(stages: Mapping[str, int]) -> None:
    """Customers by type."""
    codes = [code for code in STAGES if stages.get(code)]
    pie = go.Pie(
        labels=[_(STAGES[code]) for code in codes],
        values=[stages[code] for code in codes],
        hole=0.58,
        sort=False,
        marker={"colors": [CHART_COLOURS[code] for code in codes]},
        textinfo="percent",
        hovertemplate="%{label}: %{value:,}<extra></extra>",
    )
    _draw(pie, _("Customers by type"), key="chart_stages", showlegend=True, legend={"orientation": "v"})


def month_bars(months: Mapping[str, int]) -> None:
    """New customers in each of the last twelve months; the month that is still running is paler and says so."""
    whole = len(months) - 1
    bars = go.Bar(
        x=[month[2:] for month in months],
        y=list(months.values()),
        customdata=list(months),
        marker={"color": ACCENT, "opacity": [1.0] * whole + [0.5]},
        text=[""] * whole + [_("so far")],
        textposition="outside",
        textangle=0,
        cliponaxis=False,
        hovertemplate="%{customdata}: %{y:,}<extra></extra>",
    )
    axes = {
        "xaxis": {"type": "category", "tickangle": 0, "nticks": 6},
        "yaxis": {"rangemode": "tozero", "tickformat": ",d", "dtick": 1 if max(months.values()) <= 6 else None},
    }
    _draw(bars, _("New customers by month"), key="chart_months", **axes)


def industry_bars(industries: Mapping[str, int], library: Library) -> None:
    """Customers by section of industry, the largest ten."""
    _ranking(
        {library.industry_label(code) or _("not given"): count for code, count in industries.items()},
        _("Customers by industry"),
        key="chart_industries",
    )


def source_bars(sources: Mapping[str, int], library: Library) -> None:
    """Customers by source."""
    _ranking(
        {library.label(code) or _("not given"): count for code, count in sources.items()}, _("Customers by source"), key="chart_sources"
    )


def forecast_bars(months: Sequence[tuple[str, Decimal, Decimal, Decimal]]) -> None:
    """For each month what was won, what is open, and what both come to with the probabilities."""
    names = [month[2:] for month, *_amounts in months]
    told = ((_("Won amount"), ACCENT), (_("Open amount"), PALE), (_("Weighted"), None))
    traces = []
    for place, (label, colour) in enumerate(told):
        amounts = [float(row[place + 1]) for row in months]
        hover = {"hovertemplate": "%{x} · %{fullData.name}: ¥%{y:,.0f}<extra></extra>", "name": label}
        if colour:
            traces.append(go.Bar(x=names, y=amounts, marker_color=colour, **hover))
        else:
            traces.append(go.Scatter(x=names, y=amounts, mode="lines+markers", line={"color": "#D97706"}, **hover))
    axes = {
        "xaxis": {"type": "category", "tickangle": 0, "nticks": 6},
        "yaxis": {"rangemode": "tozero", "tickformat": ",.0f", "tickprefix": "¥"},
        "legend": {"orientation": "h", "y": 1.15},
    }
    _draw(traces, _("Expected by month"), key="chart_forecast", barmode="stack", showlegend=True, **axes)


def pivot_chart(chart: Chart, title: str) -> None:
    """A pivot: lying bars for a ranking, upright ones along time; several columns lie upon each other."""
    is_lying = chart.kind is Kind.BARS
    names = [escape(fitting(point.label, LONGEST_LABEL)) for point in chart.points]
    traces = [_pivot_bars(chart, place, names, is_lying=is_lying) for place in range(len(chart.columns))]
    numbers, categories = {"rangemode": "tozero", "tickformat": ","}, {"type": "category", "tickangle": 0}
    axes: dict[str, Any] = {"xaxis": categories, "yaxis": numbers}
    if is_lying:
        axes = {"xaxis": numbers, "yaxis": {"type": "category", "autorange": "reversed"}, "height": max(HEIGHT, 24 * len(names) + 40)}
    legend = {"showlegend": len(traces) > 1, "legend": {"orientation": "h", "y": 1.12}}
    _draw(traces, title, key="chart_pivot", barmode="stack", **axes, **legend)


def _pivot_bars(chart: Chart, place: int, names: Sequence[str], *, is_lying: bool) -> Any:
    column, unit = chart.columns[place], "¥" if chart.columns[place].unit is Unit.MONEY else ""
    values = [None if point.values[place] is None else float(point.values[place] or 0) for point in chart.points]
    hover = f"%{{y}}: {unit}%{{x:,}}" if is_lying else f"%{{x}}: {unit}%{{y:,}}"
    look = {"name": escape(column.label), "marker_color": SERIES[place % len(SERIES)], "hovertemplate": hover}
    return go.Bar(x=values, y=names, orientation="h", **look) if is_lying else go.Bar(x=names, y=values, **look)


def _ranking(counts: Mapping[str, int], title: str, *, key: str) -> None:
    largest = sorted(counts.items(), key=lambda pair: pair[1])[-10:]
    labels = [escape(fitting(label, LONGEST_LABEL)) for label, _count in largest]
    bars = go.Bar(
        x=[count for _label, count in largest],
        y=labels,
        orientation="h",
        marker_color=ACCENT,
        customdata=[escape(label) for label, _count in largest],
        width=[min(0.7, 0.16 * len(largest))] * len(largest),
        text=[f"{count:,}" for _label, count in largest],
        textposition="outside",
        textangle=0,
        cliponaxis=False,
        hovertemplate="%{customdata}: %{x:,}<extra></extra>",
    )
    _draw(bars, title, key=key)


def _draw(trace: Any, title: str, *, key: str, **layout: Any) -> None:
    # The layout is given at once: updating a figure afterwards takes five times as long.
    figure = go.Figure(trace, LAYOUT | layout)
    with st.container(border=True):
        st.subheader(title, anchor=False)
        st.plotly_chart(figure, key=key, config={"displayModeBar": False}, alt=title)
