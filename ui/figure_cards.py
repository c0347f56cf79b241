"""The figures of a board as cards, in one piece: value, change, what was divided, the definition, and the way to the rows behind it."""

from collections.abc import Sequence
from typing import Any

from crm_core.i18n import _
from crm_core.services.insight.board import Figure
from crm_core.services.insight.question import Period
from ui import board_words
from ui.component import component

NAME = "kemai_figures"
_draw = component(NAME, '<div class="figures"></div>', ("press.js", "figures.js"), ("figures.css",))


def draw(key: str, figures: Sequence[Figure], compared: Period | None, *, is_linked: bool) -> None:
    """Draw them; a click on a link leads to the rows. Without links on a wall, where nobody stands."""
    cards = [_card(figure, compared, is_linked=is_linked) for figure in figures]
    shown = {"figures": cards, "across": _across(len(cards)), "rows": _("Show rows"), "help": _("Definition")}
    _draw(key=f"figures_{key}", data=shown)


def _across(count: int) -> int:
    """So many figures in a row that there are few rows, and as few gaps as can be in the last."""
    return min((5, 4, 3), key=lambda number: (-(-count // number), -count % number))


def _card(figure: Figure, compared: Period | None, *, is_linked: bool) -> dict[str, Any]:
    notes = (board_words.parts(figure), board_words.before(figure, compared))
    return {
        "key": figure.key,
        "label": _(figure.label),
        "value": board_words.worded(figure.value, figure.unit),
        "delta": board_words.change(figure, compared),
        "notes": " · ".join(text for text in notes if text),
        "definition": board_words.definition_lines(figure.definition),
        "path": figure.behind.path if figure.behind and is_linked else "",
    }
