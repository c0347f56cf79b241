"""Work beside the requests: a thread that sends what is in the outbox and, once a day, removes what has expired."""

import logging
from datetime import datetime, timedelta
from threading import Event, Thread

from crm_core import clock, db
from crm_core.services import cleanup, outbox

log = logging.getLogger("kemai")

ROUND = 3
"""Seconds between two looks into the outbox."""
BETWEEN_CLEANUPS = timedelta(days=1)
LONGEST_STOP = 10


class Background(Thread):
    """Started and stopped by the server. Several processes may each have one: what they do is claimed or safe to repeat."""

    def __init__(self) -> None:
        super().__init__(name="background", daemon=True)
        self._stopping = Event()
        self._cleaned_at: datetime | None = None

    def run(self) -> None:
        """Work in rounds until stopped; what goes wrong in one is logged and tried again in the next."""
        while not self._stopping.is_set():
            try:
                self._clean_daily()
                while outbox.send_next() and not self._stopping.is_set():
                    pass
            except Exception:
                log.exception("a round of background work failed")
            self._stopping.wait(ROUND)

    def stop(self) -> None:
        """End after the message that is being sent, and wait for it a while."""
        self._stopping.set()
        self.join(LONGEST_STOP)

    def _clean_daily(self) -> None:
        if self._cleaned_at and clock.now() - self._cleaned_at < BETWEEN_CLEANUPS:
            return
        with db.transaction() as session:
            cleanup.remove_expired(session)
            outbox.give_up_late(session)
        self._cleaned_at = clock.now()
