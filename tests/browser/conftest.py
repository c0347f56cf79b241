"""A real server on a free port and a real Chromium for tests that walk through the product."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from crm_core.config import ROOT
from crm_core.permissions import Actor
from crm_core.services.backup import KEY
from tests import factories
from tests.browser.desk import PASSWORD, Desk
from tests.conftest import forget_settings, use_database
from tests.copies import Copy, start_copy

START = 240
"""Seconds that a server may take to start: a cold one two on a quiet machine, a minute and more on a busy one."""
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass
class Server:
    """One running server with a data folder of its own. A cold one is a new interpreter, as an operator starts it."""

    folder: Path
    port: int = 0
    environment: dict[str, str] = field(default_factory=dict)
    is_cold: bool = False
    process: Copy | subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def console(self) -> str:
        return (self.folder / "console.txt").read_text(encoding="utf-8", errors="replace")

    def prepare(self, template: Path) -> "Server":
        """Give it a database that is migrated already."""
        shutil.copy(template, self.folder / template.name)
        shutil.copy(template.with_name(KEY), self.folder / KEY)
        return self

    @contextmanager
    def records(self) -> Iterator[None]:
        """The services of this process work on the server's database meanwhile."""
        with pytest.MonkeyPatch.context() as patch:
            use_database(patch, self.folder, "")
            yield
            forget_settings()

    def employ(self) -> Actor:
        """The first administrator, made as the first page would."""
        with self.records():
            return factories.make_user(role="administrator", username="zhoumin", name="周敏", password=PASSWORD)

    @property
    def arguments(self) -> list[str]:
        """What follows `python -m`."""
        place = ["--host", "127.0.0.1", "--port", str(self.port)]
        return ["uvicorn", "app:app", *place, "--no-proxy-headers", "--log-level", "warning"]

    def start(self) -> "Server":
        self.port = self.port or free_port()
        environment = {**os.environ, "CRM_DATA_DIR": str(self.folder), **self.environment}
        begin = self._begin_cold if self.is_cold else start_copy
        self.process = begin(environment, self.arguments, self.folder / "console.txt")
        end = time.monotonic() + START
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise RuntimeError(self.console)
            try:
                urllib.request.urlopen(f"{self.url}/healthz", timeout=2)
                return self
            except OSError:
                time.sleep(0.1)
        raise TimeoutError(self.console)

    def _begin_cold(self, environment: Mapping[str, str], arguments: list[str], console: Path) -> subprocess.Popen[bytes]:
        with console.open("ab") as stream:
            return subprocess.Popen(
                [sys.executable, "-m", "tests.tethered", *arguments],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.PIPE,  # it ends with the test run, however that ends
                stdout=stream,
                stderr=stream,
            )

    def stop(self, *, kill: bool = False) -> int:
        assert self.process is not None
        self.process.kill() if kill else self.process.terminate()
        return self.process.wait(timeout=30)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def server(sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A fresh server with an empty database; its console must hold no traceback at the end."""
    monkeypatch.delenv("CRM_DATABASE_URL", raising=False)
    running = Server(tmp_path).prepare(sqlite_template).start()
    yield running
    if running.process and running.process.poll() is None:
        running.stop()
    assert "Traceback" not in running.console, running.console


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's or any installed Chromium."""
    path = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("no Chromium is installed")
    expect.set_options(timeout=20_000)  # a busy machine draws slowly
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def desk(chromium: Browser, server: Server) -> Iterator[Desk]:
    """A person at a desktop browser whose own language is English."""
    person = Desk(chromium, server.url)
    yield person
    person.leave()


@pytest.fixture
def second_desk(chromium: Browser, server: Server) -> Iterator[Desk]:
    """A second person at another browser."""
    person = Desk(chromium, server.url)
    yield person
    person.leave()
