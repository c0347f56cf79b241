"""The charts of the dashboards in plotly: fixed colours, words in the user's language, no toolbar, filling their card."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from crm_core.i18n import _

FONT = "Kemai Latin, PingFang SC, Microsoft YaHei, Noto Sans CJK SC, Source Han Sans SC, system-ui, sans-serif"
ACCENT = "#14A08E"
PALE = "#9CA3AF"
HEIGHT = 300
LONGEST_LABEL = 28
LAYOUT = {
    "height": HEIGHT,
    "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
    "showlegend": False,
    "font": {"family": FONT, "size": 13},
    "paper_bgcolor": "rgba(0,0,0,0)",
    "plot_bgcolor": "rgba(0,0,0,0)",
}


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


def _draw(trace: Any, title: str, *, key: str, **layout: Any) -> None:
    # The layout is given at once: updating a figure afterwards takes five times as long.
    figure = go.Figure(trace, LAYOUT | layout)
    with st.container(border=True):
        st.subheader(title, anchor=False)
        st.plotly_chart(figure, key=key, config={"displayModeBar": False}, alt=title)
