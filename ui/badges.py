"""One fixed colour for every state, the same in badges, tables and charts, readable in light and dark."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import streamlit as st

from crm_core.clock import today
from crm_core.i18n import N_, _, format_date, plural
from crm_core.models import KINDS, REVIEW_STATES, STAGES, TIERS, ReviewState
from ui import feedback

STAGE_COLOURS = {"prospect": "gray", "qualified": "blue", "customer": "green", "partner": "violet", "churned": "red"}
TIER_COLOURS = {"A": "orange", "B": "blue", "C": "gray"}
SOON = 7
"""Days that are shown as a warning."""
NO_TAGS: Mapping[str, str] = {}
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


@dataclass(frozen=True)
class Badge:
    """One state in a row of them; `reason` says why it is so. Both are plain text."""

    text: str
    colour: str
    icon: str = ""
    reason: str = ""


def review_badge(state: str, *, is_overdue: bool) -> Badge:
    """Where a review stands."""
    return Badge(_("Overdue"), "red", "alarm") if is_overdue else Badge(_(REVIEW_STATES[ReviewState(state)]), REVIEW_COLOURS[state])


def of_customer(
    stage: str,
    kind: str,
    *,
    is_incomplete: bool,
    is_on_hold: bool = False,
    tags: Mapping[str, str] = NO_TAGS,
    standing: Iterable[Badge] = (),
    before: Iterable[Badge] = (),
) -> list[Badge]:
    """All states of a customer, after those of `before`; `tags` come with the reason of those that a rule set."""
    return [
        *before,
        *([Badge(_("Legal hold"), "violet", "gavel")] if is_on_hold else []),
        Badge(_(STAGES[stage]), STAGE_COLOURS[stage]),
        Badge(_(KINDS[kind]), "gray"),
        *standing,
        *([Badge(_("Incomplete"), "orange", "warning")] if is_incomplete else []),
        *(_tag(name, reason) for name, reason in sorted(tags.items(), key=lambda tag: bool(tag[1]))),
    ]


def _tag(name: str, reason: str) -> Badge:
    if not reason:
        return Badge(name, "primary", "sell")
    return Badge(name, "primary", "bolt", _("Set by a rule: {reason}").format(reason=reason))


def customer_badges(stage: str, kind: str, tier: str | None, *, is_incomplete: bool, before: Iterable[Badge] = ()) -> None:
    """The states of a customer in one row."""
    standing = [Badge(_(TIERS[tier]), TIER_COLOURS[tier])] if tier else []
    draw_row(of_customer(stage, kind, is_incomplete=is_incomplete, standing=standing, before=before))


def draw_row(badges: Iterable[Badge]) -> None:
    """Badges as one text, their reasons together behind the mark at its end: each badge by itself takes the browser as long as all."""
    shown = list(badges)
    reasons = [f"**{feedback.escape(one.text)}**  \n{feedback.escape(one.reason)}" for one in shown if one.reason]
    st.markdown(" ".join(map(_as_markdown, shown)), help="\n\n".join(reasons) or None, width="content")


def _as_markdown(badge: Badge) -> str:
    icon = f":material/{badge.icon}: " if badge.icon else ""
    return f":{badge.colour}-badge[{icon}{feedback.escape(badge.text)}]"


def deadline(day: date) -> Badge:
    """In how many days a customer goes back to the pool."""
    days = max(0, (day - today()).days)
    text = plural(
        days,
        N_("Back to the pool in {days} day, on {day}, unless there is contact"),
        N_("Back to the pool in {days} days, on {day}, unless there is contact"),
    ).format(days=days, day=format_date(day))
    return Badge(text, "orange" if days <= SOON else "gray", "hourglass_bottom")
