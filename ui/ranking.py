"""A ranking as lying bars, the largest on top: a list that needs no plotly, in which every line leads to the rows behind it."""

from typing import Any

from crm_core.i18n import labelled
from crm_core.services.insight.board import Chart, Point, Unit
from crm_core.services.insight.words import column_label, point_label
from ui.board_words import worded
from ui.charts import LONGEST_LABEL
from ui.component import component
from ui.fitting import columns, fitting

NAME = "kemai_ranking"
_draw = component(NAME, '<div class="ranking"></div>', ("press.js", "ranking.js"), isolate_styles=False)
LINE, LEAST, TITLE = 30, 140, 49
"""Pixels: a line with what lies between lines, the height of the shortest ranking, and its title with the room below."""


def draw(key: str, chart: Chart, title: str) -> None:
    """Draw it below its title by the first column; a click on a line leads to its rows."""
    # Without a root of its own: its style is that of the page, once for all rankings of a board.
    height = TITLE + max(LEAST, LINE * len(chart.points) + LINE // 2)
    _draw(key=key, data=_shown(chart, title), height=height)


def _shown(chart: Chart, title: str) -> dict[str, Any]:
    most = max((float(point.values[0] or 0) for point in chart.points), default=0)
    lines = [_line(chart, point, most) for point in chart.points]
    return {"title": title, "width": max((columns(line["text"]) for line in lines), default=0), "lines": lines}


def _line(chart: Chart, point: Point, most: float) -> dict[str, Any]:
    """The value, and behind it a share, the first where there are several."""
    first, shares = chart.columns[0], [place for place, column in enumerate(chart.columns) if column.unit is Unit.RATE and place][:1]
    texts = (worded(point.values[0], first.unit), *(worded(point.values[place], Unit.RATE) for place in shares))
    name, part = point_label(point), max(0.0, float(point.values[0] or 0)) / most if most > 0 else 0
    return {
        "label": fitting(name, LONGEST_LABEL),
        "told": f"{name} · " + labelled(column_label(first), texts[0]),
        "text": " · ".join(texts),
        "part": round(part, 4),
        "path": point.behind.path if point.behind else "",
    }
