"""The command line in processes that begin as copies of one which has the libraries loaded: loading is most of the time of a command."""

import multiprocessing
import os
import runpy
import subprocess
import sys
from pathlib import Path

from crm_core import config
from crm_core.config import ROOT

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload([__name__, "crm_core.cli"])


def run_copy(folder: Path, environment: dict[str, str], arguments: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    """What `python -m crm_core` does and says with these arguments."""
    said = {name: folder / f"{name}.txt" for name in ("stdout", "stderr")}
    process = _CONTEXT.Process(target=_work, args=(environment, arguments, said))
    process.start()
    process.join(timeout=120)
    assert process.exitcode is not None, "the command does not end"
    stdout, stderr = (path.read_text(encoding="utf-8") for path in said.values())
    return subprocess.CompletedProcess(arguments, process.exitcode, stdout, stderr)


def _work(environment: dict[str, str], arguments: tuple[str, ...], said: dict[str, Path]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)
    config.settings.cache_clear()
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
