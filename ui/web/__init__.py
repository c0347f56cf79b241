"""What the browser gets beside Streamlit's own files: headers, language, style, and the script that runs first."""

import re
from pathlib import Path

_UNREAD = re.compile(r"^[ \t]*//.*\n|^/\*.*\*/\n|^[ \t]+", re.MULTILINE)
"""Indents and comments, which the browser does not need."""


def web_text(*names: str) -> str:
    """The text of some files of this folder, one behind the other: a component of our own is one script, sent with each of its answers."""
    return "\n".join(_UNREAD.sub("", (Path(__file__).parent / name).read_text(encoding="utf-8")) for name in names)
