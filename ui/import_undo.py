"""The latest imports below the page of imports, and the dialog that takes one back."""

import streamlit as st

from crm_core import clock
from crm_core.i18n import N_, _, format_time, plural
from crm_core.services.imports import undoing
from crm_core.services.imports.kinds import KINDS, offered_kinds
from crm_core.services.imports.taking_back import WAYS
from crm_core.services.imports.undoing import Imported, Undoing
from ui import feedback, forms, guard
from ui.feedback import escape

SHOWN = 8
"""So much of what stays is named."""


def draw() -> None:
    """The list of what the actor may import; nothing where there is none."""
    if not offered_kinds(guard.actor()):
        return
    with guard.reading() as session:
        rows = undoing.list_imports(session, guard.actor())
    if not rows:
        return
    st.subheader(_("Latest imports"), anchor=False)
    for row in rows:
        with st.container(border=True, horizontal=True, vertical_alignment="center", key=f"import_{row.id}"):
            told = [format_time(row.at), row.who, _("{kind}: {count} new").format(kind=_(KINDS[row.kind].label), count=f"{row.created:,}")]
            st.markdown(f"**{escape(row.filename)}**  \n:small[{escape(' · '.join(told))}]", width="stretch")
            if row.undone_at:
                st.badge(_("Undone {time}").format(time=format_time(row.undone_at)), color="gray", icon=":material/undo:")
            elif clock.now() <= row.undo_until and st.button(_("Undo the import"), key=f"import_undo_{row.id}", icon=":material/undo:"):
                guard.dialog(_("Undo the import"), _confirm, row)


def _confirm(row: Imported) -> None:
    """What would happen now, and the decision."""
    with feedback.attempt() as outcome, guard.reading() as session:
        plan = undoing.preview_undo(session, guard.actor(), row.id)
    if not outcome.succeeded:
        return
    st.markdown(f"**{escape(row.filename)}**")
    _tell_going(row, plan)
    if plan.left:
        left = plural(len(plan.left), N_("{count} stays as it is:"), N_("{count} stay as they are:")).format(count=f"{len(plan.left):,}")
        st.caption(left)
        st.markdown("\n".join(f"- {escape(sentence)}" for sentence in undoing.sentences(plan.left[:SHOWN])))
        if len(plan.left) > SHOWN:
            st.caption(_("and {count} more").format(count=len(plan.left) - SHOWN))
    if row.has_updates:
        st.caption(_("What the import changed of records that were there before stays changed."))
    if forms.decide(_("Undo the import"), icon=":material/undo:", is_ready=bool(plan.going or plan.teams)):
        with feedback.attempt() as outcome, guard.acting() as session:
            done = undoing.undo_import(session, guard.actor(), row.id)
        if outcome.succeeded:
            feedback.later(_done(row, done))
            st.rerun()


def _tell_going(row: Imported, plan: Undoing) -> None:
    to_bin = plural(len(plan.going), N_("{count} record goes to the recycle bin."), N_("{count} records go to the recycle bin."))
    removed = plural(
        len(plan.going),
        N_("{count} record is removed for good; to have it again, import the file once more."),
        N_("{count} records are removed for good; to have them again, import the file once more."),
    )
    st.markdown((to_bin if WAYS[row.kind].to_bin else removed).format(count=f"{len(plan.going):,}"))
    if plan.teams:
        teams = plural(len(plan.teams), N_("{count} team goes with them."), N_("{count} teams go with them."))
        st.markdown(teams.format(count=f"{len(plan.teams):,}"))


def _done(row: Imported, done: Undoing) -> str:
    to_bin = plural(len(done.going), N_("{count} record is in the recycle bin."), N_("{count} records are in the recycle bin."))
    removed = plural(len(done.going), N_("{count} record was removed."), N_("{count} records were removed."))
    return (to_bin if WAYS[row.kind].to_bin else removed).format(count=f"{len(done.going):,}")
