"""What can be done with an entry under review: approve and return for reviewers, correct and withdraw for the author."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from crm_core.errors import Conflict
from crm_core.i18n import N_, _
from crm_core.models import Move
from crm_core.services import reviews
from crm_core.services.review_list import ReviewFile
from ui import feedback, forms, guard, routes
from ui.feedback import escape

PRESSED = "review_pressed"


def draw(file: ReviewFile) -> None:
    """The buttons of the moves that the reader can make now, and what the one pressed does.

    It acts on the version that was on the screen when it was pressed: the page has been read anew since.
    """
    pressed = st.session_state.pop(PRESSED, None)
    with st.container(horizontal=True, key="action_bar"):
        for move, button in BUTTONS.items():
            if move in file.moves:
                kind = "primary" if button.is_primary else "secondary"
                st.button(_(button.label), type=kind, icon=f":material/{button.icon}:", on_click=_note, args=(move, file.row.version))
    if pressed:
        move, version = pressed
        BUTTONS[move].do(file, version)


def _note(move: Move, version: int) -> None:
    st.session_state[PRESSED] = (move, version)


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


def _approve(file: ReviewFile, version: int) -> None:
    def approve() -> None:
        with guard.acting() as session:
            reviews.approve(session, guard.actor(), file.row.id, version=version)

    _act(approve, _("{name} is approved and stands in the customer list.").format(name=file.row.name))


def _open_return(file: ReviewFile, version: int) -> None:
    guard.dialog(_("Return the entry"), _ask_reason, file, version)


def _ask_reason(file: ReviewFile, version: int) -> None:
    st.caption(_("The author gets the reason and has 24 hours to correct the entry."))
    with st.container(horizontal=True, gap="small"):
        for place, usual in enumerate(reviews.REASONS):
            st.button(_(usual), key=f"return_reason_{place}", on_click=_add_reason, args=(_(usual),))
    reason = st.text_area(forms.required(_("What has to be corrected?")), key=guard.key("return_reason"), max_chars=500, height=88)
    if forms.decide(_("Return to the author"), icon=":material/assignment_return:"):
        _act(lambda: _return(file, reason, version), _("{name} went back to its author.").format(name=file.row.name))


def _add_reason(usual: str) -> None:
    key = guard.key("return_reason")
    st.session_state[key] = (st.session_state.get(key) or "") + usual


def _return(file: ReviewFile, reason: str, version: int) -> None:
    with guard.acting() as session:
        reviews.return_entry(session, guard.actor(), file.row.id, reason=reason, version=version)


def _correct(file: ReviewFile, _version: int) -> None:
    with feedback.attempt() as outcome, guard.acting() as session:
        draft_id = reviews.begin_correction(session, guard.actor(), file.row.id)
    if outcome.succeeded:
        st.switch_page(routes.INTAKE, query_params={"draft": draft_id})


def _open_withdrawal(file: ReviewFile, version: int) -> None:
    guard.dialog(_("Withdraw the entry"), _confirm_withdrawal, file, version)


def _confirm_withdrawal(file: ReviewFile, version: int) -> None:
    sentence = _("{name} goes back to your unfinished entries. Go on with it there and submit it again, or discard it.")
    st.markdown(escape(sentence.format(name=file.row.name)))
    if forms.decide(_("Withdraw"), icon=":material/undo:"):
        _act(lambda: _withdraw(file, version), _("The entry is among your unfinished ones again."), then=routes.INTAKE)


def _withdraw(file: ReviewFile, version: int) -> None:
    with guard.acting() as session:
        reviews.withdraw(session, guard.actor(), file.row.id, version=version)


@dataclass(frozen=True)
class Button:
    """What a move is called on its button, and what the button does with the version that was seen."""

    label: str
    icon: str
    do: Callable[[ReviewFile, int], None]
    is_primary: bool = False


BUTTONS = {
    Move.APPROVE: Button(N_("Approve"), "task_alt", _approve, is_primary=True),
    Move.RETURN: Button(N_("Return"), "assignment_return", _open_return),
    Move.RESUBMIT: Button(N_("Correct"), "edit", _correct, is_primary=True),
    Move.WITHDRAW: Button(N_("Withdraw"), "undo", _open_withdrawal),
}
