"""What the browser gets beside Streamlit's own files: headers, language, style, and the script that runs first."""

from pathlib import Path


def web_text(*names: str) -> str:
    """The text of some files of this folder, one behind the other: a component of our own is one script."""
    return "\n".join((Path(__file__).parent / name).read_text(encoding="utf-8") for name in names)
