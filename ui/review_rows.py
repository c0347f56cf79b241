"""Reviews as a list: a row for each entry, with its state, its age or the hours left, and the way to it."""

from datetime import datetime, timedelta

import streamlit as st

from crm_core import clock
from crm_core.i18n import N_, _, format_time, plural
from crm_core.services import reviews
from crm_core.services.review_list import DECIDED, OWN, RETURNED, WAITING, ReviewPage, ReviewRow
from ui import badges, feedback, guard, routes
from ui.feedback import escape

EMPTY = {
    WAITING: ("task_alt", N_("Nothing waits for your review"), N_("What colleagues submit and you are asked about appears here.")),
    RETURNED: (
        "assignment_return",
        N_("Nothing is being corrected"),
        N_("Entries that were given back stay here until their authors correct them."),
    ),
    DECIDED: ("history", N_("Nothing was decided yet"), N_("Approved and withdrawn entries are kept here.")),
    OWN: (
        "outbox",
        N_("You have submitted nothing for review"),
        N_("Customers that you enter appear here where a rule asks for a review."),
    ),
}


def draw(view: str, page: ReviewPage) -> None:
    """A page of one of the lists; waiting entries can be approved together."""
    if not page.rows:
        icon, title, hint = EMPTY[view]
        feedback.empty_state(icon, _(title), _(hint))
        return
    chosen = [row for row in page.rows if _draw_row(view, row)]
    if page.pages > 1:
        st.pagination(page.pages, key=f"reviews_page_{view}")
    if view == WAITING and st.button(_("Approve chosen entries"), icon=":material/done_all:", disabled=not chosen):
        _approve(chosen)


def _draw_row(view: str, row: ReviewRow) -> bool:
    """Whether the row is chosen."""
    with st.container(horizontal=True, vertical_alignment="center", border=True, key=f"review_row_{row.id}"):
        is_chosen = view == WAITING and st.checkbox(
            _("Choose {code}").format(code=row.code), key=f"review_choice_{row.id}_{row.version}", label_visibility="collapsed"
        )
        with st.container(gap="xsmall", width="stretch"):
            with st.container(horizontal=True, gap="xsmall"):
                badges.draw_row([badges.review_badge(row.state, is_overdue=row.is_overdue)])
                badges.stage_badge(row.stage)
            st.markdown(f"**{escape(row.name)}**")
            st.caption(escape(" · ".join(part for part in (row.code, row.author, told(row)) if part)))
        if st.button(_("Open"), key=f"review_open_{row.id}", icon=":material/arrow_forward:", type="tertiary"):
            st.switch_page(routes.REVIEW, query_params={"code": row.code})
    return bool(is_chosen)


def told(row: ReviewRow) -> str:
    """How long it waits, how long is left for the correction, or who decided when."""
    if row.due_at:
        return left(row.due_at)
    if row.state == WAITING:
        return _("waiting for {length}").format(length=_length(clock.now() - row.submitted_at))
    return _("by {name}, {time}").format(name=row.decided_by, time=format_time(row.decided_at)) if row.decided_at else ""


def left(due_at: datetime) -> str:
    """The hours left until a moment, or since when it is over."""
    now = clock.now()
    if due_at < now:
        return _("overdue since {time}").format(time=format_time(due_at))
    return _("{length} left, until {time}").format(length=_length(due_at - now), time=format_time(due_at))


def _length(time: timedelta) -> str:
    hours = int(time.total_seconds() // 3600)
    if hours < 1:
        return _("less than an hour")
    return (
        plural(hours, N_("{count} hour"), N_("{count} hours")).format(count=hours)
        if hours < 48
        else _("{count} days").format(count=time.days)
    )


def _approve(rows: list[ReviewRow]) -> None:
    with feedback.attempt() as outcome, guard.acting() as session:
        for row in rows:
            reviews.approve(session, guard.actor(), row.id, version=row.version)
    if outcome.succeeded:
        feedback.later(
            plural(
                len(rows),
                N_("{count} entry is approved and stands in the customer list."),
                N_("{count} entries are approved and stand in the customer list."),
            ).format(count=len(rows))
        )
        st.rerun(scope="app")
