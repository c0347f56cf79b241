"""The header on every page: title, search, quick add, notices, user menu."""

from base64 import b64encode
from copy import copy
from functools import lru_cache
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from crm_core.i18n import LANGUAGES, _, language
from crm_core.permissions import Actor, Permission
from crm_core.services import users
from ui import browser, feedback, guard, notice_list, routes
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
        if current.url_path != "customers" and actor.can(Permission.CUSTOMER_READ):
            _draw_search()
        if actor.can(Permission.CUSTOMER_CREATE) and st.button(
            _("New customer"), key="quick_add", icon=":material/add:", type="primary" if current.url_path == "customers" else "secondary"
        ):
            st.switch_page(routes.INTAKE)
        notice_list.draw()
        _draw_user_menu(actor)
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


def _draw_search() -> None:
    st.text_input(
        _("Search customers"),
        key="header_search",
        placeholder=_("Name, contact, phone, pinyin"),
        label_visibility="collapsed",
        icon=":material/search:",
        on_change=_search,
    )


def _search() -> None:
    if phrase := st.session_state["header_search"].strip():
        st.switch_page(routes.CUSTOMERS, query_params={"q": phrase})


def _draw_user_menu(actor: Actor) -> None:
    themes = {"light": _("Light appearance"), "dark": _("Dark appearance"), "system": _("Appearance of the system")}
    entries = {"settings": _("Personal settings")} | {
        f"language:{code}": name for code, name in LANGUAGES.items() if code != actor.language
    }
    entries |= {f"theme:{code}": name for code, name in themes.items()} | {"leave": _("Sign out")}
    chosen = st.menu_button(
        f"{picture(actor)}{feedback.escape(actor.name)}",
        list(entries),
        format_func=lambda code: entries[code],
        key="user_menu",
        icon=None if actor.avatar else ":material/account_circle:",
        type="tertiary",
    )
    if chosen:
        _follow(chosen)


def picture(actor: Actor) -> str:
    """The picture as Markdown; nothing where there is none. Its address is a digest, so no words of anybody stand in it."""
    return f"![](/pictures/{actor.avatar}) " if actor.avatar else ""


def _follow(chosen: str) -> None:
    kind, _colon, value = chosen.partition(":")
    if kind == "settings":
        st.switch_page(routes.SETTINGS)
    elif kind == "leave":
        browser.redirect("/auth/leave")
    elif kind == "theme":
        browser.redirect(browser.with_next(f"/auth/theme/{value}", browser.current_path()))
    else:
        browser.redirect(change_language(value))


def change_language(language: str) -> str:
    """Keep the user's choice of language; returns the address at which the browser follows it."""
    with guard.acting() as session:
        users.set_language(session, guard.actor(), language)
    return browser.with_next(f"/auth/language/{language}", browser.current_path())
