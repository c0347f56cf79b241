"""What a visitor sees at the check-in: what it is for, two fields, and the answer. Nothing of anybody else."""

import streamlit as st

from crm_core import db
from crm_core.i18n import _, format_date
from crm_core.services import check_in
from crm_core.services.check_in import DIGITS, Answer, Entrance
from ui import feedback, guard
from ui.feedback import escape

ANSWER = "check_in_answer"


def entrance() -> Entrance | None:
    """The campaign of the link in the page's address, while it is good."""
    with db.reading() as session:
        return check_in.find_entrance(session, st.query_params.get("to", ""))


def draw(found: Entrance) -> None:
    """The form, or a welcome in its place."""
    with st.container(key="check_in", width=420):
        st.subheader(escape(found.name), anchor=False)
        st.caption(escape(" · ".join(part for part in (format_date(found.starts_on), found.place) if part)))
        answer = st.session_state.get(ANSWER)
        if answer in (Answer.WELCOME, Answer.ALREADY):
            _welcome(answer)
            return
        _ask()
        if answer:
            feedback.refusal(_refused(answer))


def _ask() -> None:
    with st.form("check_in_form", border=False):
        name = st.text_input(_("Your name"), max_chars=check_in.LONGEST_NAME, key="check_in_name", autocomplete="name")
        digits = st.text_input(_("Last four digits of your phone"), max_chars=DIGITS, key="check_in_digits", autocomplete="off")
        if st.form_submit_button(_("Check in"), type="primary", icon=":material/how_to_reg:", width="stretch"):
            _answer(name, digits)


def _answer(name: str, digits: str) -> None:
    token, address = st.query_params.get("to", ""), guard.client().address
    with feedback.attempt(show=False) as outcome, db.transaction() as session:
        st.session_state[ANSWER] = check_in.check_in(session, token, name=name, digits=digits, address=address)
    if not outcome.succeeded:  # the campaign was closed, or the customer archived, in this very moment
        st.session_state[ANSWER] = Answer.CLOSED
    st.rerun()


def _welcome(answer: str) -> None:
    text = _("Welcome! You are checked in.") if answer == Answer.WELCOME else _("You are checked in already. Welcome!")
    st.success(text, icon=":material/task_alt:")
    if st.button(_("Check in somebody else"), icon=":material/group_add:"):
        st.session_state[ANSWER] = None
        st.rerun()


def _refused(answer: str) -> str:
    return {
        Answer.UNKNOWN: _("Nobody is registered with this name and these digits. Check both, or ask at the reception."),
        Answer.LATER: _("Too many attempts. Please turn to the reception."),
        Answer.CLOSED: _("The check-in was closed just now. Please turn to the reception."),
    }[Answer(answer)]
