"""Encryption of identifiers, rotation of keys, and secrets."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from cryptography.exceptions import InvalidTag

from crm_core import config, crypto
from crm_core.db import reading
from crm_core.models import Customer
from crm_core.permissions import Actor
from crm_core.services.duplicates import find_duplicates
from tests import factories


@pytest.fixture
def key_file(sqlite_database: str) -> Path:
    return config.settings().key_file


def test_a_text_is_read_back_and_never_stored_twice_the_same(key_file: Path) -> None:
    first, second = crypto.encrypt("11010519491231002X"), crypto.encrypt("11010519491231002X")
    assert first != second
    assert "11010519491231002X" not in first
    assert crypto.decrypt(first) == crypto.decrypt(second) == "11010519491231002X"


def test_a_value_that_was_tampered_with_is_not_read(key_file: Path) -> None:
    stored = crypto.encrypt("x" * 30)
    broken = stored[:12] + ("A" if stored[12] != "A" else "B") + stored[13:]
    with pytest.raises(InvalidTag):
        crypto.decrypt(broken)


def test_the_key_is_for_the_owner_of_the_file_alone(key_file: Path) -> None:
    crypto.encrypt("x")
    assert oct(key_file.stat().st_mode & 0o777) == "0o600"
    crypto.add_key()
    assert oct(key_file.stat().st_mode & 0o777) == "0o600"
    assert [path.name for path in key_file.parent.iterdir() if path.suffix == ".tmp"] == []


def test_threads_that_need_the_first_key_at_once_share_it(key_file: Path) -> None:
    gate = Barrier(8)

    def hash_at_once(_number: int) -> str:
        gate.wait()
        return crypto.keyed_hash("x")

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(hash_at_once, range(8)))) == 1
    assert [path.name for path in key_file.parent.iterdir() if path.suffix == ".tmp"] == []


def test_after_a_rotation_older_values_and_hashes_stay_good(key_file: Path) -> None:
    old, old_hash = crypto.encrypt("old"), crypto.keyed_hash("number")
    crypto.add_key()
    new = crypto.encrypt("new")
    assert (old[:2], new[:2]) == ("0:", "1:")
    assert (crypto.decrypt(old), crypto.decrypt(new)) == ("old", "new")
    assert crypto.keyed_hash("number") == old_hash
    assert len(key_file.read_text().split()) == 2


def test_a_customers_number_is_read_and_found_after_a_rotation(database: str, sales: Actor) -> None:
    number = factories.random_identity_number()
    made = factories.make_customer(sales, kind="individual", identity_number=number)
    crypto.add_key()
    with reading(sales) as session:
        customer = session.get(Customer, made.id)
        assert customer is not None
        assert customer.identity_number == number
        found = find_duplicates(session, sales, name="别人", kind="individual", identity_number=number)
    assert [one.customer_id for one in found] == [made.id]


def test_a_running_server_reads_what_another_process_wrote_with_a_newer_key(key_file: Path) -> None:
    crypto.encrypt("the keys are now in memory")
    program = "from crm_core import crypto; crypto.add_key(); print(crypto.encrypt('newer'), end='')"
    environment = os.environ | {"PYTHONPATH": str(config.ROOT)}
    written = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True).stdout
    assert written.startswith("1:")
    assert crypto.decrypt(written) == "newer"


def test_without_its_keys_nothing_can_be_read(key_file: Path) -> None:
    stored, hashed = crypto.encrypt("secret"), crypto.keyed_hash("number")
    key_file.unlink()
    crypto._keys.cache_clear()
    with pytest.raises(InvalidTag):
        crypto.decrypt(stored)
    assert crypto.keyed_hash("number") != hashed


def test_tokens_differ_and_only_their_hash_is_stored() -> None:
    tokens = {crypto.token() for _time in range(100)}
    assert len(tokens) == 100
    assert min(map(len, tokens)) >= 43
    assert len({crypto.token_hash(token) for token in tokens}) == 100
