"""A board as it is drawn: columns with cards in words, and what somebody did with a card; it knows nothing of what they are."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import streamlit as st

from ui.component import component, noted

_draw = component("kemai_board", '<div class="board" role="group"></div>', ("drag.js", "board.js"), ("board.css",))
_EVENTS = ("opened", "moved")


@dataclass(frozen=True)
class Mark:
    """A word in a colour."""

    look: str
    text: str


@dataclass(frozen=True)
class Card:
    """One card: a title, lines below it, marks, and all of it in words for those who hear it."""

    id: int
    title: str
    lines: list[str]
    label: str
    marks: list[Mark]
    look: str = ""


@dataclass(frozen=True)
class Column:
    """One column: what stands in its head, its cards, and what is said below them."""

    id: int
    title: str
    count: str
    sum: str
    label: str
    cards: list[Card]
    note: str = ""
    look: str = ""


def draw(key: str, columns: Sequence[Column], *, label: str, is_movable: bool) -> Any:
    """Draw it; the result holds what somebody just did: `opened` with an id, or `moved` with an id and the columns `from` and `to`."""
    shown = {
        "label": label,
        "movable": is_movable,
        "turn": st.session_state.get(f"{key}_turn", 0),
        "columns": [asdict(column) for column in columns],
    }
    listening: dict[str, Callable[[], None]] = {f"on_{event}_change": noted for event in _EVENTS}
    return _draw(key=key, data=shown, **listening)


def turn(key: str) -> None:
    """Draw the board anew though nothing changed: a card that was refused to move goes back to its column."""
    st.session_state[f"{key}_turn"] = st.session_state.get(f"{key}_turn", 0) + 1
