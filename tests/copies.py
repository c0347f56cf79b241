"""Processes that begin as copies of one which has everything loaded (`tests.loaded`): loading is most of the time of a command and of
the start of a server."""

import multiprocessing
import os
import runpy
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import ModuleType

import pytest

from crm_core import config
from crm_core.config import ROOT

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload([__name__, "tests.loaded"])


def run_copy(folder: Path, environment: dict[str, str], arguments: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    """What `python -m crm_core` does and says with these arguments."""
    said = {name: folder / f"{name}.txt" for name in ("stdout", "stderr")}
    process = _CONTEXT.Process(target=_work, args=(environment, arguments, said))
    _start(process)
    process.join(timeout=120)
    assert process.exitcode is not None, "the command does not end"
    stdout, stderr = (path.read_text(encoding="utf-8") for path in said.values())
    return subprocess.CompletedProcess(arguments, process.exitcode, stdout, stderr)


def _start(process: BaseProcess) -> None:
    # A copy runs the main module again, and a page that a test has run stands in its place.
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "__main__", ModuleType("__main__"))
        process.start()


def _work(environment: dict[str, str], arguments: tuple[str, ...], said: dict[str, Path]) -> None:
    _be_like_new(environment)
    for name, path in said.items():
        stream = path.open("w", encoding="utf-8")
        os.dup2(stream.fileno(), getattr(sys, name).fileno())
        setattr(sys, name, stream)
    sys.argv = ["crm_core", *arguments]
    try:
        runpy.run_module("crm_core", run_name="__main__")
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def _be_like_new(environment: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)
    config.settings.cache_clear()
    sys.modules.pop("app", None)  # it reads the environment


@dataclass
class Copy:
    """A process that goes on, with the words of `subprocess.Popen`."""

    process: BaseProcess

    def poll(self) -> int | None:
        return self.process.exitcode

    def wait(self, timeout: float) -> int:
        self.process.join(timeout)
        if self.process.exitcode is None:
            raise TimeoutError
        return self.process.exitcode

    def terminate(self) -> None:
        self.process.terminate()

    def kill(self) -> None:
        self.process.kill()


def start_copy(environment: Mapping[str, str], arguments: list[str], console: Path) -> Copy:
    """What `python -m` does with these arguments; it writes to the console, and ends when this process is gone, however that ended."""
    process = _CONTEXT.Process(target=_go_on, args=(dict(environment), arguments, console), daemon=True)
    _start(process)
    return Copy(process)


def _go_on(environment: dict[str, str], arguments: list[str], console: Path) -> None:
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    _be_like_new(environment)
    with console.open("ab") as stream:
        for fileno in (sys.stdout.fileno(), sys.stderr.fileno()):
            os.dup2(stream.fileno(), fileno)
    sys.argv = arguments
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)


def _end_with_the_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent
    parent.join()
    os._exit(1)
