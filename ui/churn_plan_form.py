"""The dialogs of a win-back plan: begun from a template with its tasks, ended with what came of it."""

import streamlit as st

from crm_core import clock
from crm_core.i18n import _
from crm_core.models import PLAN_OUTCOMES
from crm_core.services import tasks
from crm_core.services.churn import plans
from crm_core.services.churn.plans import ListedPlan, PlannedStep
from crm_core.services.churn.policy import Template, get_churn_policy
from crm_core.workdays import add_workdays
from ui import feedback, forms, guard
from ui.feedback import escape


def open_new(customer_id: int, name: str, owner_id: int | None) -> None:
    """Ask which plan, and for whom its tasks are."""
    guard.dialog(_("Begin a win-back plan"), begin, customer_id, name, owner_id)


def begin(customer_id: int, name: str, owner_id: int | None) -> None:
    """The dialog; where a plan runs already it says which."""
    with guard.reading() as session:
        people, templates = tasks.assignees(session, guard.actor()), get_churn_policy(session)[0].plans
        running = plans.running_plan(session, customer_id)
    st.markdown(f"**{escape(name)}**")
    if running:
        feedback.refusal(plans.runs_already(running))
        return
    left, right = st.columns(2)
    place = left.selectbox(
        forms.required(_("Template")),
        list(range(len(templates))),
        format_func=lambda one: templates[one].name,
        key=guard.key("plan_template"),
    )
    owner = list(people).index(owner_id) if owner_id in people else None
    assignee = right.selectbox(
        forms.required(_("Assignee")),
        list(people),
        index=owner,
        format_func=lambda number: people[number],
        key=guard.key("plan_who"),
        placeholder=_("Choose"),
    )
    steps = _draw_steps(templates[place], place)
    if forms.decide(_("Begin plan"), icon=":material/handshake:", is_ready=bool(assignee)):
        values = {"name": templates[place].name, "steps": steps, "assignee_id": assignee}
        with feedback.attempt() as outcome, guard.acting() as session:
            plans.start_plan(session, guard.actor(), customer_id, **values)
        if outcome.succeeded:
            feedback.later(_("The plan has begun; {name} has its tasks.").format(name=people[assignee]))
            st.rerun()


def _draw_steps(template: Template, place: int) -> list[PlannedStep]:
    """The tasks of the template, each to be changed; one without words is left out."""
    st.caption(_("Tasks of the plan. Change what they say and when they are due; an empty one is left out."))
    found = []
    for number, step in enumerate(template.steps):
        left, right = st.columns([3, 1], vertical_alignment="bottom")
        label = _("Task {number}").format(number=number + 1)
        name = left.text_input(label, value=step.name, max_chars=200, key=guard.key(f"plan_step_{place}_{number}"))
        today = clock.today()
        due = right.date_input(
            _("Due"),
            value=add_workdays(today, step.workdays),
            min_value=today,
            format="YYYY-MM-DD",
            key=guard.key(f"plan_due_{place}_{number}"),
        )
        found.append(PlannedStep(name, due))
    return found


def open_end(plan: ListedPlan) -> None:
    """Ask what came of a plan."""
    guard.dialog(_("End the plan"), _end, plan)


def _end(plan: ListedPlan) -> None:
    st.markdown(f"**{escape(plan.customer)}** · {escape(plan.name)}")
    chosen = st.radio(
        forms.required(_("Outcome")),
        list(PLAN_OUTCOMES),
        index=None,
        format_func=lambda code: _(PLAN_OUTCOMES[code]),
        key=guard.key("plan_outcome"),
    )
    remark = st.text_input(_("Remark"), max_chars=300, key=guard.key("plan_remark"))
    if plan.steps_done < plan.steps:
        st.caption(_("Its tasks that are still open are cancelled."))
    if forms.decide(_("Save outcome"), is_ready=chosen is not None):
        with feedback.attempt() as outcome, guard.acting() as session:
            plans.end_plan(session, guard.actor(), plan.id, chosen or "", remark=remark, version=plan.version)
        if outcome.succeeded:
            feedback.later(_("The plan has ended."))
            st.rerun()
