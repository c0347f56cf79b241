"""The latest imports of customers below the page of imports, and the dialog that takes one back."""

import streamlit as st

from crm_core import clock
from crm_core.i18n import N_, _, format_time, plural
from crm_core.permissions import Permission
from crm_core.services import bulk
from crm_core.services.imports import undoing
from crm_core.services.imports.undoing import Imported
from ui import feedback, forms, guard
from ui.feedback import escape

SHOWN = 8
"""So many of the customers that stay are named."""


def draw() -> None:
    """The list, for those who import customers; nothing where there is none."""
    if not guard.actor().can(Permission.CUSTOMER_IMPORT):
        return
    with guard.reading() as session:
        rows = undoing.list_imports(session, guard.actor())
    if not rows:
        return
    st.subheader(_("Latest imports of customers"), anchor=False)
    for row in rows:
        with st.container(border=True, horizontal=True, vertical_alignment="center", key=f"import_{row.id}"):
            told = [format_time(row.at), row.who, _count(row.created)]
            st.markdown(f"**{escape(row.filename)}**  \n:small[{escape(' · '.join(told))}]", width="stretch")
            if row.undone_at:
                st.badge(_("Undone {time}").format(time=format_time(row.undone_at)), color="gray", icon=":material/undo:")
            elif clock.now() <= row.undo_until and st.button(_("Undo the import"), key=f"import_undo_{row.id}", icon=":material/undo:"):
                guard.dialog(_("Undo the import"), _confirm, row)


def _count(number: int) -> str:
    return plural(number, N_("{count} new customer"), N_("{count} new customers")).format(count=f"{number:,}")


def _confirm(row: Imported) -> None:
    """What would happen now, and the decision."""
    with feedback.attempt() as outcome, guard.reading() as session:
        plan = undoing.preview_undo(session, guard.actor(), row.id)
    if not outcome.succeeded:
        return
    st.markdown(f"**{escape(row.filename)}**")
    going = plural(len(plan.going), N_("{count} customer goes to the recycle bin."), N_("{count} customers go to the recycle bin."))
    st.markdown(going.format(count=f"{len(plan.going):,}"))
    if plan.left:
        left = plural(len(plan.left), N_("{count} stays as it is:"), N_("{count} stay as they are:")).format(count=f"{len(plan.left):,}")
        st.caption(left)
        st.markdown("\n".join(f"- {escape(sentence)}" for sentence in bulk.sentences(plan.left[:SHOWN])))
        if len(plan.left) > SHOWN:
            st.caption(_("and {count} more").format(count=len(plan.left) - SHOWN))
    if forms.decide(_("Undo the import"), icon=":material/undo:", is_ready=bool(plan.going)):
        with feedback.attempt() as outcome, guard.acting() as session:
            done = undoing.undo_import(session, guard.actor(), row.id)
        if outcome.succeeded:
            said = plural(len(done.going), N_("{count} customer is in the recycle bin."), N_("{count} customers are in the recycle bin."))
            feedback.later(said.format(count=f"{len(done.going):,}"))
            st.rerun()
