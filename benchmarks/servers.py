"""Servers of their own for a run, on free ports of this machine, each stopped by its process when the run is over."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from crm_core.config import ROOT

FLOOR = Path(__file__).parent / "floor"
START_SECONDS = 300


def product() -> list[str]:
    """The product, as `make run` starts it."""
    return [sys.executable, "-m", "uvicorn", "app:app", "--host", "127.0.0.1", "--log-level", "warning", "--no-access-log", "--port"]


def empty_app() -> list[str]:
    """The empty page, served as the product is."""
    return [part.replace("app:app", "benchmarks.floor.empty_app:app") for part in product()]


def empty_run() -> list[str]:
    """The empty page under `streamlit run`, as it comes."""
    options = ["--server.headless=true", "--browser.gatherUsageStats=false", "--server.address=127.0.0.1", "--server.port"]
    return [sys.executable, "-m", "streamlit", "run", str(FLOOR / "empty_page.py"), *options]


@dataclass(frozen=True)
class Server:
    """A running server."""

    address: str
    process: psutil.Process

    def cpu_ms(self) -> float:
        """Milliseconds of processor time spent so far."""
        spent = self.process.cpu_times()
        return (spent.user + spent.system) * 1000

    def memory_mb(self) -> int:
        """Megabytes that it holds at present, without the pages of the database file that it looks at: the system takes these back."""
        held = self.process.memory_info()
        return round((held.rss - held.shared) / 2**20)


@contextmanager
def running(command: list[str], *, health: str = "/_stcore/health", plain: bool = False) -> Iterator[Server]:
    """Start a server and wait until it answers. `plain` keeps the project's settings of Streamlit away."""
    port = _free_port()
    with tempfile.TemporaryDirectory() as elsewhere, tempfile.TemporaryFile() as log:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(
            [*command, str(port)], cwd=elsewhere if plain else ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
        address = f"http://127.0.0.1:{port}"
        try:
            _wait(process, address + health, log)
            yield Server(address, psutil.Process(process.pid))
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            _tell_errors(log)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(process: subprocess.Popen, address: str, log) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    log.seek(0)
    raise RuntimeError(f"the server at {address} did not start:\n{log.read().decode(errors='replace')[-3000:]}")


def _tell_errors(log) -> None:
    log.seek(0)
    text = log.read().decode(errors="replace")
    if "Traceback" in text or "ERROR" in text:
        print("the server reported:\n" + text[-3000:], file=sys.stderr, flush=True)
