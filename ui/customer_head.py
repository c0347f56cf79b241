"""The head of a customer's page in one component: its states and why they are so, and the actions: edit, and a menu of all others."""

from collections.abc import Iterable, Sequence
from typing import Any

from crm_core.i18n import _
from ui import presses
from ui.badges import Badge
from ui.component import component, noted
from ui.presses import Press

NAME = "kemai_customer_head"
_draw = component(NAME, '<div class="head"></div>', ("press.js", "menu.js", "customer_head.js"), ("press.css", "customer_head.css"))


def draw(badges: Iterable[Badge], below: Iterable[tuple[Badge, Sequence[str]]], edit: Press | None, menu: Sequence[Press]) -> None:
    """Draw it, and do what was pressed. Of `below` each stands in a line of its own, with what is said of it."""
    shown = {
        "badges": [_shown(badge) for badge in badges],
        "below": [{"badge": _shown(badge), "told": " · ".join(told)} for badge, told in below],
        "edit": edit and edit.shown,
        "more": _("More"),
        "menu": [entry.shown for entry in menu],
        "why": _("Reason"),
    }
    result = _draw(key="customer_head", data=shown, on_pressed_change=noted)
    presses.follow(result, [*([edit] if edit else []), *menu])


def _shown(badge: Badge) -> dict[str, Any]:
    return {"text": badge.text, "look": badge.colour, "icon": badge.icon, "reason": badge.reason}
