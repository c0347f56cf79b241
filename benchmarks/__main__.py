"""`python -m benchmarks [ROWS…]`: measure the rows whose names begin so, all without any name."""

import argparse
import shutil
import sys
from collections.abc import Callable, Iterator
from importlib import import_module

from benchmarks import report, workspace
from benchmarks.measure import Row

DEPTHS = {
    "core": "core_rows",
    "postgres": "postgres_rows",
    "floor": "floor_rows",
    "ws": "socket_rows",
    "load": "load_rows",
    "browser": "browser_rows",
    "duplicates": "duplicate_rows",
    "import": "import_rows",
    "report": "report_rows",
    "growth": "growth_rows",
}
"""In this order, each with its module."""
ASKED = ("growth",)
"""What is only measured when it is asked for by name: a million customers take minutes to come into being."""


def main() -> int:
    """Measure, keep each row as soon as it is there, and write the results; 1 if a measured row misses its goal."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("rows", nargs="*", help=f"beginnings of row names, such as core ws.list; depths: {', '.join(DEPTHS)}")
    parser.add_argument("--report", action="store_true", help="measure nothing, only write results.md anew")
    given = parser.parse_args()
    measured: list[str] = []
    try:
        for row in () if given.report else _measure(given.rows):
            report.keep(row)
            report.console(row)
            measured.append(row.name)
    finally:
        shutil.rmtree(workspace.data_dir(), ignore_errors=True)
        report.write_results()
    missed = [name for name in measured if report.read()[name]["met"] is False]
    print(f"{len(measured)} rows measured" + (f"; goals missed by {', '.join(missed)}" if missed else ""))
    return 1 if missed else 0


def _measure(wanted: list[str]) -> Iterator[Row]:
    depths = [depth for depth in DEPTHS if (any(_overlap(name, depth) for name in wanted) if wanted else depth not in ASKED)]
    unknown = [name for name in wanted if name.partition(".")[0] not in DEPTHS]
    if unknown:
        raise SystemExit(f"no rows begin with {', '.join(unknown)}; depths: {', '.join(DEPTHS)}")
    if {"ws", "browser"} & set(depths) and "floor" not in depths:
        depths.insert(0, "floor")
        wanted = [*wanted, *(f"floor.{way}.{depth}" for way in ("streamlit_run", "app") for depth in ("ws", "browser") if depth in depths)]

    def is_wanted(name: str) -> bool:
        return not wanted or any(_overlap(one, name) for one in wanted)

    from benchmarks import dataset

    workspace.remove_abandoned()
    if depths != ["import"]:
        dataset.prepare()
    for depth in depths:
        yield from _rows_of(depth)(is_wanted)


def _overlap(one: str, other: str) -> bool:
    return one == other or one.startswith(other + ".") or other.startswith(one + ".")


def _rows_of(depth: str) -> Callable[[Callable[[str], bool]], Iterator[Row]]:
    # Each depth brings its own libraries; only those that are measured have to be there.
    rows: Callable[[Callable[[str], bool]], Iterator[Row]] = import_module(f"benchmarks.{DEPTHS[depth]}").measure
    return rows


sys.exit(main())
