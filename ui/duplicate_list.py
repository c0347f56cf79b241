"""Suspected duplicates: a card for each pair, and how the scan stands."""

import streamlit as st

from crm_core.i18n import _, format_time, join_words
from crm_core.services import duplicate_pairs
from crm_core.services.duplicate_pairs import Suspected
from crm_core.visibility import View
from ui import badges, feedback, guard, routes
from ui.feedback import escape

LIKELY, POSSIBLE = 90, 65


def draw_pair(pair: Suspected) -> None:
    """Score and reasons, both customers beside each other, and what to do with them."""
    with st.container(border=True, key=f"pair_{pair.id}"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content"):
                colour = "red" if pair.score >= LIKELY else "orange" if pair.score >= POSSIBLE else "gray"
                st.badge(_("{score} of 100").format(score=pair.score), color=colour, icon=":material/content_copy:")
                st.caption(escape(join_words(pair.reasons)), width="content")
            with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content"):
                _draw_actions(pair)
        for place, customer, owner in zip(st.columns(2), (pair.first, pair.second), pair.owners, strict=True):
            with place.container(gap=None):
                _draw_customer(pair.id, customer, owner)


def _draw_customer(pair_id: int, customer: View, owner: str) -> None:
    if st.button(escape(customer.name), key=f"pair_{pair_id}_{customer.id}", type="tertiary", icon=":material/chevron_right:"):
        st.switch_page(routes.CUSTOMER, query_params={"code": customer.code})
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        badges.stage_badge(customer.stage)
        badges.hold_badge(is_on_hold=customer.is_on_hold)
        facts = [customer.code, customer.credit_code, owner, format_time(customer.created_at)]
        st.caption(escape(" · ".join(fact for fact in facts if fact)), width="content")


def _draw_actions(pair: Suspected) -> None:
    if pair.dismissed_at:
        st.caption(escape(f"{pair.dismissed_by} · {format_time(pair.dismissed_at)}"), width="content")
        if st.button(_("Take back"), key=f"together_{pair.id}", icon=":material/undo:", type="tertiary"):
            _act(pair, is_apart=False)
        return
    if st.button(_("Not a duplicate"), key=f"apart_{pair.id}", icon=":material/call_split:", type="tertiary"):
        _act(pair, is_apart=True)
    if st.button(_("Compare and merge"), key=f"merge_{pair.id}", icon=":material/merge:"):
        st.switch_page(routes.MERGE, query_params={"code": pair.first.code, "other": pair.second.code})


def _act(pair: Suspected, *, is_apart: bool) -> None:
    with feedback.attempt() as outcome, guard.acting() as session:
        (duplicate_pairs.tell_apart if is_apart else duplicate_pairs.tell_together)(session, guard.actor(), pair.id)
    if outcome.succeeded:
        feedback.later(_("Remembered. You can take it back under “No duplicates”.") if is_apart else _("The pair is listed again."))
        st.rerun()


def draw_state() -> None:
    """When the last scan was, whether one runs, and the button for a new one."""
    with guard.reading() as session:
        is_busy = _is_busy(duplicate_pairs.scan_state(session))
    # While a scan waits or runs, this part looks again by itself.
    guard.fragment(run_every=2 if is_busy else None)(_draw_state)(was_busy=is_busy)


def _draw_state(*, was_busy: bool) -> None:
    with guard.reading() as session:
        state = duplicate_pairs.scan_state(session)
    if was_busy and not _is_busy(state):
        st.rerun(scope="app")
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.caption(_told(state), width="content")
        if st.button(_("Scan now"), icon=":material/search_check:", disabled=_is_busy(state)):
            with feedback.attempt() as outcome, guard.acting() as session:
                duplicate_pairs.request_scan(session, guard.actor())
            if outcome.succeeded:
                st.rerun(scope="app")


def _is_busy(state: duplicate_pairs.ScanState) -> bool:
    return state.is_waiting or state.running_since is not None


def _told(state: duplicate_pairs.ScanState) -> str:
    if state.running_since:
        return ":material/progress_activity: " + _("A scan runs since {time}.").format(time=format_time(state.running_since))
    if state.is_waiting:
        return ":material/hourglass_top: " + _("A scan begins in a moment.")
    if state.has_failed:
        return ":material/error: " + _("The last scan failed; it is tried again in some minutes.")
    if state.finished_at:
        return _("All customers were compared on {time}.").format(time=format_time(state.finished_at))
    return _("The customers were not compared yet.")
