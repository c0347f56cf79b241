"""Jobs as rows, each with a button that runs it now."""

from collections.abc import Sequence

import streamlit as st

from crm_core.i18n import N_, _, format_time, plural
from crm_core.services import job_list
from crm_core.services.job_list import JobState
from ui import feedback, guard


def draw(jobs: Sequence[JobState]) -> None:
    """One row a job: when it ran, how long, when it comes next, and what went wrong."""
    for job in jobs:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            with st.container(gap=None):
                st.markdown(f"**{job.label}**")
                st.caption(feedback.escape(" · ".join(_facts(job))))
                if job.error:
                    phrases = N_("The last run failed: {error}"), N_("It failed {count} times in a row: {error}")
                    failed = plural(job.failures, *phrases).format(count=job.failures, error=job.error)
                    st.markdown(f":red[:material/error: {feedback.escape(failed)}]")
            if st.button(_("Run now"), key=f"run_{job.name}", icon=":material/play_arrow:", type="tertiary"):
                _run(job.name)


def _facts(job: JobState) -> list[str]:
    last = _("last run {time}").format(time=format_time(job.finished_at)) if job.finished_at else _("never ran")
    took = [_took(job.took_ms)] if job.took_ms is not None else []
    if job.running_since:
        return [last, *took, _("runs since {time}").format(time=format_time(job.running_since))]
    return [last, *took, _("next run {time}").format(time=format_time(job.due_at)) if job.due_at else _("next run at once")]


def _took(milliseconds: int) -> str:
    if milliseconds < 1000:
        return _("took {count} ms").format(count=milliseconds)
    return _("took {seconds} s").format(seconds=f"{milliseconds / 1000:.1f}")


def _run(name: str) -> None:
    with feedback.attempt() as outcome, guard.acting() as session:
        job_list.run_now(session, guard.actor(), name)
    if outcome.succeeded:
        feedback.later(_("The job runs with the next round, within seconds. Reload the page to see how it went."))
        st.rerun()
