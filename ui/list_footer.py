"""The foot of a list: how many rows there are, the export beside it, and the other pages; in every list at the same place."""

import streamlit as st

from ui import customer_filters, export_dialog


def draw(count: str, pages: int, page: int, *, export: str = "") -> None:
    """The foot; `page` is the one of `pages` that is shown, `export` names the list that the button gives out."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        with st.container(horizontal=True, vertical_alignment="center", width="content"):
            st.caption(count, width="content")
            if export:
                export_dialog.draw_button(export)
        if pages > 1:
            customer_filters.draw_pagination(pages, page)
