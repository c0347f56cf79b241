"""Fixtures: fresh databases of both kinds, people of each role, and the clock.

Databases are real. A template of each kind is made once per run (and per xdist worker). On SQLite every test gets its own copy; on
PostgreSQL it gets a copy that is brought back to what the template holds after the test (tests/postgres.py). Everything lies in memory
where there is room for it.
"""

import gc
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import lru_cache, partial
from pathlib import Path

import bcrypt
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import integers
from sqlalchemy.engine import make_url

from crm_core import cache, clock, config, crypto, db
from crm_core.permissions import Actor
from crm_core.schema import upgrade_database
from tests.postgres import NOTHING, Content, Copy, Postgres, start_postgres
from tests.scheduling import pytest_collection_modifyitems, pytest_xdist_make_scheduler
from tests.staff import Staff, asked_for, make_staff
from tests.warm import know_library, note_library, warm_engines

__all__ = ["pytest_collection_modifyitems", "pytest_xdist_make_scheduler", "warm_engines"]

SHARED = config.ROOT.parent / "shared"
MEMORY = Path("/dev/shm")
ENOUGH_MEMORY = 3 * 1024**3


def pytest_configure(config: pytest.Config) -> None:
    """Keep databases and other files of tests in memory: a disk makes every commit wait. Look for garbage when all is loaded."""
    gc.disable()
    if config.option.basetemp is None and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ENOUGH_MEMORY:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
        tempfile.tempdir = str(MEMORY)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before the first test that Hypothesis draws values for, let it read what it reads once per process."""
    if item.get_closest_marker("hypothesis"):
        _read_constants()


@lru_cache
def _read_constants() -> None:
    # It tries the numbers that stand in our modules, and parses all of these when it draws the first one. Longer than it grants a test.
    @settings(max_examples=300, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.too_slow])
    @given(integers())
    def draw(_number: int) -> None:
        """The draw is all."""

    draw()


def pytest_collection_finish() -> None:
    """Look for garbage less often, and not in what is loaded by now: tests make many small objects that die at once."""
    gc.freeze()
    gc.set_threshold(50_000)
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """bcrypt with its lowest cost: the same hashes, a hundred times faster."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bcrypt, "gensalt", partial(bcrypt.gensalt, rounds=4))
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server for this run."""
    with start_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables and the preset library."""
    folder = tmp_path_factory.mktemp("template")
    with pytest.MonkeyPatch.context() as patch:
        use_database(patch, folder, "")
        upgrade_database()
        note_library()
        config.settings().seal_file.unlink(missing_ok=True)  # it is noted again with the first line of the log
        forget_settings()
    return folder / "crm.db"


@pytest.fixture(scope="session")
def postgres_template(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of the server's template, which has all tables and the preset library."""
    folder = tmp_path_factory.mktemp("postgres")
    with pytest.MonkeyPatch.context() as patch:
        use_database(patch, folder, postgres.make_template())
        upgrade_database()
        note_library()
        config.settings().seal_file.unlink(missing_ok=True)
        db.engine().dispose()  # nobody may be connected to a database that is copied
        forget_settings()
    return folder


@dataclass(frozen=True)
class Kept:
    """A staff that was made, the data folder with it, and on PostgreSQL what its tables hold."""

    staff: Staff
    folder: Path
    content: Content = NOTHING


@pytest.fixture(scope="session")
def staffs() -> dict[tuple[str, frozenset[str]], Kept]:
    """Every staff made so far, by the kind of database and the names of the people."""
    return {}


@pytest.fixture
def sqlite_database(
    request: pytest.FixtureRequest,
    sqlite_template: Path,
    staffs: dict[tuple[str, frozenset[str]], Kept],
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[str]:
    """A fresh SQLite database with the people of the test; the address of it."""
    which = "sqlite", asked_for(request.fixturenames)
    with sqlite_copy(monkeypatch, staffs[which].folder / "crm.db" if which in staffs else sqlite_template, tmp_path / "var") as url:
        if which not in staffs:
            staff = make_staff(which[1])
            db.engine().dispose()  # the file is whole when nobody is connected
            staffs[which] = Kept(staff, shutil.copytree(tmp_path / "var", tmp_path_factory.mktemp("staff") / "var"))
        yield url


@pytest.fixture
def postgres_database(
    request: pytest.FixtureRequest,
    postgres: Postgres,
    postgres_template: Path,
    staffs: dict[tuple[str, frozenset[str]], Kept],
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[str]:
    """A fresh PostgreSQL database with the people of the test; the address of it."""
    which = "postgresql", asked_for(request.fixturenames)
    template = staffs[which].folder if which in staffs else postgres_template
    with postgres_copy(monkeypatch, postgres, template, tmp_path / "var") as copy:
        if which in staffs:
            copy.lay(staffs[which].content)
        else:
            staff = make_staff(which[1])
            staffs[which] = Kept(staff, shutil.copytree(tmp_path / "var", tmp_path_factory.mktemp("staff") / "var"), copy.written())
        yield config.settings().url


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> str:
    """A fresh database of each kind in turn: upgraded, with the preset library and roles, without users."""
    url: str = request.getfixturevalue(f"{request.param}_database")
    return url


@contextmanager
def sqlite_copy(patch: pytest.MonkeyPatch, template: Path, folder: Path) -> Iterator[str]:
    """A copy of the folder of the SQLite template, in use; the address of the database."""
    shutil.copytree(template.parent, folder)
    use_database(patch, folder, "")
    know_library(patch)
    yield config.settings().url
    forget_settings()


@contextmanager
def postgres_copy(patch: pytest.MonkeyPatch, server: Postgres, template: Path, folder: Path) -> Iterator[Copy]:
    """A copy of the PostgreSQL template, in use, with a copy of its data folder."""
    shutil.copytree(template, folder)
    with server.borrow() as copy:
        use_database(patch, folder, server.address(copy.name))
        know_library(patch)
        yield copy
        forget_settings()


def use_database(patch: pytest.MonkeyPatch, folder: Path, url: str) -> None:
    """Point the process to a data folder and a database, as its environment would at the start."""
    patch.setenv("CRM_DATA_DIR", str(folder))
    patch.setenv("CRM_DATABASE_URL", url)
    forget_settings()


def forget_settings() -> None:
    """Let go of the engine and of everything read from the environment or the database.

    Connections to PostgreSQL stay for the next test, since each new one has to learn the tables anew; those in use are cut off.
    """
    if db.engine.cache_info().currsize and (db.engine().dialect.name == "sqlite" or db.engine().pool.checkedout()):
        db.engine().dispose()
    db.engine.cache_clear()
    cache._stores.clear()
    config.settings.cache_clear()
    crypto._keys.cache_clear()


@pytest.fixture
def any_database(request: pytest.FixtureRequest) -> str:
    """The database of the test: the one it asks for, else SQLite."""
    asked = {"database", "postgres_database"} & set(request.fixturenames)
    url: str = request.getfixturevalue(asked.pop() if asked else "sqlite_database")
    return url


@pytest.fixture
def staff(request: pytest.FixtureRequest, any_database: str, staffs: dict[tuple[str, frozenset[str]], Kept]) -> Staff:
    """The teams and people of the test, who are in its database from the beginning."""
    return staffs[make_url(any_database).get_backend_name(), asked_for(request.fixturenames)].staff


@pytest.fixture
def teams(staff: Staff) -> dict[str, int]:
    """Two teams, East and West, and one below East."""
    return dict(staff.teams)


@pytest.fixture
def administrator(staff: Staff) -> Actor:
    """Somebody who may do everything and sees every row."""
    return staff.people["administrator"]


@pytest.fixture
def manager(staff: Staff) -> Actor:
    """The head of team East, who sees East and what is below it."""
    return staff.people["manager"]


@pytest.fixture
def sales(staff: Staff) -> Actor:
    """A salesperson of a team below East, who sees only their own customers."""
    return staff.people["sales"]


@pytest.fixture
def colleague(staff: Staff) -> Actor:
    """Another salesperson of team East."""
    return staff.people["colleague"]


@pytest.fixture
def stranger(staff: Staff) -> Actor:
    """A salesperson of team West, outside the manager's scope."""
    return staff.people["stranger"]


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """Set the clock to a moment (with its zone), where it then stands still."""

    def stop_at(moment: datetime) -> None:
        class Standing(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
                return moment.astimezone(tz)

        monkeypatch.setattr(clock, "datetime", Standing)

    return stop_at


@pytest.fixture
def shared() -> Path:
    """The folder with sample and reference data beside the repository; it is not part of it."""
    if not SHARED.is_dir():
        pytest.skip("needs the folder ../shared with sample data, which is not part of the repository")
    return SHARED
