"""流失预警: customers of high value at risk, with the reasons, plans to win them back, and how well the score did on the past [001]."""

import streamlit as st

from crm_core.i18n import _
from crm_core.permissions import Permission
from crm_core.services import teams
from crm_core.services.churn import plans, proof, risks, scoring
from ui import churn_filters, churn_list, churn_plan_list, churn_proof, feedback, guard, header, list_footer

actor = guard.page(Permission.CHURN_READ)
header.title(_("Churn warning"))


@guard.fragment
def draw() -> None:
    """One of the views; only this part runs again when a choice changes."""
    with guard.reading() as session:
        people, places = risks.list_owners(session, guard.actor()), teams.teams_in_view(session, guard.actor())
    filters = churn_filters.Filters(people, places)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        view = filters.draw_views()
        draw_request()
    {"risks": draw_risks, "plans": draw_plans, "proof": draw_proof}[view](filters)
    filters.keep()


def draw_request() -> None:
    """Have the scores reckoned now, instead of waiting for the night."""
    wanted = guard.actor().can(Permission.RULE_EDIT) and st.button(_("Reckon scores now"), icon=":material/refresh:", type="tertiary")
    if wanted:
        with feedback.attempt() as outcome, guard.acting() as session:
            scoring.ask(session, guard.actor())
        if outcome.succeeded:
            st.toast(_("The scores are reckoned within a minute. Open the page again then."), icon=":material/schedule:")


def draw_risks(filters: churn_filters.Filters) -> None:
    """The list of customers at risk."""
    query = filters.draw()
    with guard.reading() as session:
        page = risks.list_risks(session, guard.actor(), query)
    if page.rows:
        churn_list.draw(page)
        list_footer.draw("", page.pages, page.page)
        return
    is_filtered = query != risks.RiskQuery()
    churn_list.draw_empty(is_filtered=is_filtered, has_scores=page.day is not None)
    if is_filtered:
        st.button(_("Clear all filters"), icon=":material/filter_list_off:", on_click=filters.clear)


def draw_plans(_filters: churn_filters.Filters) -> None:
    """All plans, those that run first."""
    with guard.reading() as session:
        page = plans.list_plans(session, guard.actor(), page=int(st.session_state.get("page") or 1))
    churn_plan_list.draw(page)
    list_footer.draw("", page.pages, page.page)


def draw_proof(_filters: churn_filters.Filters) -> None:
    """How the score did on past days."""
    with guard.reading() as session:
        found = proof.get_proof(session, guard.actor())
    churn_proof.draw(found)


draw()
