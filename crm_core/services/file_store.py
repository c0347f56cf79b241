"""Where files lie: recognised by their first bytes, kept once under their SHA-256, removed when no row names them any more.

Storing and reading take their time and belong outside a transaction, which keeps others from writing.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta

import fsspec
from sqlalchemy import select

from crm_core import clock
from crm_core.config import MAX_ATTACHMENT_BYTES, settings
from crm_core.db import CrmSession
from crm_core.errors import FileRefused
from crm_core.i18n import _
from crm_core.models import Attachment, FollowUpDraft, Report, User
from crm_core.scope import unscoped

SIGNATURES = ((b"%PDF-", "application/pdf", "pdf"), (b"\xff\xd8\xff", "image/jpeg", "jpg"), (b"\x89PNG\r\n\x1a\n", "image/png", "png"))
KEPT_UNUSED = timedelta(hours=1)
"""A file without a row may be one that is just being attached."""


@dataclass(frozen=True)
class StoredFile:
    """A file that lies in the store and waits for its row."""

    digest: str
    size: int
    media_type: str
    extension: str


def recognise(content: bytes) -> tuple[str, str]:
    """Media type and extension by the first bytes. Raises `FileRefused` for anything but PDF, JPG and PNG."""
    for signature, media_type, extension in SIGNATURES:
        if content.startswith(signature):
            return media_type, extension
    raise FileRefused(_("This file is not a PDF, JPG or PNG, whatever its name says. Save it in one of these formats and upload it again."))


def check_size(size: int) -> None:
    """Raise `FileRefused` for an empty file or one above 10 MB."""
    if size == 0:
        raise FileRefused(_("This file is empty. Choose another one."))
    if size > MAX_ATTACHMENT_BYTES:
        raise FileRefused(
            _("This file has {size} MB; at most {limit} MB are possible. Reduce it and upload it again.").format(
                size=round(size / 1024 / 1024, 1), limit=MAX_ATTACHMENT_BYTES // 1024 // 1024
            )
        )


def store_file(content: bytes) -> StoredFile:
    """Put a file into the store; the same content is kept once. Raises `FileRefused` by size and first bytes."""
    check_size(len(content))
    media_type, extension = recognise(content)
    return StoredFile(keep_content(content), len(content), media_type, extension)


def keep_content(content: bytes) -> str:
    """Put content into the store that the system itself made; returns its SHA-256."""
    digest = hashlib.sha256(content).hexdigest()
    filesystem, root = fsspec.url_to_fs(settings().files_location)
    folder = f"{root}/{digest[:2]}"
    filesystem.makedirs(folder, exist_ok=True)
    # Moved into its place when it is whole, even over the same content: a file just stored again is not an unused one.
    unfinished = f"{folder}/{digest}.{secrets.token_hex(4)}"
    filesystem.pipe_file(unfinished, content)
    filesystem.mv(unfinished, f"{folder}/{digest}")
    return digest


def load_file(digest: str) -> bytes:
    """Read a file from the store."""
    filesystem, root = fsspec.url_to_fs(settings().files_location)
    content: bytes = filesystem.cat_file(f"{root}/{digest[:2]}/{digest}")
    return content


def remove_unused_files(session: CrmSession) -> int:
    """Delete files that no row names and that are older than an hour, unfinished ones too; returns how many they were."""
    filesystem, root = fsspec.url_to_fs(settings().files_location)
    since = clock.now() - KEPT_UNUSED
    old = [path for path in filesystem.find(root) if filesystem.modified(path) < since]
    used = _named(session) if old else set()
    unused = [path for path in old if path.rpartition("/")[2] not in used and filesystem.modified(path) < since]
    for path in unused:
        filesystem.rm_file(path)
    return len(unused)


def _named(session: CrmSession) -> set[str | None]:
    """The digests that a row names: of attachments, pictures, reports, and files that wait with a follow-up that is being written."""
    single = select(Attachment.digest).union(select(User.avatar), select(Report.digest))
    waiting = session.execute(select(FollowUpDraft.digests), execution_options=unscoped).scalars()
    return set(session.execute(single, execution_options=unscoped).scalars()).union(*waiting)
