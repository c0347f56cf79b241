"""One's own reports with their progress, and the schedules that bring more."""

from functools import partial

import streamlit as st

from crm_core.i18n import _, format_time, join_words
from crm_core.models import REPORT_STATES, RHYTHMS
from crm_core.services.reports import making, schedules
from crm_core.services.reports.making import Listed
from crm_core.services.reports.order import FORMATS
from crm_core.services.reports.schedules import Planned
from ui import feedback, forms, guard
from ui.feedback import escape
from ui.report_form import WEEKDAYS

COLOURS = {"waiting": "gray", "building": "blue", "done": "green", "failed": "red"}
FOLLOWED_EVERY = 2
"""Seconds between two looks at a report that is being built."""


def draw() -> None:
    """The reports, looked at again and again while one of them is being built."""
    with guard.reading() as session:
        is_followed = any(report.is_unfinished for report in making.list_reports(session, guard.actor()))
    guard.fragment(_draw_rows, run_every=FOLLOWED_EVERY if is_followed else None)(is_followed=is_followed)


def _draw_rows(*, is_followed: bool) -> None:
    with guard.reading() as session:
        reports = making.list_reports(session, guard.actor())
    if is_followed and not any(report.is_unfinished for report in reports):
        st.rerun(scope="app")  # nothing is left to follow
    if not reports:
        hint = _("Press New report and choose dashboards, days and format. A report holds what you may see, and nobody else gets it.")
        feedback.empty_state("lab_profile", _("No reports yet"), hint)
    for report in reports:
        _draw_report(report)


def _draw_report(report: Listed) -> None:
    with st.container(border=True, key=f"report_{report.id}", horizontal=True, vertical_alignment="center"):
        with st.container(gap="xsmall"):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.markdown(f"**{escape(report.name)}**", width="content")
                feedback.badge(_(REPORT_STATES[report.state]), color=COLOURS[report.state])
            st.caption(escape(" · ".join(_facts(report))))
            if report.is_unfinished:
                st.progress(report.progress / 100, text=_("{percent}% done").format(percent=report.progress))
            if report.error:
                st.markdown(f":material/error: {escape(report.error)}")
        if report.state == "done":
            st.link_button(_("Download"), f"/files/reports/{report.id}", icon=":material/download:", type="primary")
        if st.button(_("Delete"), key=f"report_delete_{report.id}", icon=":material/delete:", type="tertiary"):
            guard.dialog(_("Delete report"), _delete_report, report)


def _facts(report: Listed) -> list[str]:
    facts = [_(FORMATS[report.format]), " – ".join(report.days), format_time(report.created_at)]
    facts += [_("scheduled")] if report.is_scheduled else []
    facts += [_size(report.size)] if report.size else []
    return [*facts, report.reason]


def _size(size: int) -> str:
    return f"{size / 1024 / 1024:.1f} MB" if size >= 1024 * 1024 else f"{max(size // 1024, 1)} KB"


def _delete_report(report: Listed) -> None:
    st.markdown(escape(_("Delete the report “{name}” and its file?").format(name=report.name)))
    if forms.decide(_("Delete"), icon=":material/delete:"):
        guard.act(_("The report was deleted."), lambda session: making.delete_report(session, guard.actor(), report.id))


def draw_schedules() -> None:
    """The actor's own schedules."""
    with guard.reading() as session:
        planned = schedules.list_schedules(session, guard.actor())
    if not planned:
        hint = _("Press New scheduled report to send a report every week, month or quarter to people you choose.")
        feedback.empty_state("event_repeat", _("No scheduled reports yet"), hint)
    for one in planned:
        _draw_schedule(one)


def _draw_schedule(one: Planned) -> None:
    with st.container(border=True, key=f"schedule_{one.id}", horizontal=True, vertical_alignment="center"):
        with st.container(gap="xsmall"):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.markdown(f"**{escape(one.name)}**", width="content")
                feedback.badge(_("Runs") if one.is_active else _("Paused"), color="green" if one.is_active else "gray")
            st.caption(escape(_when(one)))
            st.caption(escape(_("To {names}").format(names=join_words(one.receiver_names))))
            st.caption(escape(making.describe(one.order)))
        label, icon = (_("Pause"), "pause") if one.is_active else (_("Resume"), "play_arrow")
        if st.button(label, key=f"schedule_pause_{one.id}", icon=f":material/{icon}:", type="tertiary"):
            pause = partial(schedules.pause_schedule, is_active=not one.is_active)
            guard.act(_("The schedule was changed."), lambda session: pause(session, guard.actor(), one.id))
        if st.button(_("Delete"), key=f"schedule_delete_{one.id}", icon=":material/delete:", type="tertiary"):
            guard.dialog(_("Delete scheduled report"), _delete_schedule, one)


def _when(one: Planned) -> str:
    number = one.rhythm.day
    day = _(WEEKDAYS[number - 1]) if one.rhythm.name == "weekly" else _("day {number}").format(number=number)
    told = [_(RHYTHMS[one.rhythm.name]), day, f"{one.rhythm.at:%H:%M}"]
    if one.is_active:
        told.append(_("next time {time}").format(time=format_time(one.next_at)))
    return " · ".join(told)


def _delete_schedule(one: Planned) -> None:
    st.markdown(escape(_("Delete the schedule “{name}”? Reports that it has made stay.").format(name=one.name)))
    if forms.decide(_("Delete"), icon=":material/delete:"):
        guard.act(_("The schedule was deleted."), lambda session: schedules.delete_schedule(session, guard.actor(), one.id))
