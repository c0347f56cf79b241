"""What stands at the right of the header, in one component: search, quick add, notices, and the menu of the user."""

from collections.abc import Iterator
from functools import partial

import streamlit as st

from crm_core.i18n import LANGUAGES, N_, _
from crm_core.permissions import Actor, Permission
from crm_core.services import users
from ui import browser, guard, notice_list, presses, routes
from ui.component import component, noted
from ui.presses import Press

NAME = "kemai_header"
KEY = "header_tools"
THEMES = {"light": N_("Light appearance"), "dark": N_("Dark appearance"), "system": N_("Appearance of the system")}
_draw = component(NAME, '<div class="tools"></div>', ("press.js", "menu.js", "header.js"), ("press.css", "header.css"))


@guard.fragment
def draw(url: str) -> None:
    """Draw it beside the title of the page at this address, and do first what was pressed: it may lead to another page."""
    actor, pressed = guard.actor(), st.session_state.get(KEY)
    add, menu = _adding(actor), list(_entries(actor))
    presses.follow(pressed, [*([add] if add else []), *menu])
    shown = {
        "search": _search() if url != "customers" and actor.can(Permission.CUSTOMER_READ) else None,
        "add": add and add.shown,
        "look": "filled" if url == "customers" else "outlined",
        **notice_list.answer(pressed),
        "user": {"label": actor.name, "picture": f"/pictures/{actor.avatar}" if actor.avatar else ""},
        "menu": [entry.shown for entry in menu],
    }
    _draw(key=KEY, data=shown, width="content", on_pressed_change=noted)


def _search() -> dict[str, str]:
    return {"label": _("Search customers"), "hint": _("Name, contact, phone, pinyin"), "path": routes.path_to(routes.CUSTOMERS, {})}


def _adding(actor: Actor) -> Press | None:
    if not actor.can(Permission.CUSTOMER_CREATE):
        return None
    return Press("quick_add", _("New customer"), partial(st.switch_page, routes.INTAKE), "add", routes.path_to(routes.INTAKE, {}))


def _entries(actor: Actor) -> Iterator[Press]:
    follow = partial(st.switch_page, routes.SETTINGS)
    yield Press("user_menu_settings", _("Personal settings"), follow, path=routes.path_to(routes.SETTINGS, {}))
    for code, name in LANGUAGES.items():
        if code != actor.language:
            yield Press(f"user_menu_language:{code}", name, partial(_speak, code))
    for code, label in THEMES.items():
        yield Press(f"user_menu_theme:{code}", _(label), partial(_paint, code))
    yield Press("user_menu_leave", _("Sign out"), partial(browser.redirect, "/auth/leave"))


def _speak(language: str) -> None:
    with guard.acting() as session:
        users.set_language(session, guard.actor(), language)
    browser.redirect(browser.with_next(f"/auth/language/{language}", browser.current_path()))


def _paint(theme: str) -> None:
    browser.redirect(browser.with_next(f"/auth/theme/{theme}", browser.current_path()))
