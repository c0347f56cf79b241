"""The form of the churn warning: who is of high value, the bands, and the templates of win-back plans."""

from decimal import Decimal

import streamlit as st

from crm_core.db import CrmSession
from crm_core.i18n import N_, _, format_money
from crm_core.models import TIERS
from crm_core.permissions import Actor
from crm_core.services.churn import policy
from crm_core.services.churn.policy import LIMITS, LONGEST_NAME, ChurnPolicy, Template
from ui import feedback, rule_forms

AREA = "churn_rules"
NUMBERS = {
    "medium_from": (N_("Medium risk from"), N_("The score, from 0 to 100, from which a risk is medium.")),
    "high_from": (N_("High risk from"), N_("The score from which a risk is high: the owner is told, and the proof counts it as flagged.")),
    "horizon_days": (N_("Purchase expected within, days"), N_("A customer is looked at for a purchase within so many days.")),
    "lost_within": (
        N_("Lost within, days"),
        N_("In the proof a customer counts as lost that was lost within so many days after a past day."),
    ),
}


def open_form(rules: ChurnPolicy, version: int) -> None:
    """Put the rules into the form."""
    values = {f"{AREA}.{name}": getattr(rules, name) for name in NUMBERS}
    values |= {f"{AREA}.tiers": list(rules.tiers), f"{AREA}.amount": _amount(rules.amount_from)}
    for place, template in enumerate([*rules.plans, Template("", ())]):
        values |= {f"{AREA}.name.{place}": template.name, f"{AREA}.steps.{place}": policy.steps_text(template.steps)}
    rule_forms.open_form(AREA, {**values, f"{AREA}.templates": len(rules.plans) + 1}, version)


def _amount(amount: Decimal | None) -> str:
    return format_money(amount).removeprefix("¥")


def draw() -> None:
    """All rules."""
    st.subheader(_("Customers of high value"), anchor=False)
    left, right = st.columns(2)
    left.multiselect(_("Customer tiers"), list(TIERS), format_func=lambda code: _(TIERS[code]), key=f"{AREA}.tiers", placeholder=_("None"))
    hint = _("Empty: the tier alone counts. Counted are the contracts signed within 365 days.")
    right.text_input(_("Or contracts of a year from (yuan)"), key=f"{AREA}.amount", help=hint)
    st.subheader(_("Score"), anchor=False)
    with st.container(horizontal=True):
        for name, (label, help_text) in NUMBERS.items():
            least, most = LIMITS[name]
            st.number_input(_(label), min_value=least, max_value=most, step=1, key=f"{AREA}.{name}", help=_(help_text), width=220)
    _draw_templates()


def _draw_templates() -> None:
    st.subheader(_("Templates of win-back plans"), anchor=False)
    st.caption(
        _("One task a line, the working days until it is due first: 3 Visit the customer. A template without a name and tasks goes.")
    )
    for place in range(st.session_state[f"{AREA}.templates"]):
        with st.container(border=True):
            st.text_input(_("Name of template {number}").format(number=place + 1), key=f"{AREA}.name.{place}", max_chars=LONGEST_NAME)
            st.text_area(_("Tasks of template {number}").format(number=place + 1), key=f"{AREA}.steps.{place}", height=110)


def save() -> None:
    """Keep what stands in the form."""
    state = st.session_state
    entered = [(state[f"{AREA}.name.{place}"], state[f"{AREA}.steps.{place}"]) for place in range(state[f"{AREA}.templates"])]
    with feedback.attempt() as outcome:
        templates = tuple(Template(name, policy.steps_from(text)) for name, text in entered if name.strip() or text.strip())
    if not outcome.succeeded:
        return
    numbers = {name: int(state[f"{AREA}.{name}"]) for name in NUMBERS}
    rules = ChurnPolicy(tiers=tuple(sorted(state[f"{AREA}.tiers"])), templates=templates, **numbers)

    def keep(session: CrmSession, actor: Actor, version: int) -> None:
        policy.save_churn_policy(session, actor, rules, amount=state[f"{AREA}.amount"], version=version)

    rule_forms.save(AREA, keep, told=_("The rules were saved; the scores are reckoned anew within a minute."))
