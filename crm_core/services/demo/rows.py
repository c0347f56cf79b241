"""The tables of the demo content, in `data/demo` of the reference data."""

import csv

from crm_core.config import REFERENCE_DIR

Row = dict[str, str]


def read_rows(filename: str) -> list[Row]:
    """All rows of a table, by the names of its columns."""
    with (REFERENCE_DIR / "demo" / filename).open(encoding="utf-8") as file:
        return [dict(row) for row in csv.DictReader(file)]
