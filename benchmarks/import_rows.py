"""A file of real companies through the command line: speed, memory, and that a second run adds nothing."""

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from benchmarks.measure import Row
from benchmarks.workspace import data_dir, use_data_dir
from crm_core.config import ROOT
from crm_core.schema import upgrade_database

FILE = ROOT.parent / "shared" / "sample-data" / "companies.csv"
OPTIONS = ["--incomplete", "keep", "--defaults", "source=其他", "--defaults", "source_detail=工商登记", "--json"]


def measure(is_wanted: Callable[[str], bool]) -> Iterator[Row]:
    """The first and the second run."""
    if not FILE.exists():
        print(f"import rows are left out: there is no {FILE.name} in ../{FILE.parent.parent.name}/{FILE.parent.name}")
        return
    with tempfile.TemporaryDirectory(prefix="kemai-bench-") as folder:
        use_data_dir(Path(folder))
        upgrade_database()
        for name in ("import.first", "import.again"):
            if is_wanted(name):
                yield _run(name)
    use_data_dir(data_dir())


def _run(name: str) -> Row:
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "crm_core", "import", "customers", str(FILE), *OPTIONS], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    peak = _Peak(process.pid)
    output, _nothing = process.communicate()
    took = time.perf_counter() - begun
    if process.returncode:
        raise RuntimeError(f"the import ended with {process.returncode}: {output[-500:]}")
    result = json.loads(output)
    figures = {key: result[key] for key in ("rows", "created", "skipped", "failed")}
    return Row(name, [took * 1000], {**figures, "rows_per_second": round(result["rows"] / result["seconds"]), "peak_mb": peak.stop()})


class _Peak(threading.Thread):
    """The largest resident memory of a process and its children together, looked at fifty times a second."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.process, self.bytes, self.is_over = psutil.Process(pid), 0, False
        self.start()

    def run(self) -> None:
        """Look until stopped."""
        while not self.is_over:
            try:
                family = [self.process, *self.process.children(recursive=True)]
                self.bytes = max(self.bytes, sum(one.memory_info().rss for one in family))
            except psutil.NoSuchProcess:
                return
            time.sleep(0.02)

    def stop(self) -> int:
        """Megabytes at the highest."""
        self.is_over = True
        self.join()
        return round(self.bytes / 2**20)
