"""What the parts of a board are called, in the language in force; the page and the reports say the same."""

from crm_core.i18n import _
from crm_core.services.insight.board import Column, Point

NOTHING = "—"
"""In the place of a value that does not exist."""


def column_label(column: Column) -> str:
    """What a series is called."""
    return column.label if column.is_name else _(column.label)


def point_label(point: Point) -> str:
    """What a category is called."""
    return _(point.label) if point.is_phrase else point.label
