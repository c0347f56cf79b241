"""The rhythm of a customer's purchases: how many more to expect of it, given how often and when it bought, and how others do.

The model is the MBG/NBD of Batislam, Denizel and Filiztekin (2007), a variant of the BG/NBD of Fader, Hardie and Lee ("Counting Your
Customers" the Easy Way, Marketing Science 24, 2005): while a customer stays it buys at random at a rate of its own; after each purchase,
the first one among them, it leaves for good with a chance of its own. Over all customers the rates have a gamma distribution (r, alpha),
the chances a beta distribution (a, b). These four are found from the team's own customers by maximum likelihood. Unlike in the BG/NBD a
customer that bought once may have left already, and nothing but gamma functions is needed. Times are weeks.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp, inf, lgamma, log
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

MOST_FITTED = 4_000
"""So many customers, spread evenly, are enough to find four numbers."""
LEAST_REPEATING = 30
"""With fewer customers that bought again the usual prior counts."""
_STEPS, _CLOSE = 400, 1e-6
_MOST_ODDS = 700.0
_FARTHEST = 10.0
"""Beyond e to the power of this, or below one over it, no parameter is believed."""


class Purchases(NamedTuple):
    """When a customer bought: how often after the first time, when last and how long it is known, in weeks since the first time."""

    repeats: int
    last: float
    known: float


@dataclass(frozen=True)
class Rhythm:
    """How customers of a team buy. As it comes: about once a year, and one of four leaves after a purchase."""

    r: float = 1.0
    alpha: float = 52.0
    a: float = 1.0
    b: float = 3.0
    is_fitted: bool = False
    """Found from the team's own history; else there was too little of it."""

    def alive(self, of: Purchases) -> float:
        """How probably the customer has not left."""
        silence = log((self.alpha + of.known) / (self.alpha + of.last))
        odds = log(self.a / (self.b + of.repeats)) + silence * (self.r + of.repeats)
        return 1 / (1 + exp(min(odds, _MOST_ODDS)))

    def interval(self, of: Purchases) -> float:
        """Weeks between two of its purchases while it stays: its own, drawn towards those of the others the less is known of it."""
        return (self.alpha + of.known) / (self.r + of.repeats)

    def expected(self, of: Purchases, weeks: float) -> float:
        """Purchases to expect of it within so many weeks, if it keeps its rate while it stays."""
        return self.alive(of) * weeks / self.interval(of)


def fit_rhythm(history: Sequence[Purchases]) -> Rhythm:
    """The rhythm that makes a history likeliest; the usual one where too few customers bought again."""
    if sum(one.repeats > 0 for one in history) < LEAST_REPEATING:
        return Rhythm()
    some = history[:: -(-len(history) // MOST_FITTED)]
    likelihood = _Likelihood(some)
    mean = sum(one.known for one in some) / len(some) or 1.0
    best = minimize(lambda logs: -likelihood.log(logs), np.array([0.0, np.log(mean), 0.0, 0.0]))
    r, alpha, a, b = (exp(value) for value in best)
    return Rhythm(r, alpha, a, b, is_fitted=True)


class _Likelihood:
    """Of a history under the model."""

    def __init__(self, history: Sequence[Purchases]) -> None:
        self.repeats = np.array([one.repeats for one in history])
        self.last = np.array([one.last for one in history])
        self.known = np.array([one.known for one in history])

    def log(self, logs: Numbers) -> float:
        """Its logarithm, for the logarithms of r, alpha, a and b."""
        if np.any(np.abs(logs) > _FARTHEST):
            return -inf
        r, alpha, a, b = np.exp(logs)
        stays = self._by_repeats(lambda x: _log_beta(a, b + x + 1)) - (r + self.repeats) * np.log(alpha + self.known)
        left = self._by_repeats(lambda x: _log_beta(a + 1, b + x)) - (r + self.repeats) * np.log(alpha + self.last)
        rates = self._by_repeats(lambda x: lgamma(r + x) - lgamma(r)) + r * np.log(alpha) - _log_beta(a, b)
        return float(np.sum(rates + np.logaddexp(stays, left)))

    def _by_repeats(self, of: Callable[[int], float]) -> Numbers:
        values: Numbers = np.array([of(number) for number in range(int(self.repeats.max()) + 1)])
        chosen: Numbers = values[self.repeats]
        return chosen


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def minimize(measure: Callable[[Numbers], float], start: Numbers) -> Numbers:
    """Where a measure of some numbers is least, looked for downhill from a start (Nelder and Mead 1965)."""
    corners = np.array([start, *(start + 0.5 * np.eye(len(start)))])
    values = np.array([measure(corner) for corner in corners])
    for _turn in range(_STEPS):
        order = np.argsort(values, kind="stable")
        corners, values = corners[order], values[order]
        if values[-1] - values[0] < _CLOSE:
            break
        middle = corners[:-1].mean(axis=0)
        corner, value = _step(measure, middle, middle - corners[-1], values)
        if value < values[-1]:
            corners[-1], values[-1] = corner, value
        else:
            corners[1:] = (corners[1:] + corners[0]) / 2
            values[1:] = [measure(one) for one in corners[1:]]
    best: Numbers = corners[0]
    return best


def _step(measure: Callable[[Numbers], float], middle: Numbers, away: Numbers, values: Numbers) -> tuple[Numbers, float]:
    """A corner in the place of the worst one: mirrored, further on where that is the best yet, halfway back where it is no better."""
    corner = middle + away
    value = measure(corner)
    if value < values[0]:
        further = middle + 2 * away
        reached = measure(further)
        return (further, reached) if reached < value else (corner, value)
    if value >= values[-2]:
        corner = middle - away / 2
        return corner, measure(corner)
    return corner, value
