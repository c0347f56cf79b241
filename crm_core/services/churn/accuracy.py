"""How well a score told what came afterwards: ROC AUC, and precision, recall and lift of what it flagged. Pure functions."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Hits:
    """What became of the customers that a rule flagged, among all that it looked at."""

    counted: int
    """Customers looked at."""
    lost: int
    """Those of them that were lost afterwards."""
    flagged: int
    caught: int
    """Flagged, and lost afterwards."""

    @property
    def precision(self) -> float | None:
        """Of those that were flagged, the share that was lost; nothing where none was flagged."""
        return self.caught / self.flagged if self.flagged else None

    @property
    def recall(self) -> float | None:
        """Of those that were lost, the share that was flagged; nothing where none was lost."""
        return self.caught / self.lost if self.lost else None

    @property
    def lift(self) -> float | None:
        """How many times likelier a flagged customer was lost than any customer; nothing where none was flagged or lost."""
        return self.caught * self.counted / (self.flagged * self.lost) if self.flagged and self.lost else None


def area_under_curve(scores: Sequence[float], outcomes: Sequence[bool]) -> float | None:
    """ROC AUC: how probably one that it happened to has a higher score than one that it did not happen to; equal scores count half.

    Reckoned from ranks (Mann and Whitney 1947; Hanley and McNeil 1982). Nothing where it happened to all or to none.
    """
    happened = sum(outcomes)
    others = len(outcomes) - happened
    if not happened or not others:
        return None
    order = sorted(range(len(scores)), key=lambda place: scores[place])
    ranks, start = 0.0, 0
    while start < len(order):
        end = start
        while end < len(order) and scores[order[end]] == scores[order[start]]:
            end += 1
        # Equal scores share the mean of the ranks that they take together.
        ranks += (start + 1 + end) / 2 * sum(outcomes[place] for place in order[start:end])
        start = end
    return (ranks - happened * (happened + 1) / 2) / (happened * others)


def count_hits(flags: Sequence[bool], outcomes: Sequence[bool]) -> Hits:
    """What was flagged against what came."""
    caught = sum(flag and outcome for flag, outcome in zip(flags, outcomes, strict=True))
    return Hits(len(outcomes), sum(outcomes), sum(flags), caught)


def flag_highest(scores: Sequence[float], count: int) -> list[bool]:
    """Flag so many of the highest scores, of equal ones those that come first."""
    highest = set(sorted(range(len(scores)), key=lambda place: -scores[place])[:count])
    return [place in highest for place in range(len(scores))]
