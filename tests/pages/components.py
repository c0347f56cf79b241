"""What components of our own are given to show, as tests read it."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from ui import customer_head, follow_up_cards, header_tools, list_footer, workbench_view

PRESSED = {workbench_view.NAME, follow_up_cards.NAME, customer_head.NAME, list_footer.NAME, header_tools.NAME}
"""The components in which something can be pressed."""


def press_of(components: Iterable[Any], name: str, words: str) -> tuple[Any, str] | None:
    """What is pressed by this key or these words: the component, and the key."""
    offered = ((one, press) for one in components if one.component_name in PRESSED for press in _presses(json.loads(one.bytes)))
    return next(((one, press["key"]) for one, press in offered if press["key"] == name or press["label"] == words), None)


def _presses(given: Any) -> Iterator[dict[str, Any]]:
    if isinstance(given, dict) and {"key", "label"} <= given.keys():
        yield given
    for one in given.values() if isinstance(given, dict) else given if isinstance(given, list) else ():
        yield from _presses(one)


def rows_of(table: Any) -> list[dict[str, Any]]:
    """A table of records: for each its key, its link, and the words of each column by heading."""
    headings = [one["title"] for one in table["headings"]]
    rows = []
    for row in table["rows"]:
        words = map(_words, [row["name"], *row["cells"]])
        rows.append({"key": row["key"], "path": row["path"]} | dict(zip(headings, words, strict=True)))
    return rows


def _words(cell: str | list[dict[str, str]]) -> str:
    return cell if isinstance(cell, str) else " ".join(badge["text"] for badge in cell)
