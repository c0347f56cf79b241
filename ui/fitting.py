"""Cutting a text to the room it has, where nothing else does it: cells of tables and labels of charts."""

import unicodedata


def columns(text: str) -> int:
    """How wide a text is, in letters: a Chinese character is as wide as two."""
    widths = "".join(map(unicodedata.east_asian_width, text))
    return len(text) + widths.count("W") + widths.count("F")


def fitting(text: str, room: int) -> str:
    """The text, or as much of it as fits into so many letters, ending in an ellipsis."""
    if 2 * len(text) <= room or columns(text) <= room:
        return text
    while text and columns(text) > room - 2:
        text = text[:-1]
    return f"{text.rstrip()}…"
