"""A table of records as it is drawn, in one component: names that open them, cells in words, a choice of rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from crm_core.i18n import _
from ui.badges import Badge
from ui.component import component, noted, sent

NAME = "kemai_rows"
_draw = component(NAME, '<div class="rows"></div>', ("press.js", "rows.js"), ("rows.css",))

Cell = str | Sequence[Badge]


@dataclass(frozen=True)
class Heading:
    """What stands above a column, and how many pixels wide it is where the screen has no more room; numbers stand at the right."""

    title: str
    width: int
    is_number: bool = False


@dataclass(frozen=True)
class Record:
    """One row: what it is known by, its name, and the cells behind that. With a path the name is a link."""

    key: str
    name: str
    cells: Sequence[Cell]
    path: str = ""


@dataclass(frozen=True)
class Answer:
    """What somebody did with the rows that this run shows: the key of the one they opened, "" for none, and those they chose."""

    opened: str
    chosen: list[str]


def draw(key: str, headings: Sequence[Heading], records: Sequence[Record], *, label: str, is_choosing: bool = False) -> Answer:
    """Draw it, the first heading being that of the names. `key` is also that under which the choice of rows is kept."""
    shown = {
        "label": label,
        "headings": [{"title": one.title, "width": one.width, "look": "number" if one.is_number else ""} for one in headings],
        "rows": [{"key": one.key, "path": one.path, "name": one.name, "cells": [*map(_shown, one.cells)]} for one in records],
        "choose": _("Choose this row") if is_choosing else "",
        "all": _("Choose all rows"),
    }
    result = _draw(key=key, data=shown, default={"chosen": []}, on_chosen_change=noted, on_opened_change=noted)
    keys = [one.key for one in records]
    opened = sent(result, "opened", "key")
    return Answer(opened if opened in keys else "", [one for one in keys if one in _chosen(result)])


def _shown(cell: Cell) -> str | list[dict[str, str]]:
    return cell if isinstance(cell, str) else [{"look": badge.colour, "text": badge.text} for badge in cell]


def _chosen(result: Any) -> list[Any]:
    chosen = getattr(result, "chosen", None)
    return chosen if isinstance(chosen, list) else []
