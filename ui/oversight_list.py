"""What heads look after: customers to act on, how many each person has, and how many first follow-ups were made in time."""

from datetime import date, timedelta
from typing import Any

import streamlit as st
from dateutil.relativedelta import relativedelta

from crm_core import clock
from crm_core.i18n import N_, _, format_age, format_date
from crm_core.permissions import Permission
from crm_core.services import oversight, tasks
from crm_core.services.oversight import WATCHES, Rate, Tally, Watched, WatchedPage
from ui import badges, feedback, follow_up_form, forms, guard, routes
from ui.feedback import escape

TASKS = {
    "first_follow_up": N_("Make the first follow-up"),
    "no_next_step": N_("Plan the next step"),
    "quiet": N_("Get in touch again"),
}
"""What is to be done with a customer of each list, to begin with."""
EMPTY = {
    "first_follow_up": N_("Every first follow-up was made in time, or is not due yet."),
    "no_next_step": N_("Every customer has an open plan or task."),
    "quiet": N_("Every customer was contacted lately."),
}
PERIODS = {"month": N_("This month"), "last_month": N_("Last month"), "quarter": N_("Last 90 days"), "year": N_("This year")}


def draw(watch: str, page: WatchedPage, *, key: str) -> None:
    """A page of one of the lists."""
    for row in page.rows:
        _draw_row(watch, row)
    if not page.rows:
        feedback.empty_state("task_alt", _("Nobody is left waiting"), _(EMPTY[watch]))
    if page.pages > 1:
        st.pagination(page.pages, key=key)


def _draw_row(watch: str, row: Watched) -> None:
    with st.container(border=True, key=f"watched_{row.id}"):
        left, right = st.columns([3, 2], vertical_alignment="center")
        with left, st.container(gap="xsmall"):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.markdown(f"**{escape(row.name)}**", width="content")
                badges.stage_badge(row.stage)
            st.caption(escape(" · ".join((row.code, row.owner, told(watch, row)))))
        with right, st.container(horizontal=True, horizontal_alignment="right", gap="small"):
            _draw_actions(watch, row)


def told(watch: str, row: Watched) -> str:
    """Why it stands in the list."""
    if watch == "first_follow_up":
        is_over = row.first_follow_up_on is not None and row.first_follow_up_on < clock.today()
        sentence = _("the first follow-up was due on {day}") if is_over else _("the first follow-up is due until {day}")
        return sentence.format(day=format_date(row.first_follow_up_on))
    if row.last_contact_at is None:
        return _("never contacted, entered {age}").format(age=format_age(clock.day_of(row.created_at), clock.today()))
    return _("last contact {age}").format(age=format_age(clock.day_of(row.last_contact_at), clock.today()))


def _draw_actions(watch: str, row: Watched) -> None:
    actor = guard.actor()
    if st.button(_("Open"), key=f"watched_open_{row.id}", icon=":material/open_in_new:", type="tertiary"):
        st.switch_page(routes.CUSTOMER, query_params={"code": row.code})
    may_write, write = actor.can(Permission.FOLLOW_UP_WRITE), _("Write a follow-up")
    if may_write and st.button(write, key=f"watched_write_{row.id}", icon=":material/edit_note:", type="tertiary"):
        guard.dialog(write, follow_up_form.write_about, row.id, row.name)
    if tasks.leads(actor) and st.button(_("Assign task"), key=f"watched_assign_{row.id}", icon=":material/assignment_ind:"):
        guard.dialog(_("Assign task"), _assign, watch, row)


def _assign(watch: str, row: Watched) -> None:
    """A task for the owner, or for somebody else who sees the customer."""
    with guard.reading() as session:
        people = tasks.assignees(session, guard.actor())
    st.markdown(f"**{escape(row.name)}**")
    name = st.text_input(forms.required(_("What has to be done")), value=_(TASKS[watch]), max_chars=200, key=guard.key("assign_name"))
    left, right = st.columns(2)
    label, today = forms.required(_("Due")), clock.today()
    due_on = left.date_input(label, value=today, min_value=today, format="YYYY-MM-DD", key=guard.key("assign_due"))
    owner = list(people).index(row.owner_id) if row.owner_id in people else None
    assignee = right.selectbox(
        forms.required(_("Assignee")),
        list(people),
        index=owner,
        format_func=lambda number: people[number],
        key=guard.key("assign_who"),
        placeholder=_("Choose"),
    )
    description = st.text_area(_("Description"), height=80, key=guard.key("assign_description"))
    if forms.decide(_("Assign task"), is_ready=bool(assignee)):
        values: dict[str, Any] = {"name": name, "due_on": due_on, "assignee_id": assignee, "description": description}
        with feedback.attempt() as outcome, guard.acting() as session:
            tasks.create_task(session, guard.actor(), customer_id=row.id, **values)
        if outcome.succeeded:
            feedback.later(_("{name} has the task now.").format(name=people[assignee]))
            st.rerun()


def draw_tallies(tallies: list[Tally]) -> None:
    """How many customers of each person stand in each list."""
    if not tallies:
        feedback.empty_state("task_alt", _("Nobody is left waiting"), _("No customer of your team stands in one of the lists."))
        return
    rows = [{_("Owner"): one.name} | {_(watch.label): one.counts[code] for code, watch in WATCHES.items()} for one in tallies]
    st.dataframe(rows, hide_index=True, lazy=False, alt=_("By person"))


def draw_rates() -> None:
    """首次跟进 by person in a period; each rate with what it was reckoned from."""
    st.subheader(_("First follow-up rate"), anchor=False)
    period = st.segmented_control(
        _("Period"),
        list(PERIODS),
        format_func=lambda code: _(PERIODS[code]),
        default="month",
        required=True,
        key="rates_period",
        label_visibility="collapsed",
    )
    since, until = _days(period, clock.today())
    with guard.reading() as session:
        rates = oversight.first_follow_up_rates(session, guard.actor(), since, until)
    if rates:
        st.dataframe([_rate(one) for one in [*rates, *_total(rates)]], hide_index=True, lazy=False, alt=_("First follow-up rate"))
    else:
        feedback.empty_state("event_available", _("None was due"), _("No first follow-up was due in this period."))
    sentence = _("Customers whose first follow-up was due from {since} to {until}; those that lie ahead count once they are made.")
    st.caption(sentence.format(since=format_date(since), until=format_date(until)))


def _days(period: str, today: date) -> tuple[date, date]:
    first = today.replace(day=1)
    if period == "last_month":
        return first - relativedelta(months=1), first - timedelta(days=1)
    since = {"month": first, "quarter": today - timedelta(days=89), "year": today.replace(month=1, day=1)}[period]
    ahead = first + relativedelta(months=1, days=-1)
    return since, ahead if period == "month" else today


def _total(rates: list[Rate]) -> list[Rate]:
    if len(rates) < 2:
        return []
    sums = {name: sum(getattr(one, name) for one in rates) for name in ("due", "in_time", "late", "missing")}
    return [Rate(user_id=None, name=_("Together"), **sums)]


def _rate(one: Rate) -> dict[str, Any]:
    percent = "—" if one.percent is None else f"{one.percent}%"
    return {
        _("Owner"): one.name,
        _("Were due"): one.due,
        _("In time"): one.in_time,
        _("Made late"): one.late,
        _("Not made"): one.missing,
        _("Rate"): percent,
    }
