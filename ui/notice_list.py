"""The bell in the header: how many notices are unread, and in its box the newest ones."""

from functools import partial
from typing import Any

import streamlit as st

from crm_core.i18n import _, format_time
from crm_core.services import notices
from crm_core.services.notices import Told
from ui import guard, presses, routes
from ui.component import sent
from ui.presses import Press

KEY = "notices"
"""The bell; the keys of all that can be pressed in its box begin so."""
READ = f"{KEY}_read"


def answer(pressed: Any) -> dict[str, Any]:
    """Do what was pressed at the bell, and return what the header shows of it: the newest notices only where they were asked for."""
    asked = sent(pressed, "pressed", "key")
    is_open = isinstance(asked, str) and asked.startswith(KEY)
    if asked == READ:
        with guard.acting() as session:
            notices.mark_read(session, guard.actor())
    with guard.reading() as session:
        unread = notices.count_unread(session, guard.actor())
        latest = notices.list_latest(session, guard.actor()) if is_open else []
    opens = {
        notice.id: Press(f"{KEY}_open_{notice.id}", _("Open"), partial(follow, notice), "arrow_forward") for notice in latest if notice.path
    }
    presses.follow(pressed, opens.values())
    return {
        "bell": {"label": _("Notices"), "count": _count(unread)},
        "box": {
            "empty": _("No notices yet."),
            "notices": [_shown(notice, opens.get(notice.id)) for notice in latest],
            "read": {"key": READ, "label": _("Mark all as read"), "icon": "done_all"} if unread else None,
        }
        if is_open
        else None,
    }


def _opening(notice: Told) -> Press:
    return Press(f"{KEY}_open_{notice.id}", _("Open"), partial(follow, notice), "arrow_forward")


def _count(unread: int) -> str:
    return "" if not unread else str(unread) if unread < notices.COUNTED else f"{notices.COUNTED - 1}+"


def _shown(notice: Told, opens: Press | None) -> dict[str, Any]:
    return {
        "icon": notice.icon,
        "title": notice.title,
        "mark": "" if notice.is_read else _("new"),
        "sentence": notice.sentence,
        "time": format_time(notice.created_at),
        "opens": opens and opens.shown,
    }


def follow(notice: Told) -> None:
    """Go to what it is about; with that it is read."""
    with guard.acting() as session:
        notices.mark_read(session, guard.actor(), notice.id)
    file, query = routes.parse(notice.path)
    st.switch_page(file, query_params=query)
