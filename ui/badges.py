"""One fixed colour for every state, the same in badges, tables and charts, readable in light and dark."""

import streamlit as st

from crm_core.i18n import _
from crm_core.models import KINDS, STAGES, TIERS
from ui import feedback

STAGE_COLOURS = {"prospect": "gray", "qualified": "blue", "customer": "green", "partner": "violet", "churned": "red"}
TIER_COLOURS = {"A": "orange", "B": "blue", "C": "gray"}
CHART_COLOURS = {"prospect": "#7C8B94", "qualified": "#3B82F6", "customer": "#14A08E", "partner": "#9061F9", "churned": "#E0526A"}


def stage_badge(stage: str) -> None:
    """The lifecycle stage."""
    st.badge(_(STAGES[stage]), color=STAGE_COLOURS[stage])


def hold_badge(*, is_on_hold: bool) -> None:
    """法律保留, where there is one."""
    if is_on_hold:
        st.badge(_("Legal hold"), color="violet", icon=":material/gavel:")


def customer_badges(stage: str, kind: str, tier: str | None, *, is_incomplete: bool, tags: list[str]) -> None:
    """All states of a customer in one row."""
    with st.container(horizontal=True, gap="xsmall"):
        stage_badge(stage)
        st.badge(_(KINDS[kind]), color="gray")
        if tier:
            st.badge(_(TIERS[tier]), color=TIER_COLOURS[tier])
        if is_incomplete:
            st.badge(_("Incomplete"), color="orange", icon=":material/warning:")
        for tag in tags:
            feedback.badge(tag, color="primary", icon=":material/sell:")
