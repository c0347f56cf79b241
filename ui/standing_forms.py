"""The forms of the rules for tier, status and verification: thresholds, what they would change, saving them."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import streamlit as st

from crm_core.errors import Conflict
from crm_core.i18n import _, format_money
from crm_core.models import ACTIVITIES, TIERS
from crm_core.services import activity, tiers, verification_plan
from crm_core.services.activity import ActivityPolicy
from crm_core.services.tiers import TierPolicy
from crm_core.services.verification_plan import VerificationPolicy
from ui import feedback, guard
from ui.badges import ACTIVITY_COLOURS, TIER_COLOURS


def _box(title: str, icon: str, explained: str) -> AbstractContextManager[object]:
    box = st.container(border=True)
    with box:
        st.subheader(f":material/{icon}: {title}", anchor=False)
        st.caption(explained)
    return box


def _saved(save: Callable[[], None]) -> None:
    with feedback.attempt(show=False) as outcome:
        save()
    if outcome.succeeded:
        feedback.later(_("The rule is saved and applied to all customers."))
        st.rerun()
    if isinstance(outcome.error, Conflict):
        feedback.refusal(_("Somebody else changed this rule meanwhile. Reload the page to see it, then enter yours again."))
    elif outcome.error:
        feedback.explain(outcome.error)


def draw_tiers(policy: TierPolicy, version: int) -> None:
    """Amounts from which a customer is tier A or B, and whom they move."""
    explained = _(
        "A year's amount is the sum of the contracts signed in the last twelve months. A customer without contracts counts with the"
        " total that was entered, shared equally among the years from the first to the latest cooperation, if that is not more than"
        " twelve months ago. Tiers set by hand, and those of customers without any amount, stay."
    )
    with _box(_("Tier by amount of a year"), "military_tech", explained):
        left, right = st.columns(2)
        a_from = left.text_input(_("Tier A from (yuan)"), value=format_money(policy.a_from).removeprefix("¥"), key="tier_a")
        b_from = right.text_input(_("Tier B from (yuan)"), value=format_money(policy.b_from).removeprefix("¥"), key="tier_b")
        with feedback.attempt() as entered:
            wanted = tiers.check_tier_policy(a_from, b_from)
            _preview_tiers(wanted)
        if st.button(_("Save"), key="tier_save", type="primary", icon=":material/check:", disabled=not entered.succeeded):
            _saved(lambda: _save_tiers(wanted, version))


def _preview_tiers(wanted: TierPolicy) -> None:
    with guard.reading() as session:
        moves = tiers.preview_tiers(session, guard.actor(), wanted)
    if not moves:
        st.caption(_("With these amounts no customer changes its tier."))
        return
    st.markdown(_("With these amounts {count} customers change their tier:").format(count=f"{sum(moves.values()):,}"))
    nothing = _("none")
    with st.container(horizontal=True, gap="small"):
        for (before, after), count in sorted(moves.items(), key=lambda move: (move[0][0] or "", move[0][1])):
            start = f":{TIER_COLOURS[before]}-badge[{before}]" if before else f":gray-badge[{nothing}]"
            st.markdown(f"{start} → :{TIER_COLOURS[after]}-badge[{after}] {count:,}", width="content")


def _save_tiers(wanted: TierPolicy, version: int) -> None:
    with guard.acting() as session:
        tiers.save_tier_policy(session, guard.actor(), wanted, version=version)


def draw_activity(policy: ActivityPolicy, version: int) -> None:
    """Days until a customer is dormant or lost."""
    explained = _("Counted from the latest contact or contract; where neither is known, from the day of entry.")
    with _box(_("Customer status"), "vital_signs", explained):
        left, right = st.columns(2)
        limits = {"min_value": 1, "max_value": activity.LONGEST}
        dormant = left.number_input(_("Dormant after (days)"), value=policy.dormant_after, key="activity_dormant", **limits)
        lost = right.number_input(_("Lost after (days)"), value=policy.lost_after, key="activity_lost", **limits)
        wanted = ActivityPolicy(int(dormant), int(lost))
        with feedback.attempt() as entered, guard.reading() as session:
            counts = activity.preview_activity(session, guard.actor(), wanted)
            with st.container(horizontal=True, gap="small"):
                for code, label in ACTIVITIES.items():
                    words = _(label)
                    st.markdown(f":{ACTIVITY_COLOURS[code]}-badge[{words}] {counts.get(code, 0):,}", width="content")
        if st.button(_("Save"), key="activity_save", type="primary", icon=":material/check:", disabled=not entered.succeeded):
            _saved(lambda: _save_activity(wanted, version))


def _save_activity(wanted: ActivityPolicy, version: int) -> None:
    with guard.acting() as session:
        activity.save_activity_policy(session, guard.actor(), wanted, version=version)


def draw_verification(policy: VerificationPolicy, version: int) -> None:
    """How often data are checked."""
    explained = _(
        "When the day comes, the owner gets a task. Customers that were never verified get their first day spread over the whole period."
    )
    with _box(_("Periodic verification"), "fact_check", explained):
        high = st.pills(
            _("Tiers of high value"),
            list(TIERS),
            selection_mode="multi",
            default=list(policy.high_tiers),
            format_func=lambda code: _(TIERS[code]),
            key="verify_tiers",
        )
        left, right = st.columns(2)
        limits = {"min_value": 1, "max_value": verification_plan.LONGEST}
        high_months = left.number_input(_("High value: every (months)"), value=policy.high_months, key="verify_high", **limits)
        other_months = right.number_input(_("Others: every (months)"), value=policy.other_months, key="verify_other", **limits)
        wanted = VerificationPolicy(tuple(sorted(high)), int(high_months), int(other_months))
        if st.button(_("Save"), key="verify_save", type="primary", icon=":material/check:"):
            _saved(lambda: _save_verification(wanted, version))


def _save_verification(wanted: VerificationPolicy, version: int) -> None:
    with guard.acting() as session:
        verification_plan.save_verification_policy(session, guard.actor(), wanted, version=version)
