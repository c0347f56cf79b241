"""Sessions in a closed loop: each sends its next rerun as soon as the last one is done, which is harsher than people are."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from benchmarks.measure import Row
from benchmarks.servers import Server

Opened = TypeVar("Opened", bound="Closes")


class Closes(Protocol):
    """A tab, or a person in one."""

    def close(self) -> None:
        """End it."""


SESSIONS = (1, 8)
SECONDS = 12.0


def closed_loop(name: str, server: Server, tabs: Sequence[Opened], act: Callable[[Opened], float]) -> Row:
    """Milliseconds of every `act(tab)`, reruns per second, the server's processor time for each, errors."""
    row = Row(name)
    errors: list[str] = []
    for tab in tabs:
        act(tab)
    spent, begun = server.cpu_ms(), time.perf_counter()
    end = begun + SECONDS

    def loop(tab: Opened) -> None:
        while time.perf_counter() < end:
            try:
                row.times.append(act(tab))
            except Exception as problem:  # counted and told, never hidden
                errors.append(repr(problem)[:300])
                return

    threads = [threading.Thread(target=loop, args=(tab,)) for tab in tabs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    row.figures = {
        "per_second": round(len(row.times) / (time.perf_counter() - begun), 1),
        "cpu_ms": round((server.cpu_ms() - spent) / max(1, len(row.times)), 1),
        "errors": len(errors),
    }
    row.note = "; ".join(errors[:2])
    for tab in tabs:
        tab.close()
    return row
