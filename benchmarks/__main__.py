"""`python -m benchmarks [ROWS…]`: measure the rows whose names begin so, all without any name."""

import argparse
import shutil
import sys
from collections.abc import Callable, Iterator

from benchmarks import report, workspace
from benchmarks.measure import Row

DEPTHS = ("core", "floor", "ws", "browser", "duplicates", "import", "report")


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
    depths = [depth for depth in DEPTHS if not wanted or any(_overlap(name, depth) for name in wanted)]
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
    if depth == "core":
        from benchmarks import core_rows as rows
    elif depth == "floor":
        from benchmarks import floor_rows as rows
    elif depth == "ws":
        from benchmarks import socket_rows as rows
    elif depth == "browser":
        from benchmarks import browser_rows as rows
    elif depth == "duplicates":
        from benchmarks import duplicate_rows as rows
    elif depth == "report":
        from benchmarks import report_rows as rows
    else:
        from benchmarks import import_rows as rows
    return rows.measure


sys.exit(main())
