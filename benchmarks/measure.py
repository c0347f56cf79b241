"""Measured times of one row, and what they come to."""

import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

Item = TypeVar("Item")


@dataclass
class Row:
    """What was measured under one name: times in milliseconds, and figures of other kinds such as reruns per second."""

    name: str
    times: list[float] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    note: str = ""

    @property
    def p50(self) -> float | None:
        """The median."""
        return round(statistics.median(self.times), 1) if self.times else None

    @property
    def p95(self) -> float | None:
        """The time that one call in twenty exceeds."""
        ordered = sorted(self.times)
        return round(ordered[round((len(ordered) - 1) * 0.95)], 1) if ordered else None


def time_each(act: Callable[[Item], object], items: Iterable[Item], *, warm_up: int = 3) -> list[float]:
    """Milliseconds of `act(item)` for each item; the first `warm_up` do not count."""
    times = []
    for item in items:
        begun = time.perf_counter()
        act(item)
        times.append((time.perf_counter() - begun) * 1000)
    return times[warm_up:]
