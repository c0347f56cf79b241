"""The figures of one campaign, each rate with what was divided by what."""

import streamlit as st

from crm_core.i18n import _, format_date, format_money
from crm_core.services.campaign_list import Listed
from crm_core.services.campaign_results import Rate, Results
from ui import cards


def draw(campaign: Listed, results: Results) -> None:
    """How many came to each step, who was qualified and won, what it brought, and until when that counts."""
    with st.container(key="campaign_results", gap="small"):
        st.subheader(_("Results"), anchor=False)
        cards.figures(
            {
                _("Click rate"): _rate(results.click_rate),
                _("Sign-up rate"): _rate(results.registration_rate),
                _("Attendance"): _rate(results.attendance_rate),
                _("Feedback given"): _rate(results.answer_rate),
                _("Qualified customers"): _rate(results.qualified_rate),
                _("Customers won"): _rate(results.won_rate),
                **_money(results),
                _("Average score"): f"{results.average_score:.1f} ({results.scores})" if results.average_score else "—",
            }
        )
        st.caption(_basis(campaign, results))


def _rate(rate: Rate) -> str:
    of = f"{rate.part:,} / {rate.whole:,}"
    return f"{rate.value:.1%} ({of})" if rate.value is not None else f"— ({of})"


def _money(results: Results) -> dict[str, str]:
    if results.amount is None:
        return {}
    found = {_("Contract amount"): format_money(results.amount) or "¥0.00"}
    if results.return_on_cost is not None:
        whole = f"{format_money(results.amount) or '0'} / {format_money(results.cost)}"
        return found | {_("Return on cost"): f"{results.return_on_cost:.2f} ({whole})"}
    return found | {_("Return on cost"): "—"}


def _basis(campaign: Listed, results: Results) -> str:
    sentences = [
        _("Rates are of those invited, signed up or attended; qualified and won are of the {count} customers who reacted.").format(
            count=f"{results.reacted_customers:,}"
        ),
        _("What happens from their first reaction until {day} counts.").format(day=format_date(results.until)),
    ]
    if not results.is_whole:
        sentences.append(_("Only customers that you see are counted, so there is no return on the cost of the whole."))
    elif results.amount is not None and not campaign.cost:
        sentences.append(_("There is no return as long as no cost is entered."))
    return " ".join(sentences)
