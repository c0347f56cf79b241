"""The figures of one campaign, each rate with what was divided by what."""

import streamlit as st

from crm_core.i18n import N_, _, format_date, format_money, plural
from crm_core.services.campaign_list import Listed
from crm_core.services.campaign_results import Rate, Results
from ui import cards


def draw(campaign: Listed, results: Results) -> None:
    """How many came to each step, who was qualified and won, what it brought, and until when that counts."""
    rates = {
        _("Click rate"): results.click_rate,
        _("Sign-up rate"): results.registration_rate,
        _("Attendance"): results.attendance_rate,
        _("Feedback given"): results.answer_rate,
        _("Qualified customers"): results.qualified_rate,
        _("Customers won"): results.won_rate,
    }
    values, notes = _money(results)
    notes |= {label: f"{rate.part:,} / {rate.whole:,}" for label, rate in rates.items()}
    if results.average_score is not None:
        notes[_("Feedback given")] += " · " + _("{score} of 5 ({count})").format(score=f"{results.average_score:.1f}", count=results.scores)
    with st.container(key="campaign_results", gap="small"):
        st.subheader(_("Results"), anchor=False)
        cards.figures({label: _percent(rate) for label, rate in rates.items()} | values, notes=notes)
        st.caption(_basis(campaign, results))


def _percent(rate: Rate) -> str:
    return "—" if rate.value is None else f"{rate.value:.1%}"


def _money(results: Results) -> tuple[dict[str, str], dict[str, str]]:
    """The amount and what it is for the cost, with what was divided by what; nothing for roles that see no contracts."""
    if results.amount is None:
        return {}, {}
    times = results.return_on_cost
    notes = {} if times is None else {_("Return on cost"): f"{format_money(results.amount)} / {format_money(results.cost)}"}
    return {_("Contract amount"): format_money(results.amount), _("Return on cost"): "—" if times is None else f"{times:.2f}"}, notes


def _basis(campaign: Listed, results: Results) -> str:
    sentences = [
        plural(
            results.reacted_customers,
            N_("Rates are of those invited, signed up or attended; qualified and won are of the {count} customer who reacted."),
            N_("Rates are of those invited, signed up or attended; qualified and won are of the {count} customers who reacted."),
        ).format(count=f"{results.reacted_customers:,}"),
        _("What happens from their first reaction until {day} counts.").format(day=format_date(results.until)),
    ]
    if not results.is_whole:
        sentences.append(_("Only customers that you see are counted, so there is no return on the cost of the whole."))
    elif results.amount is not None and not campaign.cost:
        sentences.append(_("There is no return as long as no cost is entered."))
    return " ".join(sentences)
