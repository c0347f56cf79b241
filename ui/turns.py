"""Page runs take turns: Python runs one thread at a time anyway, and runs that push each other aside all end late.

Measured with eight sessions in docs/adr/0004-page-runs-take-turns.md.
"""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition, Lock
from time import monotonic

LONGEST = 0.2
"""Seconds a turn lasts at most; a longer run, such as an import, goes on beside the next ones."""


class Turns:
    """One holder at a time, in the order of coming; the first who waits goes on when the holder is done or its time is over."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: deque[Condition] = deque()
        self._holder: Condition | None = None
        self._until = 0.0

    @contextmanager
    def take(self) -> Iterator[None]:
        """Wait for the turn, and give it up at the end."""
        me = Condition(self._lock)
        with self._lock:
            self._waiting.append(me)
            while self._waiting[0] is not me or self._left() > 0:
                # Only the first looks at the clock; the others are told when they are the first.
                me.wait(self._left() if self._waiting[0] is me else None)
            self._waiting.popleft()
            self._holder, self._until = me, monotonic() + LONGEST
            self._tell_first()
        try:
            yield
        finally:
            with self._lock:
                if self._holder is me:
                    self._holder = None
                    self._tell_first()

    def _left(self) -> float:
        return self._until - monotonic() if self._holder else 0

    def _tell_first(self) -> None:
        if self._waiting:
            self._waiting[0].notify()


TURNS = Turns()
