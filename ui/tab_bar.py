"""A choice of one part of a page, in one component: Streamlit's own draws the words of each choice as Markdown, several times."""

from collections.abc import Sequence

import streamlit as st

from crm_core.i18n import _
from ui.component import component, sent

NAME = "kemai_tabs"
_draw = component(NAME, '<div class="tabs"></div>', ("tabs.js",), ("tabs.css",))


def choose(key: str, labels: Sequence[str]) -> str:
    """Draw the choice and return what is chosen, at first the first; it is kept under `key`."""
    if st.session_state.get(key) not in labels:  # none was chosen, or it is not offered any more
        st.session_state[key] = labels[0]
    chosen: str = st.session_state[key]

    def note() -> None:
        asked = sent(st.session_state[_bar(key)], "chosen", "label")
        if isinstance(asked, str):
            st.session_state[key] = asked

    _draw(key=_bar(key), data={"label": _("View"), "labels": list(labels), "chosen": chosen}, on_chosen_change=note)
    return chosen


def _bar(key: str) -> str:
    return f"{key}_bar"
