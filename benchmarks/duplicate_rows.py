"""The scan for suspected duplicates over all customers, as the job does it."""

import time
from collections.abc import Callable, Iterator

from benchmarks.measure import Row
from crm_core import db
from crm_core.permissions import SYSTEM
from crm_core.services import duplicate_scan


def measure(is_wanted: Callable[[str], bool]) -> Iterator[Row]:
    """One scan of everything."""
    if not is_wanted("duplicates.scan"):
        return
    begun = time.perf_counter()
    with db.reading(SYSTEM) as session:
        found = duplicate_scan.find_pairs(session)
    read = time.perf_counter()
    with db.transaction(SYSTEM) as session:
        duplicate_scan.keep_pairs(session, found)
    done = time.perf_counter()
    yield Row("duplicates.scan", [(done - begun) * 1000], {"pairs": len(found), "writing_ms": round((done - read) * 1000)})
