"""Reports as they are built beside the requests: a year as PDF, forty thousand rows as a workbook; each in a process of its own."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial

from sqlalchemy import func, select

from benchmarks import business, workspace
from benchmarks.measure import Row
from crm_core import db
from crm_core.config import ROOT
from crm_core.models import Contract
from crm_core.permissions import SYSTEM

PDF, EXCEL = "report.pdf.year", "report.xlsx.40000"
TIMES = 3
SEED = 11


def measure(is_wanted: Callable[[str], bool]) -> Iterator[Row]:
    """Time from the claim to the finished file, and the most memory that the process took."""
    rows = [name for name in (PDF, EXCEL) if is_wanted(name)]
    if not rows:
        return
    with workspace.own_copy("reports"):
        _fill()
        for name in rows:
            yield _row(name, [_build(name) for _turn in range(TIMES)])


def _fill() -> None:
    with db.reading(SYSTEM) as session:
        has_contracts = session.execute(select(func.count(Contract.id))).scalar_one() >= business.CONTRACTS
    if not has_contracts:
        business.build(SEED)


def _row(name: str, found: list[dict[str, float]]) -> Row:
    figures = {"memory_mb": max(one["memory_mb"] for one in found), "file_mb": found[-1]["file_mb"]}
    return Row(name, [one["milliseconds"] for one in found], figures)


def _build(name: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.report_probe", "pdf" if name == PDF else "xlsx"]
    run = partial(subprocess.run, check=True, capture_output=True, text=True, cwd=ROOT)
    told: dict[str, float] = json.loads(run(command).stdout.splitlines()[-1])
    return told
