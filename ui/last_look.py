"""Whether a record is still as it was when its page was drawn last: what somebody pressed there meant that one."""

import streamlit as st


def is_same(kind: str, number: int, version: int) -> bool:
    """Whether the page showed this very version before, or another record, or nothing yet; from now on it shows this one."""
    before = st.session_state.get(f"{kind}_seen")
    st.session_state[f"{kind}_seen"] = (number, version)
    return before is None or before[0] != number or before[1] == version


def forget(kind: str) -> None:
    """What comes next is the user's own doing, or another visit."""
    st.session_state.pop(f"{kind}_seen", None)
