"""Backup and restore: what comes back is what was saved, and a damaged or newer file changes nothing."""

import json
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from crm_core import config, db
from crm_core.errors import FileRefused
from crm_core.models import Customer
from crm_core.permissions import SYSTEM, Actor
from crm_core.services.attachments import add_attachment, open_attachment
from crm_core.services.backup import MANIFEST, SAVED, restore_backup, write_backup
from crm_core.services.file_store import store_file
from tests import factories
from tests.conftest import forget_settings


def names() -> list[str]:
    with db.reading(SYSTEM) as session:
        return list(session.execute(select(Customer.name).order_by(Customer.id)).scalars())


def lose_everything() -> None:
    folder = config.settings().data_dir
    forget_settings()
    folder.rename(folder.with_name("lost"))
    config.settings.cache_clear()
    db.engine.cache_clear()


def changed_copy(source: Path, target: Path, change: Callable[[str, bytes], bytes]) -> Path:
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return target


def test_a_lost_installation_comes_back_with_its_keys_and_files(sqlite_database: str, administrator: Actor, tmp_path: Path) -> None:
    number = factories.random_identity_number()
    customer = factories.make_customer(administrator, kind="individual", identity_number=number)
    with db.transaction(administrator) as session:
        attachment = add_attachment(
            session, administrator, file=store_file(factories.PDF), type="attachment_type.business_card", customer_id=customer.id
        )
    file = tmp_path / "backup.zip"
    assert write_backup(file) == file.stat().st_size
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    lose_everything()
    restore_backup(file)
    with db.reading(administrator) as session:
        found = session.execute(select(Customer)).scalar_one()
        assert (found.name, found.identity_number) == (customer.name, number)
        assert open_attachment(session, administrator, attachment.id).content == factories.PDF


def test_restoring_replaces_what_came_since_and_keeps_it_aside(sqlite_database: str, administrator: Actor, tmp_path: Path) -> None:
    file = tmp_path / "backup.zip"
    first = factories.make_customer(administrator).name
    write_backup(file)
    second = factories.make_customer(administrator).name
    restore_backup(file)
    assert names() == [first]
    restore_backup(config.settings().data_dir / SAVED)
    assert names() == [first, second]


@pytest.mark.parametrize("damage", ["not a zip", "cut off", "database changed", "database unlisted", "outside the folder"])
def test_a_damaged_backup_is_refused_and_changes_nothing(sqlite_database: str, administrator: Actor, tmp_path: Path, damage: str) -> None:
    name = factories.make_customer(administrator).name
    good, bad = tmp_path / "good.zip", tmp_path / "bad.zip"
    write_backup(good)
    if damage == "not a zip":
        bad.write_bytes(b"nothing of the kind")
    elif damage == "cut off":
        bad.write_bytes(good.read_bytes()[:-2_000])
    elif damage == "database changed":
        changed_copy(good, bad, lambda entry, content: content[:-1] + b"x" if entry == "crm.db" else content)
    elif damage == "database unlisted":
        changed_copy(good, bad, lambda entry, content: content.replace(b'"crm.db"', b'"files/x"') if entry == MANIFEST else content)
    else:
        changed_copy(good, bad, lambda entry, content: content.replace(b'"crm.db"', b'"../crm.db"') if entry == MANIFEST else content)
    with pytest.raises(FileRefused):
        restore_backup(bad)
    assert names() == [name]


@pytest.mark.parametrize("newer", [{"format": 2}, {"revision": "9999"}])
def test_a_backup_of_a_newer_version_is_refused(sqlite_database: str, tmp_path: Path, newer: dict[str, object]) -> None:
    good = tmp_path / "good.zip"
    write_backup(good)

    def change(entry: str, content: bytes) -> bytes:
        return json.dumps(json.loads(content) | newer).encode() if entry == MANIFEST else content

    bad = changed_copy(good, tmp_path / "bad.zip", change)
    with pytest.raises(FileRefused):
        restore_backup(bad)


def test_postgresql_is_referred_to_its_own_tools(postgres_database: str, tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="pg_dump"):
        write_backup(tmp_path / "backup.zip")
