"""The win-back plans with what came of them, and the rate of success."""

import streamlit as st

from crm_core import clock
from crm_core.i18n import N_, _, format_date, plural
from crm_core.models import PLAN_OUTCOMES
from crm_core.permissions import Permission
from crm_core.services.churn.plans import RUNNING, ListedPlan, PlanPage
from ui import churn_plan_form, feedback, guard, routes
from ui.feedback import escape

COLOURS = {"won_back": "green", "kept": "blue", "lost": "red"}


def draw(page: PlanPage) -> None:
    """A page of plans below what they all came to."""
    if not page.total:
        feedback.empty_state("handshake", _("No win-back plan yet"), _("A plan begins in the list of customers at risk: Win back."))
        return
    _draw_figures(page)
    for row in page.rows:
        _draw_row(row)


def _draw_figures(page: PlanPage) -> None:
    shown = {_("Running"): f"{page.outcomes[RUNNING]:,}"}
    shown |= {_(label): f"{page.outcomes[code]:,}" for code, label in PLAN_OUTCOMES.items()}
    shown[_("Success rate")] = "—" if page.percent is None else f"{page.percent}%"
    with st.grid(5, min_column_width=120):
        for label, value in shown.items():
            st.metric(label, value, border=True)
    sentence = _("Success rate: {succeeded} won back or kept of {ended} plans that ended, whenever they began.")
    st.caption(sentence.format(succeeded=page.succeeded, ended=page.ended))


def _draw_row(row: ListedPlan) -> None:
    with st.container(border=True, key=f"plan_{row.id}", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            with st.container(horizontal=True, vertical_alignment="center", gap="small", width="stretch"):
                if st.button(f"**{escape(row.customer)}** :material/chevron_right:", key=f"plan_open_{row.id}", type="tertiary"):
                    st.switch_page(routes.CUSTOMER, query_params={"code": row.code})
                st.markdown(escape(row.name), width="content")
                if row.outcome:
                    st.badge(_(PLAN_OUTCOMES[row.outcome]), color=COLOURS[row.outcome])
                else:
                    st.badge(_("Plan is running"), color="blue", icon=":material/handshake:")
            may_end = row.outcome is None and guard.actor().can(Permission.CUSTOMER_EDIT)
            if may_end and st.button(_("End plan"), key=f"plan_end_{row.id}", icon=":material/flag:"):
                churn_plan_form.open_end(row)
        if row.remark:
            st.markdown(escape(row.remark))
        st.caption(escape(" · ".join(_facts(row))))


def _facts(row: ListedPlan) -> list[str]:
    begun = _("begun {day} by {name}").format(day=format_date(clock.day_of(row.started_at)), name=row.started_by)
    days = plural(row.days, N_("{days} day"), N_("{days} days")).format(days=row.days)
    steps = plural(row.steps, N_("{done} of {count} task done"), N_("{done} of {count} tasks done"))
    facts = [begun, days, steps.format(done=row.steps_done, count=row.steps)]
    if row.score is not None:
        now = _("none") if row.score_now is None else str(round(row.score_now))
        facts.append(_("score {before}, now {now}").format(before=round(row.score), now=now))
    return [*facts, row.owner or _("Pool")]
