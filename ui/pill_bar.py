"""Several of a few things to choose, in one component: Streamlit's own draws itself three times before it tells what was chosen."""

from collections.abc import Callable, Mapping

import streamlit as st

from ui.component import component, sent

NAME = "kemai_pills"
_draw = component(NAME, '<div class="pills"></div>', ("pills.js",), ("pills.css",))


def choose(key: str, options: Mapping[str, str], *, label: str, on_change: Callable[[], None]) -> None:
    """Draw them; what is chosen is a list of codes, kept under `key` in the order of the options."""

    def note() -> None:
        asked = sent(st.session_state[_bar(key)], "chosen", "codes")
        if isinstance(asked, list):
            st.session_state[key] = [code for code in options if code in asked]
            on_change()

    chosen = st.session_state.get(key) or []
    pills = [{"key": code, "label": words, "chosen": code in chosen} for code, words in options.items()]
    _draw(key=_bar(key), data={"label": label, "options": pills}, width="content", on_chosen_change=note)


def _bar(key: str) -> str:
    return f"{key}_bar"
