"""Workers of a test run share the work by files."""

import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from crm_core.config import ROOT

CONFTEST = "from tests.scheduling import pytest_xdist_make_scheduler\n"
NOTES = """
import os
import pytest

@pytest.mark.parametrize("place", range(6))
def test_nothing(place):
    with open("workers.txt", "a") as notes:
        notes.write(f"{__name__} {os.environ['PYTEST_XDIST_WORKER']}\\n")
"""


def test_all_tests_of_a_file_run_in_one_worker(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    for name in ("test_one", "test_two", "test_three"):
        (tmp_path / f"{name}.py").write_text(NOTES)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")} | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadgroup", "-p", "no:cacheprovider"]
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    workers = defaultdict(set)
    for line in (tmp_path / "workers.txt").read_text().splitlines():
        name, worker = line.split()
        workers[name].add(worker)
    assert {name: len(found) for name, found in workers.items()} == {"test_one": 1, "test_two": 1, "test_three": 1}
