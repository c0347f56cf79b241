"""What the dialog of an opportunity asks for: a move, a win, a loss, a reopening, a deletion, somebody of the decision chain."""

from collections.abc import Callable

import streamlit as st

from crm_core.i18n import _, format_money
from crm_core.models import ATTITUDES, DECISION_ROLES, Outcome
from crm_core.services import contacts, decision_chain, opportunities, opportunity_moves, opportunity_stages
from crm_core.services.library import get_library
from crm_core.services.opportunity_views import Listed
from ui import feedback, forms, guard, opportunity_form
from ui.feedback import escape
from ui.opportunity_form import STATE, ask_lines, key, show_errors


def seen_of(one: Listed) -> int:
    """The stage in which whoever acts saw it: on the board, or here."""
    return int(st.session_state.get("opportunity_seen") or one.stage_id)


def move(one: Listed) -> None:
    """Into another open stage."""
    chosen = _choose_stage(one)
    if forms.decide(_("Move"), icon=":material/arrow_forward:"):
        with feedback.attempt(show=False) as outcome, guard.acting() as session:
            opportunity_moves.move_opportunity(session, guard.actor(), one.id, chosen, seen=seen_of(one))
        forms.conclude(outcome, _("The opportunity was moved."), st.session_state[STATE])


def _choose_stage(one: Listed) -> int:
    with guard.reading() as session:
        stages = [stage for stage in opportunity_stages.list_stages(session) if stage.outcome == Outcome.OPEN]
    labels = {stage.id: f"{stage.label} · {stage.probability}%" for stage in stages if stage.id != one.stage_id}
    target = st.session_state.get("opportunity_target")
    place = list(labels).index(target) if target in labels else 0
    return int(st.selectbox(_("Stage"), list(labels), index=place, format_func=labels.__getitem__, key=key("stage")) or 0)


def win(one: Listed) -> None:
    """It says what was sold, then it is won."""
    st.markdown(_("What was sold is kept with the opportunity; its sum becomes the amount."))
    lines = ask_lines()
    if forms.decide(_("Win"), icon=":material/emoji_events:"):
        with feedback.attempt(show=False) as outcome, guard.acting() as session:
            values = {"amount": one.amount}
            opportunities.edit_opportunity(session, guard.actor(), one.id, values, version=one.version, lines=lines)
            opportunity_moves.win_opportunity(session, guard.actor(), one.id, seen=seen_of(one))
        if outcome.succeeded:
            # The dialog comes again: it shows what follows from a win.
            st.session_state["opportunity_next"] = {"number": one.id}
        forms.conclude(outcome, _("Won. Well done!"), st.session_state[STATE])


def lose(one: Listed) -> None:
    """Why, and what is worth knowing of it."""
    with guard.reading() as session:
        reasons = {entry.code: entry.label for entry in get_library(session).active("loss_reason")}
    chosen = st.selectbox(
        forms.required(_("Why it was lost")),
        list(reasons),
        index=None,
        format_func=reasons.__getitem__,
        placeholder=_("Choose"),
        key=key("loss_reason"),
    )
    show_errors("loss_reason")
    note = st.text_area(_("How it was lost"), key=key("loss_note"), max_chars=2000, height=88)
    if forms.decide(_("Mark as lost"), icon=":material/thumb_down:"):
        with feedback.attempt(show=False) as outcome, guard.acting() as session:
            opportunity_moves.lose_opportunity(session, guard.actor(), one.id, seen=seen_of(one), reason=chosen or "", note=note or "")
        forms.conclude(outcome, _("The opportunity is marked as lost."), st.session_state[STATE])


def reopen(one: Listed) -> None:
    """Into which stage, and why."""
    chosen = _choose_stage(one)
    reason = st.text_input(forms.required(_("Reason")), max_chars=300, key=key("reason"))
    show_errors("reason")
    if forms.decide(_("Reopen"), icon=":material/undo:"):
        with feedback.attempt(show=False) as outcome, guard.acting() as session:
            opportunity_moves.reopen_opportunity(session, guard.actor(), one.id, chosen, seen=seen_of(one), reason=reason or "")
        forms.conclude(outcome, _("The opportunity is open again."), st.session_state[STATE])


def delete(one: Listed) -> None:
    """Into the recycle bin."""
    sentence = _("{name} ({amount}) goes to the recycle bin: the list shows deleted ones under State, and restores them.")
    st.warning(escape(sentence.format(name=one.name, amount=format_money(one.amount))), icon=":material/delete:")
    if forms.decide(_("Delete opportunity"), icon=":material/delete:"):
        with feedback.attempt(show=False) as outcome, guard.acting() as session:
            opportunities.delete_opportunity(session, guard.actor(), one.id, version=one.version)
        forms.conclude(outcome, _("The opportunity is in the recycle bin."), st.session_state[STATE])


def decider(one: Listed) -> None:
    """Somebody of the customer, their part in the decision, and how they stand to it."""
    with guard.reading() as session:
        people = {person.id: person.name for person in contacts.list_contacts(session, guard.actor(), one.customer_id)}
    chosen = st.selectbox(forms.required(_("Contact")), list(people), format_func=people.__getitem__, key=key("contact"))
    show_errors("contact_id")
    left, right = st.columns(2)
    role = left.selectbox(
        _("Part in the decision"), list(DECISION_ROLES), format_func=lambda code: _(DECISION_ROLES[code]), key=key("role")
    )
    place = list(ATTITUDES).index("unknown")
    attitude = right.selectbox(
        _("Attitude"), list(ATTITUDES), index=place, format_func=lambda code: _(ATTITUDES[code]), key=key("attitude")
    )
    remark = st.text_input(_("Remark"), max_chars=300, key=key("decider_remark"))
    if forms.decide(_("Save")):
        with feedback.attempt(show=False) as outcome, guard.acting() as session:
            decision_chain.put_decider(session, guard.actor(), one.id, chosen or 0, role=role, attitude=attitude, remark=remark or "")
        forms.conclude(outcome, _("The decision chain was saved."), st.session_state[STATE])


STEPS: dict[str, Callable[[Listed], None]] = {
    "edit": opportunity_form.edit,
    "move": move,
    "win": win,
    "lose": lose,
    "reopen": reopen,
    "delete": delete,
    "decider": decider,
}
"""What the dialog asks for, by its name."""
