"""The foot of a list: how many rows there are, the export beside it, and the other pages; in every list at the same place."""

import streamlit as st

from crm_core.paging import Page
from ui import customer_filters, export_dialog


def draw(count: str, page: Page, *, export: str = "") -> None:
    """The foot; `export` names the list that the button gives out."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        with st.container(horizontal=True, vertical_alignment="center", width="content"):
            st.caption(count, width="content")
            if export:
                export_dialog.draw_button(export)
        if page.pages > 1:
            customer_filters.draw_pagination(page.pages, page.page)
