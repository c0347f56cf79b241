"""What was measured, in a table on the console, in results.md for people and in latest.json for programs."""

import json
import os
import platform
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from benchmarks.goals import floor_of, goals_of
from benchmarks.measure import Row
from crm_core.config import settings

FOLDER = Path(__file__).parent
LATEST = FOLDER / "latest.json"
GROWTH = "growth."
HEADINGS = ("row", "p50 ms", "p95 ms", "× floor", "more", "goal", "met", "measured")


def keep(row: Row) -> None:
    """Put a row in the place of its earlier measurement; done row by row, so that an interrupted run loses nothing."""
    kept = read()
    kept[row.name] = entry(row, floors(kept))
    LATEST.write_text(json.dumps(kept, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def read() -> dict[str, dict[str, Any]]:
    """The latest measurement of every row."""
    return json.loads(LATEST.read_text(encoding="utf-8")) if LATEST.exists() else {}


def floors(kept: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """The medians of all rows, of which some are the floors of others."""
    return {name: one["p50_ms"] for name, one in kept.items() if one["p50_ms"] is not None}


def entry(row: Row, known: Mapping[str, float]) -> dict[str, Any]:
    """A row as latest.json keeps it."""
    goals = goals_of(row.name)
    met = [goal.is_met(row, known) for goal in goals]
    floor = known.get(floor_of(row.name))
    return {
        "p50_ms": row.p50,
        "p95_ms": row.p95,
        "ratio": round(row.p50 / floor, 2) if floor and row.p50 is not None else None,
        "goal": "; ".join(goal.told() for goal in goals),
        "met": None if None in met or not met else all(met),
        "n": len(row.times),
        **row.figures,
        **({"note": row.note} if row.note else {}),
        "floor": floor_of(row.name),
        "at": datetime.now(settings().timezone).isoformat(timespec="minutes"),
        "load": round(os.getloadavg()[0], 1),
    }


def cells(name: str, one: Mapping[str, Any]) -> list[str]:
    """One line of a table."""
    hidden = {"p50_ms", "p95_ms", "ratio", "goal", "met", "floor", "at", "load", "n", "note"}
    more = ", ".join(f"{key} {value}" for key, value in one.items() if key not in hidden)
    met = {True: "yes", False: "**no**", None: ""}[one["met"]]
    times = [_number(one[key]) for key in ("p50_ms", "p95_ms", "ratio")]
    return [name, *times, one.get("note") or more, one["goal"], met, f"{one['at'][:16]}, load {one['load']:g}"]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def console(row: Row) -> None:
    """Say what came of one row."""
    name, p50, p95, ratio, more, goal, met, _at = cells(row.name, read()[row.name])
    print(f"{name:<30}{p50:>9}{p95:>9}{ratio:>7}  {met.strip('*'):<4}{more:<40} {goal}", flush=True)


def write_results() -> None:
    """results.md from everything in latest.json."""
    lines = [(FOLDER / "reading.md").read_text(encoding="utf-8"), "## Machine", "", *_machine(), "", "## Rows", ""]
    lines += ["| " + " | ".join(HEADINGS) + " |", "|" + "---|" * len(HEADINGS)]
    rows = read()
    growing = {name: rows.pop(name) for name in list(rows) if name.startswith(GROWTH)}
    lines += ["| " + " | ".join(cells(name, one)) + " |" for name, one in sorted(rows.items(), key=_place)]
    lines += _growth(growing) if growing else []
    (FOLDER / "results.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _growth(rows: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A table with a row for each action and two columns for each size."""
    found: dict[str, dict[int, Mapping[str, Any]]] = {}
    for name, one in rows.items():
        size, _dot, action = name.removeprefix(GROWTH).partition(".")
        found.setdefault(action, {})[int(size)] = one
    sizes = sorted({size for by_size in found.values() for size in by_size})
    heads = ["row", *(f"{size:,}: {measure}" for size in sizes for measure in ("p50 ms", "p95 ms"))]
    lines = ["", "## Growth", "", "How the time grows with the number of customers, and of all that hangs on them.", ""]
    lines += ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for action, by_size in found.items():
        times = [_number(by_size[size][key]) if size in by_size else "" for size in sizes for key in ("p50_ms", "p95_ms")]
        lines.append("| " + " | ".join((action, *times)) + " |")
    days = sorted(f"{one['at']}, load {one['load']:g}" for one in rows.values())
    return [*lines, "", f"Measured between {days[0]} and {days[-1]}."]


def _place(pair: tuple[str, Any]) -> tuple[int, str]:
    depths = ("core", "postgres", "ws", "load", "browser", "floor", "duplicates", "import", "report")
    return depths.index(pair[0].partition(".")[0]), pair[0]


def _machine() -> list[str]:
    memory = psutil.virtual_memory().total / 2**30
    libraries = ", ".join(f"{name} {version(name)}" for name in ("streamlit", "SQLAlchemy", "pandas", "pyarrow", "uvicorn", "plotly"))
    return [
        f"- {os.cpu_count()} cores ({_cpu_model()}), {memory:.0f} GB memory, {platform.system()} {platform.release()}",
        f"- Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {_chromium()}",
        f"- {libraries}",
        f"- written {datetime.now(settings().timezone):%Y-%m-%d %H:%M}; each row says when it was measured",
    ]


def _cpu_model() -> str:
    cpus = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*:\s*(.+)", cpus.read_text()) if cpus.exists() else None
    return found.group(1).strip() if found else platform.processor() or platform.machine()


def _chromium() -> str:
    path = shutil.which("chromium")
    if not path:
        return "no Chromium"
    shown = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    return shown.partition(" built")[0]
