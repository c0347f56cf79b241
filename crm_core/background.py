"""Work beside the requests: a thread that sends what is in the outbox and does the jobs that are due."""

import logging
from threading import Event, Thread

from crm_core.services import jobs, outbox

log = logging.getLogger("kemai")

ROUND = 3
"""Seconds between two looks into the outbox."""
LONGEST_STOP = 10


class Background(Thread):
    """Started and stopped by the server. Several processes may each have one: what they do is claimed or safe to repeat."""

    def __init__(self) -> None:
        super().__init__(name="background", daemon=True)
        self._stopping = Event()

    def run(self) -> None:
        """Work in rounds until stopped; what goes wrong in one is logged and tried again in the next."""
        while not self._stopping.is_set():
            try:
                jobs.run_due()
                while outbox.send_next() and not self._stopping.is_set():
                    pass
            except Exception:
                log.exception("a round of background work failed")
            self._stopping.wait(ROUND)

    def stop(self) -> None:
        """End after the message that is being sent, and wait for it a while."""
        self._stopping.set()
        self.join(LONGEST_STOP)
