"""How the time grows with the number of customers: what is done most, with 10,000, 100,000 and 1,000,000 of them."""

from collections.abc import Callable, Iterator

from benchmarks import core_rows, dataset, growing
from benchmarks.measure import Row

SIZES = (10_000, dataset.CUSTOMERS, 1_000_000)
MEASURED = ("list.first", "search.common", "search.rare", "detail", "create", "dashboard.overview.uncached")


def measure(is_wanted: Callable[[str], bool]) -> Iterator[Row]:
    """The same calls on each size; follow-ups, contracts and all else are more or fewer in the same measure."""
    for size in SIZES:
        depth = f"growth.{size}"
        if any(is_wanted(f"{depth}.{one}") for one in MEASURED):
            dataset.prepare()
            growing.resize(size)
            yield from core_rows.measure_as(depth, MEASURED, is_wanted)
