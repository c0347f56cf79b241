"""The workbench as it is drawn, in one component: strips and blocks in words, what can be pressed in them, and what somebody pressed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from crm_core.i18n import _
from ui import page_tools, presses
from ui.component import component, noted
from ui.presses import Press

NAME = "kemai_workbench"
REFUSALS = "bench_told"
"""Where it is said why something could not be done."""
_draw = component(NAME, '<div class="bench"></div>', ("press.js", "menu.js", "workbench.js"), ("press.css", "workbench.css"))


@dataclass(frozen=True)
class Figure:
    """A number under a label, with the way to what was counted."""

    label: str
    value: str
    look: str = ""
    press: Press | None = None

    @property
    def shown(self) -> dict[str, Any]:
        """What the browser needs of it."""
        return {"label": self.label, "value": self.value, "look": self.look, "press": self.press and self.press.shown}


@dataclass(frozen=True)
class Strip:
    """Figures in one line behind a title."""

    icon: str
    title: str
    figures: Sequence[Figure]

    @property
    def shown(self) -> dict[str, Any]:
        """What the browser needs of it."""
        return {"icon": self.icon, "title": self.title, "figures": [one.shown for one in self.figures]}

    def presses(self) -> Iterator[Press]:
        """Everything that can be pressed."""
        return (one.press for one in self.figures if one.press)


@dataclass(frozen=True)
class Row:
    """One line of a block: its title, which may open it, lines below, and what can be done: beside it, and in a menu."""

    key: str
    title: str
    lines: Sequence[str] = ()
    icon: str = ""
    mark: str = ""
    opens: Press | None = None
    beside: Sequence[Press] = ()
    menu: Sequence[Press] = ()

    @property
    def shown(self) -> dict[str, Any]:
        """What the browser needs of it."""
        words = {"key": self.key, "title": self.title, "lines": list(self.lines), "icon": self.icon, "mark": self.mark}
        presses = {"beside": [one.shown for one in self.beside], "menu": [one.shown for one in self.menu]}
        return words | presses | {"opens": self.opens and self.opens.shown}

    def presses(self) -> Iterator[Press]:
        """Everything that can be pressed."""
        yield from (*self.beside, *self.menu)
        if self.opens:
            yield self.opens


@dataclass(frozen=True)
class Block:
    """Rows of one kind, how many there are, and the way to all of them."""

    key: str
    icon: str
    title: str
    count: str
    rows: Sequence[Row]
    all: Press | None = None

    @property
    def shown(self) -> dict[str, Any]:
        """What the browser needs of it."""
        head = {"key": self.key, "icon": self.icon, "title": self.title, "count": self.count, "all": self.all and self.all.shown}
        return head | {"rows": [row.shown for row in self.rows]}

    def presses(self) -> Iterator[Press]:
        """Everything that can be pressed."""
        if self.all:
            yield self.all
        for row in self.rows:
            yield from row.presses()


def draw(strips: Sequence[Strip], columns: Sequence[Sequence[Block]]) -> None:
    """Draw it, and do what was pressed: what is not offered any more, since somebody else has done it meanwhile, leads nowhere."""
    place = st.container(key=REFUSALS)
    shown = {
        "more": _("More"),
        "strips": [strip.shown for strip in strips],
        "columns": [[block.shown for block in blocks] for blocks in columns],
    }
    result = _draw(key="bench", data=shown, on_pressed_change=noted)
    parts = [*strips, *(block for blocks in columns for block in blocks)]
    with place:
        presses.follow(result, (press for part in parts for press in part.presses()))


def show_refusal() -> None:
    """Bring into view why something could not be done: the row may be far below."""
    page_tools.new_turn()
    page_tools.bring_into_view([REFUSALS])
