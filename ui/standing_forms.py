"""The forms of the rules for tier, status and verification: thresholds, what they would change, saving them."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import streamlit as st

from crm_core.db import CrmSession
from crm_core.i18n import N_, _, format_money, plural
from crm_core.models import ACTIVITIES, TIERS
from crm_core.permissions import Actor
from crm_core.services import activity, tiers, verification_plan
from crm_core.services.activity import ActivityPolicy
from crm_core.services.tiers import TierPolicy
from crm_core.services.verification_plan import VerificationPolicy
from ui import feedback, guard, rule_forms
from ui.badges import ACTIVITY_COLOURS, TIER_COLOURS


def _box(title: str, icon: str, explained: str) -> AbstractContextManager[object]:
    box = st.container(border=True)
    with box:
        st.subheader(f":material/{icon}: {title}", anchor=False)
        st.caption(explained)
    return box


def _save_button(area: str, keep: Callable[[CrmSession, Actor, int], None], *, is_ready: bool = True) -> None:
    if st.button(_("Save"), key=f"{area}_save", type="primary", icon=":material/check:", disabled=not is_ready):
        rule_forms.save(area, keep, told=_("The rule is saved and applied to all customers."))


def draw_tiers(policy: TierPolicy, version: int) -> None:
    """Amounts from which a customer is tier A or B, and whom they move."""
    explained = _(
        "A year's amount is the sum of the contracts signed in the last twelve months. A customer without contracts counts with the"
        " total that was entered, shared equally among the years from the first to the latest cooperation, if that is not more than"
        " twelve months ago. Tiers set by hand, and those of customers without any amount, stay."
    )
    amounts = {key: format_money(amount).removeprefix("¥") for key, amount in (("tier_a", policy.a_from), ("tier_b", policy.b_from))}
    rule_forms.open_form("tier", amounts, version)
    with _box(_("Tier by amount of a year"), "military_tech", explained):
        left, right = st.columns(2)
        a_from = left.text_input(_("Tier A from (yuan)"), key="tier_a")
        b_from = right.text_input(_("Tier B from (yuan)"), key="tier_b")
        with feedback.attempt() as entered:
            wanted = tiers.check_tier_policy(a_from, b_from)
            _preview_tiers(wanted)

        def keep(session: CrmSession, actor: Actor, seen: int) -> None:
            tiers.save_tier_policy(session, actor, wanted, version=seen)

        _save_button("tier", keep, is_ready=entered.succeeded)


def _preview_tiers(wanted: TierPolicy) -> None:
    with guard.reading() as session:
        moves = tiers.preview_tiers(session, guard.actor(), wanted)
    if not moves:
        st.caption(_("With these amounts no customer changes its tier."))
        return
    count = sum(moves.values())
    told = plural(
        count, N_("With these amounts {count} customer changes its tier:"), N_("With these amounts {count} customers change their tier:")
    )
    st.markdown(told.format(count=f"{count:,}"))
    nothing = _("none")
    with st.container(horizontal=True, gap="small"):
        for (before, after), moved in sorted(moves.items(), key=lambda move: (move[0][0] or "", move[0][1])):
            start = f":{TIER_COLOURS[before]}-badge[{before}]" if before else f":gray-badge[{nothing}]"
            st.markdown(f"{start} → :{TIER_COLOURS[after]}-badge[{after}] {moved:,}", width="content")


def draw_activity(policy: ActivityPolicy, version: int) -> None:
    """Days until a customer is dormant or lost."""
    explained = _("Counted from the latest contact or contract; where neither is known, from the day of entry.")
    rule_forms.open_form("activity", {"activity_dormant": policy.dormant_after, "activity_lost": policy.lost_after}, version)
    with _box(_("Customer status"), "vital_signs", explained):
        left, right = st.columns(2)
        limits = {"min_value": 1, "max_value": activity.LONGEST}
        dormant = left.number_input(_("Dormant after (days)"), key="activity_dormant", **limits)
        lost = right.number_input(_("Lost after (days)"), key="activity_lost", **limits)
        wanted = ActivityPolicy(int(dormant), int(lost))
        with feedback.attempt() as entered, guard.reading() as session:
            counts = activity.preview_activity(session, guard.actor(), wanted)
            with st.container(horizontal=True, gap="small"):
                for code, label in ACTIVITIES.items():
                    words = _(label)
                    st.markdown(f":{ACTIVITY_COLOURS[code]}-badge[{words}] {counts.get(code, 0):,}", width="content")

        def keep(session: CrmSession, actor: Actor, seen: int) -> None:
            activity.save_activity_policy(session, actor, wanted, version=seen)

        _save_button("activity", keep, is_ready=entered.succeeded)


def draw_verification(policy: VerificationPolicy, version: int) -> None:
    """How often data are checked."""
    explained = _(
        "When the day comes, the owner gets a task. Customers that were never verified get their first day spread over the whole period."
    )
    months = {"verify_high": policy.high_months, "verify_other": policy.other_months}
    rule_forms.open_form("verify", months | {"verify_tiers": list(policy.high_tiers)}, version)
    with _box(_("Periodic verification"), "fact_check", explained):
        high = st.pills(
            _("Tiers of high value"),
            list(TIERS),
            selection_mode="multi",
            format_func=lambda code: _(TIERS[code]),
            key="verify_tiers",
        )
        left, right = st.columns(2)
        limits = {"min_value": 1, "max_value": verification_plan.LONGEST}
        high_months = left.number_input(_("High value: every (months)"), key="verify_high", **limits)
        other_months = right.number_input(_("Others: every (months)"), key="verify_other", **limits)
        wanted = VerificationPolicy(tuple(sorted(high)), int(high_months), int(other_months))

        def keep(session: CrmSession, actor: Actor, seen: int) -> None:
            verification_plan.save_verification_policy(session, actor, wanted, version=seen)

        _save_button("verify", keep)


def _save_verification(wanted: VerificationPolicy, version: int) -> None:
    with guard.acting() as session:
        verification_plan.save_verification_policy(session, guard.actor(), wanted, version=version)
