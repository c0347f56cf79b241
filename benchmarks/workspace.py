"""Where a run keeps its data: a cache for what is built once, and the folder that the measured process works in."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from crm_core import config, crypto, db


def cache() -> Path:
    """The folder for data that later runs use again; KEMAI_BENCH_DIR, or `data/var/bench`."""
    folder = Path(os.environ.get("KEMAI_BENCH_DIR") or config.ROOT / "data" / "var" / "bench").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def data_dir() -> Path:
    """The data folder of this run."""
    return cache() / f"run-{os.getpid()}"


def remove_abandoned() -> None:
    """Remove the folders of runs that were stopped half-way."""
    for folder in cache().glob("run-*"):
        if not psutil.pid_exists(int(folder.name.split("-")[1])):
            shutil.rmtree(folder, ignore_errors=True)


def use_data_dir(folder: Path, *, url: str = "") -> None:
    """Point this process, and those it starts, to a data folder, with the SQLite database in it or the one at `url`."""
    if db.engine.cache_info().currsize:
        db.engine().dispose()
    os.environ["CRM_DATA_DIR"] = str(folder)
    os.environ["CRM_DATABASE_URL"] = url
    os.environ.pop("CRM_FILES_URL", None)
    db.engine.cache_clear()
    config.settings.cache_clear()
    crypto._keys.cache_clear()


@contextmanager
def own_copy(name: str) -> Iterator[None]:
    """Work in a copy of the run's data, for rows that change it for good."""
    shared = data_dir()
    own = shared.with_name(f"{shared.name}-{name}")
    db.engine().dispose()
    shutil.copytree(shared, own)
    use_data_dir(own)
    try:
        yield
    finally:
        use_data_dir(shared)
        shutil.rmtree(own)
