"""The bell in the header: how many notices are unread, and the newest ones."""

import streamlit as st

from crm_core.i18n import _, format_time
from crm_core.services import notices
from crm_core.services.notices import Told
from ui import feedback, guard, routes


@guard.fragment
def draw() -> None:
    """The bell; its content is read when it is opened."""
    with guard.reading() as session:
        unread = notices.count_unread(session, guard.actor())
    name = _("Notices")
    label = f"{name} {_count(unread)}".strip()
    bell = st.popover(label, key="notices", icon=":material/notifications:", width="content", help=name, on_change="rerun")
    if bell.open:
        with bell:
            _draw_latest(unread)


def _count(unread: int) -> str:
    if not unread:
        return ""
    return f":red-badge[{unread}]" if unread < notices.COUNTED else f":red-badge[{notices.COUNTED - 1}+]"


def _draw_latest(unread: int) -> None:
    with guard.reading() as session:
        latest = notices.list_latest(session, guard.actor())
    if not latest:
        st.caption(_("No notices yet."))
    for notice in latest:
        _draw_notice(notice)
    if unread and st.button(_("Mark all as read"), key="notices_read", icon=":material/done_all:", type="tertiary"):
        with guard.acting() as session:
            notices.mark_read(session, guard.actor())
        guard.again()


def _draw_notice(notice: Told) -> None:
    title, mark = f":material/{notice.icon}: **{notice.title}**", "" if notice.is_read else _("new")
    with st.container(key=f"notice_{notice.id}", gap="xsmall"):
        st.markdown(f"{title} :red-badge[{mark}]" if mark else title)
        st.markdown(feedback.escape(notice.sentence))
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(format_time(notice.created_at), width="stretch")
            if notice.path and st.button(_("Open"), key=f"notice_open_{notice.id}", type="tertiary", icon=":material/arrow_forward:"):
                follow(notice)


def follow(notice: Told) -> None:
    """Go to what it is about; with that it is read."""
    with guard.acting() as session:
        notices.mark_read(session, guard.actor(), notice.id)
    file, query = routes.parse(notice.path)
    st.switch_page(file, query_params=query)
