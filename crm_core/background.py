"""Work beside the requests: the process that leads does the jobs that are due, sends what is in the outbox and builds reports.

The server has it unless it is told not to; `python -m crm_core worker` is a process with nothing else. Of all of them one leads.
"""

import logging
import signal
import time
from threading import Event, Thread
from types import FrameType

from crm_core.services import jobs, leases, outbox
from crm_core.services.reports import building

log = logging.getLogger("kemai")

ROUND = 3
"""Seconds between two looks into the outbox."""
BEAT = 10
"""Seconds between two renewals of the lease; it lasts three of them."""
LONGEST_STOP = 10


class Leadership(Thread):
    """Asks for the lease and renews it, in a thread of its own: a long job must not cost it."""

    def __init__(self) -> None:
        super().__init__(name="leadership", daemon=True)
        self._me, self._until, self._ended = leases.new_holder(), 0.0, Event()

    @property
    def is_mine(self) -> bool:
        """Whether this process leads; not any more once it could not renew the lease in time."""
        return time.monotonic() < self._until

    def run(self) -> None:
        """Ask at intervals until ended."""
        while not self._ended.is_set():
            try:
                self._ask()
            except Exception:
                log.exception("the lease could not be renewed")
            self._ended.wait(BEAT)

    def _ask(self) -> None:
        asked = time.monotonic()
        held = leases.hold(leases.WORK, self._me)
        if held.is_taken_over:
            jobs.take_over()
        self._until = asked + leases.TERM.total_seconds() if held.is_mine else 0.0

    def end(self) -> None:
        """Stop leading, so that another process begins at once."""
        self._ended.set()
        self.join(LONGEST_STOP)
        if self.is_mine:
            self._until = 0.0
            leases.let_go(leases.WORK, self._me)


class Background(Thread):
    """Started and stopped by the server or the worker. What it does is claimed, or safe to repeat, should two ever lead for a moment."""

    def __init__(self) -> None:
        super().__init__(name="background", daemon=True)
        self._stopping, self._leadership = Event(), Leadership()

    def run(self) -> None:
        """Work in rounds until stopped; what goes wrong in one is logged and tried again in the next."""
        self._leadership.start()
        while not self._stopping.is_set():
            try:
                if self._may_work():
                    jobs.run_due(self._may_work)
                while self._may_work() and outbox.send_next():
                    pass
                if self._may_work():
                    building.build_next()  # one a round: jobs and messages do not wait for all of them
            except Exception:
                log.exception("a round of background work failed")
            self._stopping.wait(ROUND)

    def _may_work(self) -> bool:
        return self._leadership.is_mine and not self._stopping.is_set()

    def stop(self) -> None:
        """End after the message or job that is at work, and wait for it a while."""
        self._stopping.set()
        self.join(LONGEST_STOP)
        self._leadership.end()


def work_until_stopped() -> None:
    """The worker: work until SIGTERM or SIGINT."""
    ended, background = Event(), Background()

    def end(_signal: int, _frame: FrameType | None) -> None:
        ended.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    background.start()
    while not ended.wait(1):  # in short waits: a signal is heard between them on every platform
        pass
    background.stop()
