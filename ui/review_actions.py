"""What can be done with an entry under review: approve and return for reviewers, correct and withdraw for the author."""

from collections.abc import Callable

import streamlit as st

from crm_core.errors import Conflict
from crm_core.i18n import _
from crm_core.models import Move
from crm_core.services import reviews
from crm_core.services.review_list import ReviewFile
from ui import feedback, forms, guard, routes
from ui.feedback import escape


def draw(file: ReviewFile) -> None:
    """The buttons of the moves that the reader can make now."""
    row = file.row
    with st.container(horizontal=True, key="action_bar"):
        if Move.APPROVE in file.moves and st.button(_("Approve"), type="primary", icon=":material/task_alt:"):
            _act(lambda: _approve(file), _("{name} is approved and stands in the customer list.").format(name=row.name))
        if Move.RETURN in file.moves and st.button(_("Return"), icon=":material/assignment_return:"):
            guard.dialog(_("Return the entry"), _ask_reason, file)
        if Move.RESUBMIT in file.moves and st.button(_("Correct"), type="primary", icon=":material/edit:"):
            _correct(row.id)
        if Move.WITHDRAW in file.moves and st.button(_("Withdraw"), icon=":material/undo:"):
            guard.dialog(_("Withdraw the entry"), _confirm_withdrawal, file)


def _act(act: Callable[[], object], message: str, *, then: str = routes.REVIEWS) -> None:
    """Do it and go on to a page; who comes second sees the entry as it is now, with what happened meanwhile."""
    with feedback.attempt(show=False) as outcome:
        act()
    if outcome.succeeded:
        feedback.later(message)
        st.switch_page(then)
    elif isinstance(outcome.error, Conflict):
        st.session_state["review_conflict"] = str(outcome.error)
        st.rerun()
    elif outcome.error:
        feedback.explain(outcome.error)


def show_conflict() -> None:
    """Say what somebody else did meanwhile, once."""
    if sentence := st.session_state.pop("review_conflict", ""):
        st.warning(escape(sentence), icon=":material/sync_problem:")


def _approve(file: ReviewFile) -> None:
    with guard.acting() as session:
        reviews.approve(session, guard.actor(), file.row.id, version=file.row.version)


def _ask_reason(file: ReviewFile) -> None:
    st.caption(_("The author gets the reason and has 24 hours to correct the entry."))
    with st.container(horizontal=True, gap="small"):
        for place, usual in enumerate(reviews.REASONS):
            st.button(_(usual), key=f"return_reason_{place}", on_click=_add_reason, args=(_(usual),))
    reason = st.text_area(forms.required(_("What has to be corrected?")), key="return_reason", max_chars=500, height=88)
    if forms.decide(_("Return to the author"), icon=":material/assignment_return:"):
        _act(lambda: _return(file, reason), _("{name} went back to its author.").format(name=file.row.name))


def _add_reason(usual: str) -> None:
    present = st.session_state.get("return_reason") or ""
    st.session_state["return_reason"] = present + usual


def _return(file: ReviewFile, reason: str) -> None:
    with guard.acting() as session:
        reviews.return_entry(session, guard.actor(), file.row.id, reason=reason, version=file.row.version)


def _correct(review_id: int) -> None:
    with feedback.attempt() as outcome, guard.acting() as session:
        draft_id = reviews.begin_correction(session, guard.actor(), review_id)
    if outcome.succeeded:
        st.switch_page(routes.INTAKE, query_params={"draft": draft_id})


def _confirm_withdrawal(file: ReviewFile) -> None:
    sentence = _("{name} goes back to your unfinished entries. Go on with it there and submit it again, or discard it.")
    st.markdown(escape(sentence.format(name=file.row.name)))
    if forms.decide(_("Withdraw"), icon=":material/undo:"):
        _act(lambda: _withdraw(file), _("The entry is among your unfinished ones again."), then=routes.INTAKE)


def _withdraw(file: ReviewFile) -> None:
    with guard.acting() as session:
        reviews.withdraw(session, guard.actor(), file.row.id, version=file.row.version)
