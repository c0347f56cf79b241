"""The navigation by role, in one component: Streamlit's own draws each link anew, several times, whenever anything on the page changes."""

from functools import lru_cache
from itertools import groupby
from typing import Any

import streamlit as st

from crm_core.i18n import _, language
from crm_core.permissions import Actor
from ui import routes
from ui.web import web_text

NAME = "kemai_navigation"
_SCRIPT, _STYLE = web_text("make.js", "press.js", "navigation.js"), web_text("navigation.css")


def draw(url: str, actor: Actor) -> None:
    """Draw it beside the page at this address, whose entry is marked."""
    component = st.components.v2.component(NAME, html='<nav class="navigation"></nav>', css=_STYLE, js=_SCRIPT)
    entry = routes.entry_of(url) or url
    with st.sidebar:
        component(
            key="navigation", data={"label": _("Navigation"), "sections": _sections(language(), actor.permissions), "current": f"/{entry}"}
        )


@lru_cache(maxsize=64)
def _sections(_language: str, permissions: frozenset[str]) -> list[dict[str, Any]]:
    shown = [route for route in routes.ROUTES if route.section and route.opens_for(permissions)]
    return [
        {"title": _(section), "entries": [{"title": _(one.entry or one.title), "icon": one.icon, "path": f"/{one.url}"} for one in members]}
        for section, members in groupby(shown, key=lambda route: route.section)
    ]
