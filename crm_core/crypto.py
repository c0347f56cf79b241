"""Encryption of sensitive identifiers: AES-GCM with keys in a file outside the database, and keyed hashes for equality search.

A stored value reads `<key number>:<base64 of nonce and ciphertext>`, so older keys stay readable after a rotation.
"""

import base64
import hashlib
import hmac
import os
import secrets
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from crm_core.config import settings


@cache
def _keys(path: Path) -> tuple[bytes, ...]:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_keys(path, [secrets.token_bytes(32)], is_first=True)
    return tuple(bytes.fromhex(line) for line in path.read_text().split())


def _write_keys(path: Path, keys: list[bytes], *, is_first: bool) -> None:
    # A name of its own for every thread: another one, or another process, may begin at the same moment.
    temporary = path.with_suffix(f".{secrets.token_hex(8)}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write("\n".join(key.hex() for key in keys) + "\n")
    if not is_first:
        os.replace(temporary, path)
        return
    try:
        os.link(temporary, path)  # whoever was first is not overwritten
    except FileExistsError:
        pass
    finally:
        temporary.unlink()


def encrypt(text: str) -> str:
    """Encrypt `text` with the newest key."""
    keys = _keys(settings().key_file)
    nonce = secrets.token_bytes(12)
    sealed = nonce + AESGCM(keys[-1]).encrypt(nonce, text.encode(), None)
    return f"{len(keys) - 1}:{base64.b64encode(sealed).decode()}"


def decrypt(stored: str) -> str:
    """Read a value written by `encrypt`. Raises `cryptography.exceptions.InvalidTag` where it was tampered with."""
    number, _colon, encoded = stored.partition(":")
    sealed = base64.b64decode(encoded)
    if int(number) >= len(_keys(settings().key_file)):
        _keys.cache_clear()  # another process began a newer key
    return AESGCM(_keys(settings().key_file)[int(number)]).decrypt(sealed[:12], sealed[12:], None).decode()


def keyed_hash(text: str) -> str:
    """A hash for equality search that cannot be guessed without the first key, which never leaves the key file."""
    return hmac.new(_keys(settings().key_file)[0], text.encode(), hashlib.sha256).hexdigest()


def derived_key(purpose: str) -> bytes:
    """A key for another purpose, made from the first key, so that a rotation does not change it."""
    # No text that is hashed for search begins with this character.
    return hmac.digest(_keys(settings().key_file)[0], f"\0{purpose}".encode(), "sha256")


def add_key() -> None:
    """Begin a new key; what is encrypted from now on uses it."""
    path = settings().key_file
    _write_keys(path, [*_keys(path), secrets.token_bytes(32)], is_first=False)
    _keys.cache_clear()


def token() -> str:
    """A new secret for a session, ticket or link: 256 random bits."""
    return secrets.token_urlsafe(32)


def token_hash(secret: str) -> str:
    """What is stored of a token, so that reading the database does not let anybody in."""
    return hashlib.sha256(secret.encode()).hexdigest()
