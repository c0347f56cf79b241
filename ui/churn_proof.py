"""The proof of the score on the team's own past, as figures with what they are reckoned from."""

from typing import Any

import streamlit as st

from crm_core.i18n import _, format_date
from crm_core.services.churn.accuracy import Hits
from crm_core.services.churn.proof import LEAST_LOST, LEAST_STAYED, Judged, Proof
from crm_core.services.churn.score import WEIGHTS
from crm_core.services.churn.words import SIGNS
from ui import feedback


def draw(proof: Proof) -> None:
    """The figures, or why there are none yet."""
    sentence = _(
        "On past days the score is reckoned with what was known then. Lost is who became the type Churned within {days} days after that."
    )
    st.caption(sentence.format(days=proof.within))
    if proof.score and proof.naive:
        _draw_figures(proof.score, proof.naive)
        _draw_days(proof)
    else:
        _draw_too_little(proof)
    with st.expander(_("How the score is reckoned"), icon=":material/info:"):
        _draw_weights()


def _draw_too_little(proof: Proof) -> None:
    sentence = _(
        "On the past days {counted} customers of high value were looked at, and {lost} of them were lost afterwards. At least {least}"
        " lost and {stayed} kept are needed: with fewer any figure would be chance."
    )
    told = sentence.format(counted=proof.counted, lost=proof.lost, least=LEAST_LOST, stayed=LEAST_STAYED)
    feedback.empty_state("hourglass_empty", _("Too little history for a proof"), told)


def _draw_figures(score: Judged, naive: Judged) -> None:
    hits = score.hits
    shown = {
        _("Flagged"): f"{hits.flagged:,}",
        _("Lost of those"): f"{hits.caught:,}",
        _("Precision"): _share(hits.precision),
        _("Recall"): _share(hits.recall),
        _("Lift"): _times(hits.lift),
        _("ROC area"): _area(score.area),
    }
    with st.grid(6, min_column_width=110):
        for label, value in shown.items():
            st.metric(label, value, border=True)
    rows = [_judged(_("Churn score"), score), _judged(_("Naive rule: longest without contact"), naive)]
    st.dataframe(rows, hide_index=True, lazy=False, alt=_("Proof on the past"))
    sentence = _(
        "Precision: {caught} lost of {flagged} flagged (high risk). Recall: {caught} flagged of {lost} lost. Lift: how many times likelier"
        " a flagged customer was lost than any of the {counted}. ROC area: how often a lost customer had the higher score of the two, a"
        " tie counting half; 0.5 is chance, 1 perfect. The naive rule flags as many on each day. A customer counts on each of the days."
    )
    numbers = {"caught": hits.caught, "flagged": hits.flagged, "lost": hits.lost, "counted": hits.counted}
    st.caption(sentence.format(**numbers))


def _judged(name: str, one: Judged) -> dict[str, Any]:
    return {
        _("Rule"): name,
        **_counts(one.hits),
        _("Precision"): _share(one.hits.precision),
        _("Recall"): _share(one.hits.recall),
        _("Lift"): _times(one.hits.lift),
        _("ROC area"): _area(one.area),
    }


def _counts(hits: Hits) -> dict[str, int]:
    return {_("Flagged"): hits.flagged, _("Lost of those"): hits.caught}


def _draw_days(proof: Proof) -> None:
    st.subheader(_("Day by day"), anchor=False)
    rows = [
        {
            _("Day"): format_date(one.day),
            _("Customers"): one.score.counted,
            _("Lost"): one.score.lost,
            **_counts(one.score),
            _("Lost of those (naive rule)"): one.naive.caught,
        }
        for one in proof.days
    ]
    st.dataframe(rows, hide_index=True, lazy=False, alt=_("Day by day"))


def _draw_weights() -> None:
    told = _(
        "The score goes from 0 to 100. Each sign has a strength from 0 to 1 and a weight, the most that it comes to by itself; they add up"
        " as independent causes: 100 × (1 − Π (1 − weight × strength)). The time since the last contract is measured by the customer's"
        " own rhythm, with the model MBG/NBD (Batislam and others 2007, after Fader, Hardie and Lee 2005), fitted to all"
        " contracts of the team."
    )
    st.markdown(feedback.escape(told))
    rows = [{_("Sign"): _(SIGNS[code]), _("Weight"): f"{weight:.2f}"} for code, weight in WEIGHTS.items()]
    st.dataframe(rows, hide_index=True, lazy=False, alt=_("How the score is reckoned"))


def _share(value: float | None) -> str:
    return "—" if value is None else f"{100 * value:.0f}%"


def _times(value: float | None) -> str:
    return "—" if value is None else f"{value:.1f} ×"


def _area(value: float | None) -> str:
    return "—" if value is None else f"{value:.2f}"
