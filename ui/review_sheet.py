"""What a review tells: the reason of a return, what changed since, side by side, and the whole history of its steps."""

from collections.abc import Sequence

import pyarrow as pa
import streamlit as st

from crm_core.i18n import N_, _, format_time, join_words, plural
from crm_core.models import ACTIONS
from crm_core.services import review_list
from crm_core.services.review_entries import Line
from crm_core.services.review_list import ReviewFile, Step
from ui import guard, review_rows
from ui.feedback import escape

ICONS = {
    "submitted": "send",
    "resubmitted": "edit_note",
    "approved": "task_alt",
    "returned": "assignment_return",
    "withdrawn": "undo",
    "escalated": "alarm",
}


def draw_task(file: ReviewFile) -> None:
    """To its author: what has to be corrected, and how long there is for it."""
    step, due_at = file.last_return, file.row.due_at
    if step is None or due_at is None:
        return
    sentence = _("{name} returned this entry: {reason}").format(name=step.who, reason=step.reason)
    show = st.error if file.row.is_overdue else st.warning
    show(f"{escape(sentence)}  \n{escape(review_rows.left(due_at))}", icon=":material/assignment_return:")


def draw_changes(lines: Sequence[Line], *, key: str) -> None:
    """Two versions side by side: what changed, and the rest folded."""
    changed = [line for line in lines if line.is_changed]
    same = [line for line in lines if not line.is_changed]
    if changed:
        _table(changed)
    else:
        st.caption(_("No field was changed."))
    if same:
        with st.expander(
            plural(len(same), N_("{count} field stayed as it was"), N_("{count} fields stayed as they were")).format(count=len(same)),
            key=key,
        ):
            _table(same)


def _table(lines: Sequence[Line]) -> None:
    nothing = _("(empty)")
    columns = {
        _("Field"): [f"**{escape(line.label)}**" for line in lines],
        _("Old"): [escape(line.old or nothing) for line in lines],
        _("New"): [escape(line.new or nothing) for line in lines],
    }
    st.table(pa.table(columns), border="horizontal", hide_index=True)


def draw_steps(steps: Sequence[Step]) -> None:
    """Every step, the latest first."""
    for number, step in reversed(list(enumerate(steps))):
        with st.container(gap=None, key=f"review_step_{number}"):
            what = _(ACTIONS[step.action])
            st.markdown(f":material/{ICONS[step.action]}: **{escape(step.who)}** {escape(what)}")
            st.caption(format_time(step.at))
            if step.reason:
                st.markdown(escape(f"“{step.reason}”"))
            changed = [line.label for line in step.changes or () if line.is_changed]
            if changed:
                st.caption(escape(_("Changed: {fields}").format(fields=join_words(changed))))


def draw_of_customer(customer_id: int) -> None:
    """The steps of a customer's reviews; nothing for one that came in without."""
    with guard.reading() as session:
        steps = review_list.list_steps_of(session, guard.actor(), customer_id)
    if steps:
        with st.container(border=True, key="customer_reviews"):
            st.subheader(_("Review"), anchor=False)
            draw_steps(steps)
