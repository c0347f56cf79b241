"""A ranking as lying bars, the largest on top: a list that needs no plotly, in which every line leads to the rows behind it."""

from typing import Any

from crm_core.i18n import labelled
from crm_core.services.insight.board import Chart, Point, Unit
from crm_core.services.insight.words import column_label, point_label
from ui.board_words import worded
from ui.charts import LONGEST_LABEL
from ui.fitting import columns, fitting

LINE, LEAST = 30, 140
"""Pixels: a line with what lies between lines, and the height of the shortest ranking."""


def height(chart: Chart) -> int:
    """Pixels that its lines take."""
    return max(LEAST, LINE * len(chart.points) + LINE // 2)


def shown(chart: Chart) -> dict[str, Any]:
    """What the browser needs to draw it by the first column."""
    most = max((float(point.values[0] or 0) for point in chart.points), default=0)
    lines = [_line(chart, point, most) for point in chart.points]
    return {"width": max((columns(line["text"]) for line in lines), default=0), "lines": lines}


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
