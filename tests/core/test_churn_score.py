"""The churn score: rhythm, signs and what they come to, and the figures that judge it, each against a table worked out by hand."""

from collections import defaultdict
from datetime import date, timedelta
from math import exp, lgamma, log
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_core.i18n import in_language
from crm_core.permissions import SYSTEM, Actor, Permission
from crm_core.services.churn import words
from crm_core.services.churn.accuracy import Hits, area_under_curve, count_hits, flag_highest
from crm_core.services.churn.proof import prove
from crm_core.services.churn.rhythm import Purchases, Rhythm, fit_rhythm, minimize
from crm_core.services.churn.score import WEIGHTS, Facts, Usual, assess, band_of

DAY = date(2026, 7, 1)
STILL = Usual(horizon_days=364)
"""52 weeks ahead."""


def days_ago(days: int) -> date:
    return DAY - timedelta(days=days)


@pytest.mark.parametrize(
    ("scores", "outcomes", "area"),
    [
        ([4, 3, 2, 1], [1, 1, 0, 0], 1.0),
        ([4, 3, 2, 1], [0, 0, 1, 1], 0.0),
        ([0.9, 0.8, 0.8, 0.3], [1, 0, 1, 0], 3.5 / 4),  # one pair of equal scores counts half
        ([5, 5, 5, 5], [1, 0, 1, 0], 0.5),
        ([3, 2, 2, 2, 1], [1, 1, 0, 0, 1], 3 / 6),  # 3>2, 3>2; 2=2, 2=2; 1<2, 1<2
        ([1, 2], [1, 1], None),
        ([1, 2], [0, 0], None),
        ([], [], None),
    ],
)
def test_roc_auc_is_the_share_of_pairs_in_the_right_order(scores: list[float], outcomes: list[int], area: float | None) -> None:
    assert area_under_curve(scores, [bool(one) for one in outcomes]) == area


def test_precision_recall_and_lift_are_reckoned_from_the_four_counts() -> None:
    hits = count_hits([True, True, True, False, False, False, False, False], [True, True, False, True, False, False, False, False])
    assert hits == Hits(counted=8, lost=3, flagged=3, caught=2)
    assert (hits.precision, hits.recall) == (2 / 3, 2 / 3)
    assert hits.lift == pytest.approx((2 / 3) / (3 / 8))


def test_where_nothing_was_flagged_or_lost_there_is_no_figure() -> None:
    assert (count_hits([False], [True]).precision, count_hits([False], [True]).lift) == (None, None)
    assert (count_hits([True], [False]).recall, count_hits([True], [False]).lift) == (None, None)
    assert flag_highest([3, 9, 9, 1], 2) == [False, True, True, False]


def test_the_rhythm_of_one_customer_by_hand() -> None:
    """Twice in two years: silence (52 + 104) ÷ (52 + 52) = 1.5, odds of having left 1 ÷ (3 + 1) × 1.5² = 0.5625."""
    of, rhythm = Purchases(repeats=1, last=52, known=104), Rhythm(r=1, alpha=52, a=1, b=3)
    assert rhythm.alive(of) == pytest.approx(1 / 1.5625)
    assert rhythm.interval(of) == 78
    assert rhythm.expected(of, 52) == pytest.approx(0.64 * 52 / 78)


def test_who_bought_often_is_missed_sooner() -> None:
    rhythm = Rhythm()
    often, seldom = Purchases(12, 48, 78), Purchases(1, 48, 78)
    assert rhythm.alive(often) < rhythm.alive(seldom)
    assert rhythm.alive(Purchases(12, 48, 50)) > rhythm.alive(often)


def test_a_history_of_a_known_rhythm_gives_that_rhythm_back() -> None:
    """400 customers drawn from the model: the likelihood that is found is no worse than that of the truth, and the rhythm is close."""
    random, truth = np.random.default_rng(7), Rhythm(r=2.0, alpha=20.0, a=1.0, b=4.0)
    history = [drawn(random, truth) for _customer in range(400)]
    found = fit_rhythm(history)
    assert found.is_fitted
    assert likelihood(found, history) >= likelihood(truth, history)
    assert found.r / found.alpha == pytest.approx(truth.r / truth.alpha, rel=0.25)
    assert found.a / (found.a + found.b) == pytest.approx(0.2, abs=0.08)


def drawn(random: np.random.Generator, truth: Rhythm) -> Purchases:
    rate, leaves, known = random.gamma(truth.r, 1 / truth.alpha), random.beta(truth.a, truth.b), 100.0
    at, repeats = 0.0, 0
    while random.random() >= leaves:
        next_at = at + random.exponential(1 / rate)
        if next_at > known:
            break
        at, repeats = next_at, repeats + 1
    return Purchases(repeats, at, known)


def likelihood(rhythm: Rhythm, history: list[Purchases]) -> float:
    """As the paper writes it, one customer after the other."""

    def beta(a: float, b: float) -> float:
        return lgamma(a) + lgamma(b) - lgamma(a + b)

    r, alpha, a, b = rhythm.r, rhythm.alpha, rhythm.a, rhythm.b
    total = 0.0
    for x, last, known in history:
        stays = exp(beta(a, b + x + 1) - beta(a, b)) / (alpha + known) ** (r + x)
        left = exp(beta(a + 1, b + x) - beta(a, b)) / (alpha + last) ** (r + x)
        total += lgamma(r + x) - lgamma(r) + r * log(alpha) + log(stays + left)
    return total


def test_too_little_history_leaves_the_usual_rhythm() -> None:
    assert fit_rhythm([]) == fit_rhythm([Purchases(1, 5, 9)] * 29) == Rhythm()
    assert fit_rhythm([Purchases(1, 5, 9)] * 30).is_fitted


def test_the_lowest_point_of_a_bowl_is_found() -> None:
    found = minimize(lambda at: float((at[0] - 3) ** 2 + 2 * (at[1] + 1) ** 2), np.array([0.0, 0.0]))
    assert found == pytest.approx([3, -1], abs=1e-2)


@pytest.mark.parametrize(
    ("facts", "sign", "strength"),
    [
        # No purchase within a year where 0.64 × 52 ÷ 78 are to be expected.
        (Facts(DAY, 2, days_ago(728), days_ago(364)), "contracts", 1 / (1 + 0.64 * 52 / 78)),
        # Three contacts within 40 days, two usual intervals of 60 days added: every 40 days; 100 days are 2.5 of them.
        (Facts(DAY, contacts=3, first_contact=days_ago(140), last_contact=days_ago(100)), "contacts", 0.5),
        (Facts(DAY, contacts=3, first_contact=days_ago(80), last_contact=days_ago(40)), "contacts", 0.0),
        (Facts(DAY, contacts=1, first_contact=days_ago(900), last_contact=days_ago(900)), "contacts", 1.0),
        (Facts(DAY, complaints=1), "complaints", 1 / 3),
        (Facts(DAY, complaints=7), "complaints", 1.0),
        (Facts(DAY, ratings=2, rating_sum=5), "satisfaction", 0.5),
        (Facts(DAY, ratings=2, rating_sum=9), "satisfaction", 0.0),
        (Facts(DAY, has_step=False), "no_step", 1.0),
        (Facts(DAY, year_amount=30.0, before_amount=120.0), "amounts", 0.75),
        (Facts(DAY, year_amount=120.0, before_amount=30.0), "amounts", 0.0),
        (Facts(DAY, year_amount=120.0), "amounts", 0.0),
    ],
)
def test_each_sign_has_the_strength_worked_out_by_hand(facts: Facts, sign: str, strength: float) -> None:
    found = assess(facts, STILL)
    assert found.score == pytest.approx(100 * WEIGHTS[sign] * strength)


@pytest.mark.parametrize(
    ("signed", "ends", "strength"),
    [
        (365, -30, 0.5),  # ends in 30 of 60 days
        (365, -61, 0.0),
        (365, 0, 1.0),
        (365, 40, 1.0),
        (20, 40, 0.0),  # signed anew since
        (900, 366, 0.0),  # long over: the rhythm says it
    ],
)
def test_a_contract_that_ends_without_another_is_a_sign(signed: int, ends: int, strength: float) -> None:
    without = assess(Facts(DAY, 2, days_ago(1000), days_ago(signed)), STILL).score
    found = assess(Facts(DAY, 2, days_ago(1000), days_ago(signed), ends_on=days_ago(ends)), STILL)
    assert 1 - found.score / 100 == pytest.approx((1 - without / 100) * (1 - WEIGHTS["ending"] * strength))


def test_signs_add_up_as_independent_causes_and_the_weightiest_is_told_first() -> None:
    facts = Facts(DAY, contacts=1, first_contact=days_ago(900), last_contact=days_ago(900), complaints=3, has_step=False)
    found = assess(facts, STILL)
    assert found.score == pytest.approx(100 * (1 - 0.55 * 0.75 * 0.9))
    assert [code for code, _numbers in found.reasons] == ["contacts", "complaints", "no_step"]


def test_a_customer_of_whom_nothing_is_known_has_no_risk_and_no_reason() -> None:
    assert assess(Facts(DAY), STILL).score == 0
    assert assess(Facts(DAY), STILL).reasons == ()


amounts = st.floats(0, 1e9)
spans = st.integers(0, 9000)


@given(
    signings=st.integers(1, 400),
    span=spans,
    silence=spans,
    contacts=st.integers(1, 5000),
    amount=amounts,
    before=amounts,
    ends=st.integers(-4000, 4000),
    complaints=st.integers(0, 99),
    ratings=st.integers(0, 50),
)
def test_the_score_always_lies_from_0_to_100(
    signings: int, span: int, silence: int, contacts: int, amount: float, before: float, ends: int, complaints: int, ratings: int
) -> None:
    last = days_ago(silence)
    known = (signings, last - timedelta(days=span), last, amount, before, DAY + timedelta(days=ends))
    touched = (contacts, last - timedelta(days=span), last)
    found = assess(Facts(DAY, *known, *touched, complaints, ratings, ratings * 2, False), Usual())
    assert 0 <= found.score <= 100
    assert {code for code, _numbers in found.reasons} <= WEIGHTS.keys()


def test_a_band_begins_at_the_score_that_is_shown() -> None:
    assert [band_of(score, medium_from=45, high_from=70) for score in (44.4, 44.6, 69.4, 69.6)] == ["low", "medium", "medium", "high"]


def test_reasons_are_told_in_the_language_of_the_reader() -> None:
    facts = Facts(DAY, 2, days_ago(1092), days_ago(735), 50.0, 200.0, days_ago(10), 3, days_ago(140), days_ago(100), 2, 2, 5, False)
    reasons = [[code, numbers] for code, numbers in assess(facts, STILL).reasons]
    with in_language("en"):
        assert words.tell(SYSTEM, reasons) == [
            "No contract for 735 days, usually one every 728 days",
            "The contract ended on 2026-06-21, no other was signed",
            "No contact for 100 days, usually every 40 days",
            "Contracts of a year down by 75%",
            "2 complaints within a year",
            "Satisfaction 2.5 of 5",
            "No next step",
        ]
    with in_language("zh_CN"):
        assert words.tell(SYSTEM, reasons)[2] == "已 100 天没有联系，通常每 40 天联系一次"


def test_a_role_is_told_what_it_may_see_anyway() -> None:
    reasons = [["contacts", {"days": 9, "usual": 7}], ["amounts", {"percent": 50}], ["complaints", {"count": 1}]]
    clerk = Actor(1, "客服", frozenset({Permission.CHURN_READ, Permission.TICKET_READ}))
    with in_language("en"):
        assert words.tell(clerk, reasons) == ["No contact for 9 days, usually every 7 days", "1 complaint within a year"]
        assert words.tell_new(clerk, reasons, [["contacts", {"days": 2, "usual": 7}]]) == ["1 complaint within a year"]
        assert words.tell_new(clerk, reasons, None) == []


def test_the_proof_counts_each_past_day_and_flags_as_many_by_the_naive_rule() -> None:
    """On each of two days ten customers; the score flags three, two of whom were lost, the naive rule 90, 80 and 70."""
    scores = [90, 85, 80, 60, 50, 40, 30, 20, 10, 5]
    quiet = [10, 90, 20, 80, 70, 60, 50, 40, 30, 5]
    lost = [1, 1, 0, 1, 0, 0, 0, 0, 0, 0]
    days = {
        day: [(day, float(scores[n]), "high" if scores[n] >= 70 else "low", quiet[n], bool(lost[n])) for n in range(10)]
        for day in (date(2026, 1, 1), date(2025, 10, 1))
    }
    proof = prove(days, within=180)
    assert (proof.counted, proof.lost) == (20, 6)
    assert proof.score is not None
    assert proof.naive is not None
    assert proof.score.hits == Hits(20, 6, 6, 4)
    assert proof.naive.hits == Hits(20, 6, 6, 4)  # 90 and 80 were lost, 70 was not
    assert proof.score.area == pytest.approx(20 / 21)  # of 3 × 7 pairs of a day one is wrong: 80 stayed, 60 was lost
    assert proof.naive.area == pytest.approx((7 + 7 + 1) / 21)  # 90 and 80 above all that stayed, 10 above one
    assert [one.day for one in proof.days] == list(days)


@pytest.mark.parametrize(("lost", "stayed"), [(0, 0), (4, 100), (100, 4)])
def test_with_too_little_history_the_proof_says_no_figure(lost: int, stayed: int) -> None:
    rows = [(DAY, 50.0, "high", 3, place < lost) for place in range(lost + stayed)]
    proof = prove({DAY: rows}, within=180)
    assert proof.score is None
    assert (proof.counted, proof.lost, proof.score, proof.naive) == (lost + stayed, lost, None, None)


WEEKS = 39
FIRST = date(1997, 1, 1)


def cdnow(shared: Path) -> list[tuple[Facts, bool]]:
    """The customers of CDNOW as they were known after 39 weeks, and whether they bought again in the 39 weeks after that."""
    file = shared / "sample-data" / "cdnow" / "CDNOW_sample.txt"
    if not file.is_file():
        pytest.skip("needs ../shared/sample-data/cdnow, which is not part of the repository")
    bought: defaultdict[str, set[date]] = defaultdict(set)
    for line in file.read_text(encoding="ascii").splitlines():
        _number, customer, day, _count, _dollars = line.split()
        bought[customer].add(date.fromisoformat(day))
    end = FIRST + timedelta(weeks=WEEKS) - timedelta(days=1)
    found = []
    for days in bought.values():
        known = sorted(day for day in days if day <= end)
        found.append((Facts(end, len(known), known[0], known[-1]), any(end < day <= end + timedelta(weeks=WEEKS) for day in days)))
    return found


def bg_nbd(of: Purchases, weeks: float) -> float:
    """Purchases to expect by equation 10 of Fader, Hardie and Lee (2005), with the parameters that they published for these data."""
    r, alpha, a, b = 0.243, 4.414, 0.793, 2.426
    x, last, known = of
    z, term, series, j = weeks / (alpha + known + weeks), 1.0, 1.0, 0
    while abs(term) > 1e-12 * series:
        term *= (r + x + j) * (b + x + j) / ((a + b + x - 1 + j) * (j + 1)) * z
        series, j = series + term, j + 1
    expected = (a + b + x - 1) / (a - 1) * (1 - ((alpha + known) / (alpha + known + weeks)) ** (r + x) * series)
    return expected / (1 + (x > 0) * a / (b + max(x, 1) - 1) * ((alpha + known) / (alpha + last)) ** (r + x))


def test_the_published_model_expects_what_the_paper_says() -> None:
    """Their example: two purchases, the last after 30.43 weeks of 38.86, and 39 weeks to come give 1.226."""
    assert bg_nbd(Purchases(2, 30.43, 38.86), 39) == pytest.approx(1.226, abs=0.001)


def test_on_real_purchases_the_score_tells_who_buys_again_as_well_as_recency_and_the_published_model(shared: Path) -> None:
    """The rhythm is found from the first 39 weeks alone; nothing of the score was chosen by what came after them."""
    customers = cdnow(shared)
    histories = [facts.purchases for facts, _again in customers]
    usual = Usual(fit_rhythm([one for one in histories if one]), horizon_days=7 * WEEKS)
    again = [outcome for _facts, outcome in customers]
    by_score = area_under_curve([-assess(facts, usual).score for facts, _again in customers], again)
    by_recency = area_under_curve([-(one.known - one.last) for one in histories if one], again)
    by_model = area_under_curve([bg_nbd(one, WEEKS) for one in histories if one], again)
    print(f"ROC AUC on {len(again)} customers, {sum(again)} bought again: {by_score:.4f}, {by_recency:.4f}, {by_model:.4f}")
    assert by_score is not None
    assert by_recency is not None
    assert by_model is not None
    assert (len(again), sum(again)) == (2357, 684)
    assert by_recency == pytest.approx(0.7714, abs=0.0005)
    assert by_model == pytest.approx(0.7725, abs=0.0005)
    assert by_score >= max(by_recency, by_model)
