"""The head of a chart, in one component: its title, the table of its values, and below them the ranking, where the chart is one.

Streamlit's own title and popover would take the browser longer than the lines of a ranking.
"""

from typing import Any, Literal

from crm_core.i18n import _
from crm_core.services.insight.board import Chart, Kind
from crm_core.services.insight.words import column_label, point_label
from ui import board_words, ranking
from ui.component import component

NAME = "kemai_chart_head"
# Without a root of its own: its style is that of the page, once for all charts of a board.
_draw = component(NAME, '<div class="chart_head"></div>', ("press.js", "chart_head.js"), isolate_styles=False)
TITLE = 49
"""Pixels: the title with the room below."""


def draw(key: str, chart: Chart, title: str, *, has_table: bool) -> None:
    """Draw it; a click on a line of a ranking, or on a name in the table, leads to its rows."""
    lines: dict[str, Any] = {}
    height: int | Literal["content"] = "content"
    if chart.kind is Kind.BARS and chart.has_values:
        lines, height = ranking.shown(chart), TITLE + ranking.height(chart)
    _draw(key=key, data={"title": title, "table": _table(chart) if has_table else None, **lines}, height=height)


def _table(chart: Chart) -> dict[str, Any]:
    """The definition, and every point with its values."""
    return {
        "label": _("Table"),
        "definition": board_words.definition_lines(chart.definition) if chart.definition else [],
        "headings": [_(chart.category), *(column_label(column) for column in chart.columns)],
        "rows": [
            {
                "name": f"{point.parent} · {point_label(point)}" if point.parent else point_label(point),
                "path": point.behind.path if point.behind and any(point.values) else "",
                "values": [board_words.worded(value, column.unit) for value, column in zip(point.values, chart.columns, strict=True)],
            }
            for point in chart.points
        ],
    }
