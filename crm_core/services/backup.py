"""Backup and restore of an installation on SQLite: database, keys and attachments in one zip with a checksum of each.

PostgreSQL (pg_dump) and object stores have means of their own.
"""

import hashlib
import json
import os
import shutil
import sqlite3
import tempfile
import zipfile
from contextlib import closing
from pathlib import Path, PurePosixPath
from typing import Any

from alembic.script import ScriptDirectory
from sqlalchemy.engine import make_url

from crm_core import clock, seals
from crm_core.config import settings
from crm_core.errors import FileRefused
from crm_core.i18n import _

FORMAT = 1
DATABASE, KEY, FILES, MANIFEST = "crm.db", "secret.key", "files", "manifest.json"
SAVED = "before-restore.zip"

_MIGRATIONS = Path(__file__).parents[1] / "migrations"
_BLOCK = 1024 * 1024


def write_backup(target: Path) -> int:
    """Write everything to a new file, while the server may go on working; returns the size in bytes.

    The file holds the keys and is readable by its owner only. Raises `FileRefused` on PostgreSQL or with an object store.
    """
    database = _database()
    if not database.exists():
        raise FileRefused(_("There is no database yet. Run “python -m crm_core upgrade” first."))
    with tempfile.TemporaryDirectory(dir=settings().data_dir) as folder:
        snapshot = Path(folder) / DATABASE
        _copy_database(database, snapshot)
        # The database first: a file that comes in meanwhile is then one too many in the backup, never one too few.
        sources = {DATABASE: snapshot, **_kept_files()}
        unfinished = Path(folder) / "backup.zip"
        _write_archive(unfinished, sources, revision=_revision(snapshot))
        shutil.move(unfinished, target)
    return target.stat().st_size


def restore_backup(source: Path) -> None:
    """Put a backup in the place of the present data, which is first saved as `before-restore.zip` in the data folder.

    Raises `FileRefused`, before anything is changed, for a file that is damaged or comes from a newer version.
    """
    database = _database()
    settings().data_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=settings().data_dir) as name:
        folder = Path(name)
        _unpack(source, folder)
        _check_database(folder / DATABASE)
        if database.exists():
            write_backup(settings().data_dir / SAVED)
        _copy_database(folder / DATABASE, database)
        if (folder / KEY).exists():
            os.replace(folder / KEY, settings().key_file)
        if (folder / FILES).exists():
            shutil.copytree(folder / FILES, settings().files_location, dirs_exist_ok=True)
        seals.forget_head()  # the log of the backup ends earlier than the one it replaces


def _database() -> Path:
    url = make_url(settings().url)
    if url.get_backend_name() != "sqlite" or "://" in settings().files_location:
        raise FileRefused(
            _("This command serves SQLite with a local files folder. For others use pg_dump and the tools of the file store.")
        )
    return Path(url.database or "")


def _copy_database(source: Path, target: Path) -> None:
    # SQLite's own copy: consistent while others write, and seen by those who have the target open.
    with closing(sqlite3.connect(source, timeout=30)) as old, closing(sqlite3.connect(target, timeout=30)) as new:
        old.backup(new)


def _kept_files() -> dict[str, Path]:
    folder = Path(settings().files_location)
    files = {f"{FILES}/{path.relative_to(folder).as_posix()}": path for path in sorted(folder.rglob("*")) if path.is_file()}
    return files | ({KEY: settings().key_file} if settings().key_file.exists() else {})


def _write_archive(path: Path, sources: dict[str, Path], *, revision: str) -> None:
    path.touch(mode=0o600)
    digests = {}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, source in sources.items():
            archive.write(source, name)
            digests[name] = _digest(source)
        manifest = {"format": FORMAT, "revision": revision, "made_at": clock.now().isoformat(), "sha256": digests}
        archive.writestr(MANIFEST, json.dumps(manifest, indent=1))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _revision(database: Path) -> str:
    with closing(sqlite3.connect(database)) as connection:
        return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def _unpack(source: Path, folder: Path) -> None:
    try:
        with zipfile.ZipFile(source) as archive:
            manifest = json.loads(archive.read(MANIFEST))
            _refuse_newer(manifest)
            digests = manifest["sha256"]
            for name in {DATABASE, *digests}:
                _extract(archive, name, folder, digests[name])
    except (OSError, zipfile.BadZipFile, zipfile.LargeZipFile, KeyError, ValueError, EOFError) as problem:
        raise FileRefused(_damaged()) from problem


def _refuse_newer(manifest: dict[str, Any]) -> None:
    known = {script.revision for script in ScriptDirectory(str(_MIGRATIONS)).walk_revisions()}
    if manifest["format"] > FORMAT or manifest["revision"] not in known:
        raise FileRefused(_("This backup comes from a newer version. Bring the program up to date, then restore it."))


def _extract(archive: zipfile.ZipFile, name: str, folder: Path, digest: str) -> None:
    parts = PurePosixPath(name).parts
    if ".." in parts or PurePosixPath(name).is_absolute() or (name not in (DATABASE, KEY) and parts[0] != FILES):
        raise ValueError(name)
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(name) as packed, target.open("wb") as file:
        shutil.copyfileobj(packed, file, _BLOCK)
    target.chmod(0o600)
    if _digest(target) != digest:
        raise ValueError(name)


def _check_database(path: Path) -> None:
    try:
        with closing(sqlite3.connect(path)) as connection:
            is_sound = connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    except sqlite3.DatabaseError as problem:
        raise FileRefused(_damaged()) from problem
    if not is_sound:
        raise FileRefused(_damaged())


def _damaged() -> str:
    return _("This file is not a backup, or it is damaged. Nothing was changed. Take another backup.")
