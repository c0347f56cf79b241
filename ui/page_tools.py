"""The one small script that pages need: bringing a part of the page into view. Everything else is Streamlit's own."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from ui.component import component

_draw = component("kemai_bring_into_view", "", ("into_view.js",))


def bring_into_view(keys: Sequence[str]) -> None:
    """Scroll to the uppermost of the containers with these keys and focus its field; once for every call with a new turn."""
    _run("bring_into_view", {"keys": list(keys), "turn": st.session_state.get("error_turn", 0)})


def show_top_of(key: str, *, turn: int) -> None:
    """Scroll to the upper edge of the container with this key; once for each turn."""
    _run("show_top", {"keys": [key], "turn": turn, "top": True})


def _run(key: str, data: dict[str, Any]) -> None:
    _draw(key=key, data=data, height=0)


def new_turn() -> None:
    """Say that fields were checked anew, so that the first error is shown once more."""
    st.session_state["error_turn"] = st.session_state.get("error_turn", 0) + 1
