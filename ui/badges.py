"""One fixed colour for every state, the same in badges, tables and charts, readable in light and dark."""

from collections.abc import Callable, Mapping
from datetime import date

import streamlit as st

from crm_core.clock import today
from crm_core.i18n import N_, _, format_date, plural
from crm_core.models import KINDS, REVIEW_STATES, STAGES, TIERS, ReviewState
from ui import feedback

STAGE_COLOURS = {"prospect": "gray", "qualified": "blue", "customer": "green", "partner": "violet", "churned": "red"}
TIER_COLOURS = {"A": "orange", "B": "blue", "C": "gray"}
SOON = 7
NO_TAGS: Mapping[str, str] = {}
"""Days that are shown as a warning."""
ACTIVITY_COLOURS = {"active": "green", "dormant": "orange", "churned": "red"}
ACTIVITY_CHART_COLOURS = {"active": "#14A08E", "dormant": "#D97706", "churned": "#E0526A"}
CHART_COLOURS = {"prospect": "#7C8B94", "qualified": "#3B82F6", "customer": "#14A08E", "partner": "#9061F9", "churned": "#E0526A"}

REVIEW_COLOURS = {"waiting": "orange", "returned": "red", "approved": "green", "withdrawn": "gray"}


def stage_badge(stage: str, *kind: str) -> None:
    """The lifecycle stage, and the nature where it is given."""
    badges = [(STAGE_COLOURS[stage], _(STAGES[stage])), *(("gray", _(KINDS[one])) for one in kind)]
    st.markdown(" ".join(f":{colour}-badge[{label}]" for colour, label in badges))


def hold_badge(*, is_on_hold: bool) -> None:
    """法律保留, where there is one."""
    if is_on_hold:
        st.badge(_("Legal hold"), color="violet", icon=":material/gavel:")


def review_badge(state: str, *, is_overdue: bool) -> None:
    """Where a review stands."""
    if is_overdue:
        st.badge(_("Overdue"), color="red", icon=":material/alarm:")
    else:
        st.badge(_(REVIEW_STATES[ReviewState(state)]), color=REVIEW_COLOURS[state])


def customer_badges(
    stage: str,
    kind: str,
    tier: str | None,
    *,
    is_incomplete: bool,
    is_on_hold: bool = False,
    tags: Mapping[str, str] = NO_TAGS,
    standing: Callable[[], None] | None = None,
    before: Callable[[], None] | None = None,
) -> None:
    """All states of a customer in one row; `tags` come with the reason of those that a rule set.

    `standing` draws tier and status, `before` what stands in front of all.
    """
    with st.container(horizontal=True, gap="xsmall"):
        if before:
            before()
        hold_badge(is_on_hold=is_on_hold)
        stage_badge(stage, kind)
        if standing:
            standing()
        elif tier:
            st.badge(_(TIERS[tier]), color=TIER_COLOURS[tier])
        if is_incomplete:
            st.badge(_("Incomplete"), color="orange", icon=":material/warning:")
        for tag, reason in tags.items():
            feedback.badge(
                tag,
                color="primary",
                icon=":material/bolt:" if reason else ":material/sell:",
                help=feedback.escape(_("Set by a rule: {reason}").format(reason=reason)) if reason else None,
            )


def deadline_badge(day: date | None) -> None:
    """In how many days a customer goes back to the pool; nothing for one that does not."""
    if day is None:
        return
    days = max(0, (day - today()).days)
    text = plural(
        days,
        N_("Back to the pool in {days} day, on {day}, unless there is contact"),
        N_("Back to the pool in {days} days, on {day}, unless there is contact"),
    ).format(days=days, day=format_date(day))
    st.badge(text, color="orange" if days <= SOON else "gray", icon=":material/hourglass_bottom:")
