"""The follow-ups on a customer's page: the entry, the one that a notice led to, and the others, the latest first."""

from functools import partial

import streamlit as st

from crm_core.i18n import _
from crm_core.permissions import Permission
from crm_core.services import follow_up_list
from crm_core.services.follow_up_list import Noted
from crm_core.visibility import View
from ui import feedback, follow_up_cards, follow_up_form, guard, page_tools
from ui.presses import Press

ASKED = "follow_up"
"""The parameter of the address with the number of a follow-up."""
FIRST, MORE = 3, 20
"""So many are shown at once, and so many more on demand."""


def open_asked(customer: View) -> None:
    """Before the tabs: where the address names a follow-up, open their tab, once."""
    asked = (customer.id, st.query_params.get(ASKED))
    if asked[1] and st.session_state.get("follow_up_asked") != asked:
        st.session_state["follow_up_asked"] = asked
        st.session_state["detail_tab"] = _("Follow-ups")


def draw(customer: View) -> None:
    """Everything in the tab."""
    may_write = customer.is_listed and guard.actor().can(Permission.FOLLOW_UP_WRITE)
    marked = _draw_asked(customer)
    if may_write:
        follow_up_form.draw(customer.id)
    shown = st.session_state.get(_count_key(customer), FIRST)
    with guard.reading() as session:
        rows, total = follow_up_list.list_latest(session, guard.actor(), customer.id, shown)
    others = [row for row in rows if marked is None or row.id != marked.id]
    if not rows:
        hint = _("Write down each call and visit, and what comes next.") if may_write else _("Nobody has written one yet.")
        feedback.empty_state("forum", _("No follow-ups yet"), hint)
    label = _("Show older ones ({shown} of {total})").format(shown=len(rows), total=total)
    more = Press("follow_ups_more", label, partial(_show_more, customer), "expand_more") if total > shown else None
    if others or more:
        follow_up_cards.draw(others, key="follow_ups", is_open=customer.is_listed, more=more)


def _count_key(customer: View) -> str:
    return f"follow_ups_shown_{customer.id}"


def _show_more(customer: View) -> None:
    st.session_state[_count_key(customer)] = st.session_state.get(_count_key(customer), FIRST) + MORE
    guard.again()


def _draw_asked(customer: View) -> Noted | None:
    """The follow-up that the address names, above all others; one that is gone is told."""
    asked = st.query_params.get(ASKED, "")
    if not (asked.isdecimal() and len(asked) < 10):
        return None
    with feedback.attempt(show=False) as outcome, guard.reading() as session:
        row = follow_up_list.get_follow_up(session, guard.actor(), int(asked))
    if outcome.error:
        feedback.refusal(str(outcome.error))
        return None
    if row.customer_id != customer.id:
        return None
    key = f"follow_up_marked_{row.id}"
    follow_up_cards.draw([row], key=key, is_open=customer.is_listed, is_marked=True)
    page_tools.show_top_of(key, turn=row.id)
    return row
