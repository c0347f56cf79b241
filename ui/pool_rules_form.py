"""The form of the pool's rules: switches, days by type and tier, limits."""

from typing import Any

import streamlit as st

from crm_core.db import CrmSession
from crm_core.i18n import N_, _
from crm_core.models import STAGES, TIERS
from crm_core.permissions import Actor
from crm_core.services import pool_rules
from crm_core.services.pool_rules import LONGEST, NO_TIER, PoolRules
from ui import rule_forms

TIER_LABELS = {**TIERS, NO_TIER: N_("No tier")}
NUMBERS = {
    "notice_days": (
        N_("Notice, days before"),
        N_("So early the owner is told. Nothing is recycled sooner than that after the notice."),
        0,
        60,
    ),
    "cooling_days": (N_("Cooling-off, days"), N_("So long whoever had the customer before may not claim it."), 0, LONGEST),
    "daily_claims": (N_("Claims a day"), N_("For each person; empty for no limit."), 1, 1000),
    "holding": (N_("Customers a person may hold"), N_("Who holds as many claims no more; empty for no limit."), 1, 100_000),
    "undo_days": (N_("Undo of a transfer, days"), N_("So long a transfer can be taken back."), 0, 90),
}


def explain() -> None:
    """What the rules do, and what counts as contact."""
    st.caption(
        _(
            "A customer goes back to the pool when nobody had contact with it for so many days. Contact is: a follow-up, a day of"
            " cooperation, checked data, a task that was done, a new owner. Legal hold, archive and review are left alone."
        )
    )


def open_form(rules: PoolRules, version: int) -> None:
    """Put the rules into the form."""
    values: dict[str, Any] = {f"pool.{name}": getattr(rules, name) for name in ("is_on", "recycles", *NUMBERS)}
    values |= {f"pool.{name}": list(getattr(rules, name)) for name in ("excluded_stages", "excluded_tiers")}
    for stage in STAGES:
        values[f"pool.{stage}.contract"] = rules.contract_days.get(stage)
        values |= {f"pool.{stage}.{tier}": rules.contact_days.get(stage, {}).get(tier) for tier in TIER_LABELS}
    rule_forms.open_form("pool_rules", values, version)


def draw() -> None:
    """All rules."""
    with st.container(border=True):
        st.toggle(_("Customers can be released into the pool"), key="pool.is_on")
        help_text = _("Off until your team notes its contacts here; no day before it is switched on counts.")
        st.toggle(_("What is left alone goes back to the pool by itself"), key="pool.recycles", help=help_text)
        left, right = st.columns(2)
        _draw_excluded(left, "excluded_stages", _("Types that are never recycled"), STAGES)
        _draw_excluded(right, "excluded_tiers", _("Tiers that are never recycled"), TIER_LABELS)
    with st.container(border=True):
        st.subheader(_("Days until a customer goes back"), anchor=False)
        st.caption(_("Days without contact by tier, and days without cooperation however often there was contact. Empty: never."))
        for stage in STAGES:
            _draw_days(stage)
    with st.container(border=True):
        st.subheader(_("Limits"), anchor=False)
        with st.grid(3, min_column_width=220):
            for name, (label, hint, least, most) in NUMBERS.items():
                st.number_input(_(label), min_value=least, max_value=most, value=None, step=1, key=f"pool.{name}", help=_(hint))


def _draw_excluded(place: Any, name: str, label: str, choices: dict[Any, str]) -> None:
    place.multiselect(label, list(choices), format_func=lambda code: _(choices[code]), key=f"pool.{name}", placeholder=_("None"))


def _draw_days(stage: str) -> None:
    st.markdown("**" + _(STAGES[stage]) + "**")
    with st.container(horizontal=True):
        labels = {tier: _(label) for tier, label in TIER_LABELS.items()} | {"contract": _("Without cooperation")}
        for part, label in labels.items():
            key = f"pool.{stage}.{part}"
            st.number_input(label, min_value=1, max_value=LONGEST, value=None, step=1, key=key, width=150, placeholder=_("never"))


def save(before: PoolRules) -> None:
    """Keep what stands in the form."""
    rules = _entered(before)

    def keep(session: CrmSession, actor: Actor, version: int) -> None:
        pool_rules.set_rules(session, actor, rules, version=version)

    rule_forms.save("pool_rules", keep, told=_("The rules were saved."))


def _entered(before: PoolRules) -> PoolRules:
    state = st.session_state
    contact = {stage: {tier: days for tier in TIER_LABELS if (days := state[f"pool.{stage}.{tier}"])} for stage in STAGES}
    numbers = {name: state[f"pool.{name}"] for name in NUMBERS}
    for name in ("notice_days", "cooling_days", "undo_days"):  # these have no "without"
        numbers[name] = numbers[name] if numbers[name] is not None else getattr(before, name)
    return PoolRules(
        is_on=state["pool.is_on"],
        recycles=state["pool.recycles"],
        contact_days=contact,
        contract_days={stage: days for stage in STAGES if (days := state[f"pool.{stage}.contract"])},
        excluded_stages=tuple(state["pool.excluded_stages"]),
        excluded_tiers=tuple(state["pool.excluded_tiers"]),
        **numbers,
    )
