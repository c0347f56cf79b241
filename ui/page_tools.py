"""The one small script that pages need: bringing a part of the page into view. Everything else is Streamlit's own."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

_SCRIPT = """
export default function ({ data, parentElement }) {
  if (!data || parentElement.shownTurn === data.turn) return
  parentElement.shownTurn = data.turn
  const find = () => {
    const boxes = data.keys.map((key) => document.querySelector(".st-key-" + CSS.escape(key))).filter(Boolean)
    boxes.sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)
    return boxes[0]
  }
  const show = (tries) => {
    const box = find()
    if (!box) { if (tries > 0) setTimeout(() => show(tries - 1), 100); return }
    box.scrollIntoView({ block: data.top ? "start" : "center", behavior: "smooth" })
    const field = !data.top && box.querySelector("input,textarea,[role=spinbutton],button")
    if (field) field.focus({ preventScroll: true })
  }
  setTimeout(() => show(20), 60)
}
"""


def bring_into_view(keys: Sequence[str]) -> None:
    """Scroll to the uppermost of the containers with these keys and focus its field; once for every call with a new turn."""
    _run("bring_into_view", {"keys": list(keys), "turn": st.session_state.get("error_turn", 0)})


def show_top_of(key: str, *, turn: int) -> None:
    """Scroll to the upper edge of the container with this key; once for each turn."""
    _run("show_top", {"keys": [key], "turn": turn, "top": True})


def _run(key: str, data: dict[str, Any]) -> None:
    st.components.v2.component("kemai_bring_into_view", js=_SCRIPT)(key=key, data=data, height=0)


def new_turn() -> None:
    """Say that fields were checked anew, so that the first error is shown once more."""
    st.session_state["error_turn"] = st.session_state.get("error_turn", 0) + 1
