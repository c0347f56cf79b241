"""Components of our own: one script each, told what to show as JSON (docs/adr/0011-components-of-our-own.md)."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from ui.web import web_text

Draw = Callable[..., Any]


def component(name: str, html: str, scripts: Sequence[str], styles: Sequence[str] = (), *, isolate_styles: bool = True) -> Draw:
    """Declare one, once, and return what draws it: called with `key`, `data` of JSON's kinds, and what Streamlit's own takes.

    Scripts, behind make.js, and styles are files of `ui/web`. The data goes as bytes, which `told` of make.js reads: Streamlit would look
    for tables everywhere in it, which takes longer than all else that a list needs of it.
    """
    mount = st.components.v2.component(
        name, html=html or None, js=web_text("make.js", *scripts), css=web_text(*styles) or None, isolate_styles=isolate_styles
    )

    def draw(*, data: Any, **settings: Any) -> Any:
        return mount(data=json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode(), **settings)

    return draw


def noted() -> None:
    """What a component of our own calls when something happened there: it is told by the result, so there is nothing to do."""


def sent(result: Any, event: str, name: str) -> Any:
    """One value of what the browser sent with an event, None without; like everything typed it may be of any kind."""
    values = getattr(result, event, None)
    return values.get(name) if isinstance(values, dict) else None
