"""The dialogs of one follow-up: read it whole, plan the next step, correct it, add a file, see what was corrected, delete it."""

from typing import Any

import streamlit as st

from crm_core.errors import Conflict
from crm_core.i18n import _, format_time
from crm_core.models import ACTIONS, METHODS
from crm_core.services import attachments, follow_up_list, follow_ups, history
from crm_core.services.follow_up_list import Noted
from crm_core.services.follow_ups import Entry, Plan
from crm_core.services.log_words import LogWords
from crm_core.visibility import View
from ui import conflict, feedback, follow_up_fields, follow_up_form, forms, guard, page_tools
from ui.feedback import escape

CORRECTION, PLAN = "follow_up_correction", "follow_up_plan"
TEXTS = ("subject", "content", "feedback")
EMPTY = Plan(None, "", 0)
"""A plan of which nothing was entered: what is missing is told at its fields."""


def read(row: Noted) -> None:
    """All that was written."""
    st.markdown(f"**{escape(row.subject)}**")
    st.markdown("  \n".join(follow_up_fields.paragraphs(row.content)))
    if row.feedback:
        st.markdown("**" + _("Customer feedback") + "**")
        st.markdown("  \n".join(follow_up_fields.paragraphs(row.feedback)))


def correct(row: Noted) -> None:
    """All fields, and why they are corrected; who comes second sees what is saved now and decides."""
    state = _begun(CORRECTION, row, follow_up_fields.of_noted(row))
    present: Noted = state["row"]
    if state["is_late"]:
        conflict.say_who("follow_up", present.id)
        _draw_theirs(present)
    with guard.reading() as session:
        choices = follow_up_fields.read_choices(session, present.customer_id)
    follow_up_fields.draw_entry(CORRECTION, choices, state["errors"])
    with st.container(key=forms.css_key(CORRECTION, "reason"), gap="xxsmall"):
        reason = st.text_input(forms.required(_("Reason for the correction")), key=guard.key(f"{CORRECTION}_reason"), max_chars=300)
        forms.tell(state["errors"].get("reason", ()))
    if forms.decide(_("Save")):
        _correct(state, present, reason)
    if state["errors"]:
        page_tools.bring_into_view([forms.css_key(CORRECTION, name) for name in state["errors"]])


def _begun(key: str, row: Noted, values: dict[str, Any]) -> dict[str, Any]:
    """The state of a dialog, which begins anew each time that it is opened."""
    state: dict[str, Any] | None = st.session_state.get(key)
    if state is None or state["opened"] is not row:
        state = st.session_state[key] = {"opened": row, "row": row, "errors": {}, "is_late": False}
        follow_up_fields.begin(key, values)
    return state


def _draw_theirs(present: Noted) -> None:
    mine = follow_up_fields.entered(CORRECTION)
    theirs = {name: getattr(present, name) for name in TEXTS if getattr(present, name) != getattr(mine, name)}
    if present.method != mine.method:
        theirs["method"] = _(METHODS[present.method])
    for value in theirs.values():
        st.caption(escape(_("Theirs: {value}").format(value=value or _("(empty)"))))


def _correct(state: dict[str, Any], present: Noted, reason: str) -> None:
    entry: Entry = follow_up_fields.entered(CORRECTION)
    with feedback.attempt(show=False) as outcome, guard.acting() as session:
        follow_ups.correct_follow_up(session, guard.actor(), present.id, entry, version=present.version, reason=reason)
    if outcome.succeeded:
        feedback.later(_("The follow-up is corrected. The change log keeps what stood there before."))
        st.rerun()
    if isinstance(outcome.error, Conflict):
        with guard.reading() as session:
            state["row"] = follow_up_list.get_follow_up(session, guard.actor(), present.id)
        state["is_late"], state["errors"] = True, {}
    elif not _keep_errors(state, outcome):
        return
    guard.again()


def _keep_errors(state: dict[str, Any], outcome: feedback.Outcome) -> bool:
    """Whether the errors belong to fields; others are told here."""
    if outcome.errors:
        state["errors"] = outcome.errors
        page_tools.new_turn()
    elif outcome.error:
        feedback.explain(outcome.error)
    return bool(outcome.errors)


def plan(row: Noted) -> None:
    """Make the next plan, or move it."""
    state = _begun(PLAN, row, follow_up_fields.of_planned(row.plan))
    with guard.reading() as session:
        choices = follow_up_fields.read_choices(session, row.customer_id)
    follow_up_fields.draw_plan(PLAN, choices, state["errors"])
    if not forms.decide(_("Save")):
        return
    wanted = follow_up_fields.planned(PLAN) or EMPTY
    with feedback.attempt(show=False) as outcome, guard.acting() as session:
        follow_ups.set_plan(session, guard.actor(), row.id, wanted)
    if outcome.succeeded:
        feedback.later(_("The next step is planned."))
        st.rerun()
    if _keep_errors(state, outcome):
        guard.again()


def cancel_plan(row: Noted) -> None:
    """Give the next plan up."""
    goal = row.plan.goal if row.plan else ""
    st.markdown(escape(_("Cancel “{goal}”? Unless something else is planned, the customer then has no next step.").format(goal=goal)))
    if forms.decide(_("Cancel the plan"), icon=":material/event_busy:", back=_("Keep it")):
        with feedback.attempt() as outcome, guard.acting() as session:
            follow_ups.set_plan(session, guard.actor(), row.id, None)
        if outcome.succeeded:
            feedback.later(_("The plan is cancelled."))
            st.rerun()


def add_file(row: Noted) -> None:
    """A file that belongs to the follow-up; it stands among the customer's attachments too."""
    with guard.reading() as session:
        types = follow_up_form.read_types(session)
    file = follow_up_form.draw_upload(types, key=guard.key("follow_up_file"))
    if forms.decide(_("Save"), is_ready=file is not None) and file:
        with feedback.attempt() as outcome, guard.acting() as session:
            attachments.add_attachment(
                session, guard.actor(), file=file.stored, type=file.type, customer_id=row.customer_id, follow_up_id=row.id
            )
        if outcome.succeeded:
            st.rerun()


def trace(row: Noted) -> None:
    """What stood there before, who corrected it and why, the latest first."""
    with guard.reading() as session:
        lines = history.list_record_changes(session, guard.actor(), entity="follow_up", entity_id=row.id)
        words = LogWords(session, guard.actor())
    for line in lines:
        _draw_change(line, words)


def _draw_change(line: View, words: LogWords) -> None:
    what = words.title("follow_up", line.field) if line.field else _(ACTIONS[line.action])
    text = words.describe(line)
    with st.container(border=True, gap="xxsmall", key=f"follow_up_change_{line.id}"):
        st.caption(escape(" · ".join((format_time(line.at), words.who(line)))))
        st.markdown(f"**{escape(what)}**")
        if line.field:
            for label, value in ((_("Before"), text.before), (_("After"), text.after)):
                st.markdown(f":gray[{label}] " + ("  \n".join(follow_up_fields.paragraphs(value)) or _("(empty)")))
        if line.reason:
            st.caption(escape(_("Reason: {reason}").format(reason=line.reason)))


def delete(row: Noted) -> None:
    """Delete it, for a reason."""
    sentence = _("Delete “{subject}” of {time} with its files? A plan that is still open is cancelled. The change log keeps a note of it.")
    st.markdown(escape(sentence.format(subject=row.subject, time=format_time(row.happened_at))))
    reason = st.text_input(forms.required(_("Reason")), key=guard.key("follow_up_delete_reason"), max_chars=300)
    if forms.decide(_("Delete"), icon=":material/delete:"):
        with feedback.attempt() as outcome, guard.acting() as session:
            follow_ups.delete_follow_up(session, guard.actor(), row.id, reason=reason)
        if outcome.succeeded:
            feedback.later(_("The follow-up is deleted."))
            st.rerun()
