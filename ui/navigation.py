"""The navigation by role, in one component: Streamlit's own draws each link anew, several times, whenever anything on the page changes."""

from functools import lru_cache
from itertools import groupby
from typing import Any

import streamlit as st

from crm_core.i18n import _, language
from crm_core.permissions import Actor
from ui import routes
from ui.component import component

NAME = "kemai_navigation"
_draw = component(NAME, '<nav class="navigation"></nav>', ("press.js", "navigation.js"), ("navigation.css",))


def draw(url: str, actor: Actor) -> None:
    """Draw it beside the page at this address, whose entry is marked."""
    entry = routes.entry_of(url) or url
    with st.sidebar:
        _draw(
            key="navigation", data={"label": _("Navigation"), "sections": _sections(language(), actor.permissions), "current": f"/{entry}"}
        )


@lru_cache(maxsize=64)
def _sections(_language: str, permissions: frozenset[str]) -> list[dict[str, Any]]:
    shown = [route for route in routes.ROUTES if route.section and route.opens_for(permissions)]
    return [
        {"title": _(section), "entries": [{"title": _(one.entry or one.title), "icon": one.icon, "path": f"/{one.url}"} for one in members]}
        for section, members in groupby(shown, key=lambda route: route.section)
    ]
