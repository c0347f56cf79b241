"""The header on every page: the title, and what stands beside it."""

from base64 import b64encode
from copy import copy
from functools import lru_cache
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from crm_core.i18n import _, language
from crm_core.permissions import Actor
from ui import header_tools, routes
from ui.routes import ROUTES, Route

_WEB = Path(__file__).parent / "web"
ICON = "data:image/png;base64," + b64encode((_WEB / "icon.png").read_bytes()).decode()
"""In the page itself: a browser asks for the icon again whenever the address changes."""
LOGO = str(_WEB / "logo.png")


def pages_for(actor: Actor | None) -> list[StreamlitPage]:
    """All pages: those of a missing permission stay known, so that a direct link explains itself instead of "not found"."""
    # A run has copies of its own, since Streamlit marks the page that may be run.
    return [copy(page) for page in _made_pages(language(), is_signed_in=actor is not None)]


@lru_cache(maxsize=8)
def _made_pages(_language: str, *, is_signed_in: bool) -> list[StreamlitPage]:
    # Kept: for every page made Streamlit looks at its file.
    return [_page(route, is_signed_in=is_signed_in) for route in ROUTES]


def _page(route: Route, *, is_signed_in: bool) -> StreamlitPage:
    return st.Page(
        route.file,
        title=_(route.entry or route.title) if is_signed_in else "客脉 Kemai",
        icon=f":material/{route.icon}:",
        url_path=route.url,
        default=route.file == routes.HOME,
    )


def draw(current: StreamlitPage, actor: Actor) -> None:
    """Draw the header row, below it links to the pages of the same entry; `title` fills the place at its left."""
    with st.container(key="header", horizontal=True, vertical_alignment="center"):
        place = st.container(key="header_title")
        header_tools.draw(current.url_path)
    st.session_state["header_place"] = place
    _draw_beside(current, actor)


def _draw_beside(current: StreamlitPage, actor: Actor) -> None:
    pages = [route for route in routes.beside(current.url_path) if route.opens_for(actor.permissions)]
    if len(pages) > 1:
        with st.container(key="pages_beside", horizontal=True, gap="small"):
            for route in pages:
                st.page_link(route.file, label=_(route.title), icon=f":material/{route.icon}:")


def draw_signed_out() -> None:
    """In place of the header, on a page that needs no sign-in: only the place of its title."""
    st.session_state["header_place"] = st.container(key="header_signed_out")


def title(text: str) -> None:
    """The title of the page, in the header's row."""
    st.session_state["header_place"].title(text, anchor=False)


def picture(actor: Actor) -> str:
    """The picture as Markdown; nothing where there is none. Its address is a digest, so no words of anybody stand in it."""
    return f"![](/pictures/{actor.avatar}) " if actor.avatar else ""
