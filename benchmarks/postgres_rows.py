"""What services cost on PostgreSQL with the same data: the boards, lists, searches, pages, forms and churn scores, and the reports."""

from collections.abc import Callable, Iterator

from benchmarks import core_rows, postgres, report_rows
from benchmarks.measure import Row

MEASURED = ("list", "search", "detail", "create", "edit", "dashboard", "churn")


def measure(is_wanted: Callable[[str], bool]) -> Iterator[Row]:
    """On a server of their own, which is gone afterwards."""
    with postgres.running():
        yield from core_rows.measure_as("postgres", MEASURED, is_wanted)
        yield from report_rows.measure(is_wanted, before="postgres.")
