"""The foot of a list: how many rows there are, the export beside it, and the other pages; in every list at the same place."""

from typing import Any

import streamlit as st

from crm_core.i18n import _
from crm_core.services.exports import running
from ui import export_dialog, guard
from ui.component import component, noted, sent

NAME = "kemai_footer"
KEY = "list_footer"
_draw = component(NAME, '<div class="footer"></div>', ("press.js", "footer.js"), ("footer.css",))
_BESIDE = 2
"""So many numbers are shown at each side of the page that is shown, besides the first and the last."""


def draw(count: str, pages: int, page: int, *, export: str = "") -> None:
    """The foot; `page` is the one of `pages` that is shown, `export` names the list that the button gives out."""
    key = f"export_{export}"
    is_offered = bool(export) and running.may_export(guard.actor(), export)
    shown = {
        "count": count,
        "export": {"key": key, "label": _("Export")} if is_offered else None,
        "hint": _("Export this list"),
        "label": _("Pages"),
        "before": _("Page before"),
        "next": _("Next page"),
        "page": page,
        "pages": pages,
        "numbers": numbers_of(pages, page),
    }
    result = _draw(key=KEY, data=shown, on_turned_change=_turn, on_pressed_change=noted)
    if is_offered and sent(result, "pressed", "key") == key:
        export_dialog.ask(export)


def numbers_of(pages: int, page: int) -> list[int]:
    """The pages to choose from beside this one, in order and with gaps between them; none where there is only one."""
    if pages < 2:
        return []
    near = {1, *range(page - _BESIDE, page + _BESIDE + 1), pages}
    return sorted(number for number in near if 1 <= number <= pages)


def _turn() -> None:
    # Before anything is drawn: the filters above put the page into the address.
    asked: Any = sent(st.session_state[KEY], "turned", "page")
    if type(asked) is int and asked > 0:
        st.session_state["page"] = asked
