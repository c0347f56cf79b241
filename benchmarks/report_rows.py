"""Reports as they are built beside the requests: a year as PDF, forty thousand rows as a workbook; each in a process of its own."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator

from benchmarks.measure import Row
from crm_core.config import ROOT

FORMATS = {"report.pdf.year": "pdf", "report.xlsx.40000": "xlsx"}
TIMES = 3


def measure(is_wanted: Callable[[str], bool], before: str = "") -> Iterator[Row]:
    """Time from the claim to the finished file, and the most memory that the process took; `before` is what the names begin with."""
    for name, format in FORMATS.items():
        if is_wanted(before + name):
            found = [_build(format) for _turn in range(TIMES)]
            figures = {"memory_mb": max(one["memory_mb"] for one in found), "file_mb": found[-1]["file_mb"]}
            yield Row(before + name, [one["milliseconds"] for one in found], figures)


def _build(format: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.report_probe", format]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told
