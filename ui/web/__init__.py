"""What the browser gets beside Streamlit's own files: headers, language, style, and the script that runs first."""

import re
from pathlib import Path
from typing import Any

_UNREAD = re.compile(r"^[ \t]*//.*\n|^/\*.*\*/\n|^[ \t]+", re.MULTILINE)
"""Indents and comments, which the browser does not need."""


def web_text(*names: str) -> str:
    """The text of some files of this folder, one behind the other: a component of our own is one script, sent with each of its answers."""
    return "\n".join(_UNREAD.sub("", (Path(__file__).parent / name).read_text(encoding="utf-8")) for name in names)


def noted() -> None:
    """What a component of our own calls when something happened there: it is told by the result, so there is nothing to do."""


def sent(result: Any, event: str, name: str) -> Any:
    """One value of what the browser sent with an event, None without; like everything typed it may be of any kind."""
    values = getattr(result, event, None)
    return values.get(name) if isinstance(values, dict) else None
