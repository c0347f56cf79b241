"""The churn scores of all customers of high value, of today and of the past days for the proof, as the job reckons them."""

import time
from collections.abc import Callable, Iterator

from benchmarks.measure import Row
from crm_core import db
from crm_core.permissions import SYSTEM
from crm_core.services.churn import scoring

ROW = "core.churn"


def measure(is_wanted: Callable[[str], bool]) -> Iterator[Row]:
    """One run of the job."""
    if not is_wanted(ROW):
        return
    begun = time.perf_counter()
    with db.reading(SYSTEM) as session:
        found = scoring.reckon(session)
    read = time.perf_counter()
    with db.transaction(SYSTEM) as session:
        scoring.keep(session, found)
    done = time.perf_counter()
    yield Row(ROW, [(done - begun) * 1000], {"scores": len(found.rows), "writing_ms": round((done - read) * 1000)})
