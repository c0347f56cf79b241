"""The secret link for one's own calendar program: made, shown once, renewed and ended."""

import streamlit as st

from crm_core.i18n import _, format_time
from crm_core.permissions import Permission
from crm_core.services import calendar_feed
from crm_core.services.calendar_feed import Feed
from ui import browser, feedback, forms, guard

SHOWN = "calendar_link"


@guard.fragment
def draw() -> None:
    """What the link is for, when it was read last, and what can be done with it."""
    if not guard.actor().can(Permission.CUSTOMER_READ):
        st.caption(_("Your role has no tasks to show in a calendar."))
        return
    with guard.reading() as session:
        feed = calendar_feed.get_feed(session, guard.actor())
    st.markdown(_("With this link your own calendar program shows your open tasks and plans, and what you did in the last 30 days."))
    st.caption(_("Whoever has the link reads them without signing in; names of customers are masked. Keep it to yourself, or renew it."))
    if token := st.session_state.pop(SHOWN, ""):
        _show(token)
    if feed:
        _draw_present(feed)
    elif st.button(_("Make the link"), type="primary", icon=":material/add_link:"):
        _make()


def _show(token: str) -> None:
    st.success(_("Copy the link now: it is not shown again."), icon=":material/key:")
    st.code(f"{browser.own_address()}{calendar_feed.feed_path(token)}", language=None, wrap_lines=True)
    st.caption(_("Add it as a calendar from the internet: “Subscribe” in Apple Calendar and Outlook, “From URL” in Google Calendar."))


def _draw_present(feed: Feed) -> None:
    read = _("last read {time}").format(time=format_time(feed.read_at)) if feed.read_at else _("not read by any program yet")
    st.caption(_("Link made {time}").format(time=format_time(feed.created_at)) + " · " + read)
    with st.container(horizontal=True, gap="small"):
        if st.button(_("Renew the link"), icon=":material/autorenew:"):
            guard.dialog(_("Renew the link"), _confirm_renewal)
        if st.button(_("End the link"), icon=":material/link_off:"):
            guard.dialog(_("End the link"), _confirm_end)


def _confirm_renewal() -> None:
    st.write(_("The present link ends at once: every calendar program that uses it shows nothing more until you enter the new one there."))
    if forms.decide(_("Renew now"), icon=":material/autorenew:"):
        _make()


def _confirm_end() -> None:
    st.write(_("The present link ends at once: every calendar program that uses it shows nothing more."))
    if forms.decide(_("End now"), icon=":material/link_off:"):
        with feedback.attempt() as outcome, guard.acting() as session:
            calendar_feed.end_feed(session, guard.actor())
        if outcome.succeeded:
            st.rerun()


def _make() -> None:
    with feedback.attempt() as outcome, guard.acting() as session:
        token = calendar_feed.renew_feed(session, guard.actor())
    if outcome.succeeded:
        st.session_state[SHOWN] = token
        st.rerun()
