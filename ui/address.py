"""Keeping choices in the page's address as codes, the same in every language, so that a list can be reopened and sent.

Streamlit's own binding writes the labels that widgets show; a link sent to a colleague with another language would lose its filters.
"""

from collections.abc import Collection, Mapping
from typing import Any

import streamlit as st

from ui import guard
from ui.parameters import Parameter

RECORDS = ("code", "ticket")
"""The parameters that name the record of a page."""


def arrive(url: str) -> None:
    """In each run of a whole page: note when another one is shown, for then Streamlit forgets what the widgets of the last one hold."""
    if st.session_state.get("shown_page") != url:
        st.session_state["shown_page"] = url
        st.session_state["arrival"] = st.session_state.get("arrival", 0) + 1


def restore(page: str, parameters: Mapping[str, Parameter]) -> bool:
    """Before the widgets: take over what stands in the address, when the page is opened, reloaded or gone back to.

    Each of these runs the whole page. Where only a part of it runs, the browser may not have heard yet which address the last choice
    made, and says the one before. Returns whether anything was taken over.
    """
    if guard.is_own_run():
        return False
    present = {name: st.query_params.get_all(name) for name in parameters}
    left_at = st.session_state.get("address")
    is_of_record = any(name in st.query_params and name not in parameters for name in RECORDS)
    if is_of_record and left_at and left_at[0] == page:
        # Going back from a record Streamlit shows the list under the record's parameters: the list is where it was left.
        present = left_at[1]
    arrival = st.session_state.get("arrival")
    has_stayed = st.session_state.get("restored_at") == arrival
    if left_at == (page, present) and has_stayed and not is_of_record:
        return False
    st.session_state["restored_at"] = arrival
    for name, parameter in parameters.items():
        st.session_state[name] = parameter.read(present[name])
    st.session_state["address"] = None if is_of_record else (page, present)  # then `keep` writes it, without the record
    return True


def keep(
    page: str, parameters: Mapping[str, Parameter], present: Mapping[str, Any] | None = None, *, without: Collection[str] = ()
) -> None:
    """After the widgets: write what was chosen into the address, leaving out what is as it comes, and the parameters of these names.

    `present` is what is chosen, for who has read it from the session already.
    """
    if present is None:
        present = {name: st.session_state.get(name) for name in parameters}
    chosen = {name: [] if name in without else parameter.write(present[name]) for name, parameter in parameters.items()}
    if st.session_state.get("address") != (page, chosen):
        st.query_params.from_dict({name: values for name, values in chosen.items() if values})
        st.session_state["address"] = (page, chosen)
