"""Boards on a wall: they fill the screen, one after the other, and go on by the clock, so that every screen shows the same."""

from collections.abc import Mapping

import streamlit as st

from crm_core import clock
from crm_core.i18n import _
from crm_core.services.insight.boards import BoardType
from ui.insight_filters import show_wall

SECONDS = 20
"""So long each board is shown."""


def draw_head(boards: Mapping[str, BoardType]) -> str:
    """The title of the board that is on, the time, and the way out; returns the board's key."""
    now = clock.now()
    keys = list(boards)
    key = keys[int(now.timestamp()) // SECONDS % len(keys)]
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="board_wall_head"):
        st.header(_(boards[key].title), anchor=False)
        st.caption(f"{clock.time_of_day(now)} · {list(keys).index(key) + 1} / {len(keys)}")
        # Outside the fragment's own runs, since the page changes with it.
        if st.button(_("Leave full screen"), icon=":material/fullscreen_exit:", key="wall_close"):
            show_wall(False)
            st.rerun(scope="app")
    return key
