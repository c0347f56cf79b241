"""Pictures of people: made anew from what was uploaded, whatever that holds."""

import struct
import zlib
from datetime import timedelta
from io import BytesIO

import fsspec
import pytest
from PIL import Image

from crm_core.config import settings
from crm_core.db import reading, transaction
from crm_core.errors import FileRefused, NotFound
from crm_core.permissions import Actor
from crm_core.services import file_store, pictures
from tests import factories


def picture(size: tuple[int, int] = (400, 300), kind: str = "PNG", mode: str = "RGB", **options: object) -> bytes:
    buffer = BytesIO()
    Image.new(mode, size, "red" if mode.startswith("RGB") else 1).save(buffer, kind, **options)
    return buffer.getvalue()


def claiming(width: int, height: int) -> bytes:
    """A small PNG that claims to be huge."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


def stored(digest: str) -> Image.Image:
    return Image.open(BytesIO(file_store.load_file(digest)))


@pytest.mark.parametrize(
    ("content", "side"),
    [
        *((picture((4000, 1000)), 256), (picture((90, 60)), 60), (picture((1, 1)), 1), (picture(kind="JPEG"), 256)),
        *((picture(mode="RGBA"), 256), (picture(mode="L"), 256), (picture(mode="P"), 256), (picture(kind="JPEG", mode="CMYK"), 256)),
    ],
)
def test_a_picture_becomes_a_small_square(sqlite_database: str, content: bytes, side: int) -> None:
    made = stored(pictures.store_picture(content))
    assert (made.format, made.size) == ("PNG", (side, side))


def test_nothing_else_of_the_upload_is_kept(sqlite_database: str) -> None:
    exif = Image.Exif()
    exif[0x010E] = "home address"
    made = pictures.store_picture(picture(kind="JPEG", exif=exif) + b"<script>alert(1)</script>")
    content = file_store.load_file(made)
    assert b"home address" not in content
    assert b"script" not in content


GIF = BytesIO()
Image.new("RGB", (9, 9)).save(GIF, "GIF")


@pytest.mark.parametrize(
    "content",
    [
        *(
            b"",
            b"x",
            factories.PDF,
            factories.PNG,
            factories.JPG,
            picture()[:60],
            GIF.getvalue(),
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        ),
        *(claiming(30_000, 30_000), claiming(8_000, 8_000), claiming(200, 2_000_000_000), picture() + bytes(10 * 1024 * 1024)),
    ],
)
def test_what_is_no_picture_or_too_large_is_refused(sqlite_database: str, content: bytes) -> None:
    with pytest.raises(FileRefused):
        pictures.store_picture(content)


def test_only_a_digest_of_somebodys_picture_is_given_out(database: str, sales: Actor) -> None:
    digest, other = pictures.store_picture(picture()), file_store.store_file(factories.PDF).digest
    with transaction(sales) as session:
        pictures.set_picture(session, sales, digest)
    with reading(sales) as session:
        assert pictures.picture_digest(session, digest) == digest
        for wrong in (other, "", "../../secret.key", digest.upper()):
            with pytest.raises(NotFound):
                pictures.picture_digest(session, wrong)
    assert factories.actor_of(sales.id or 0).avatar == digest


def test_a_picture_in_use_stays_in_the_store_and_a_removed_one_goes(database: str, sales: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_store, "KEPT_UNUSED", timedelta(seconds=-5))
    digest = pictures.store_picture(picture())
    with transaction(sales) as session:
        pictures.set_picture(session, sales, digest)
    with reading() as session:
        assert file_store.remove_unused_files(session) == 0
    with transaction(sales) as session:
        pictures.set_picture(session, sales, None)
    with reading() as session:
        assert file_store.remove_unused_files(session) == 1
    assert fsspec.url_to_fs(settings().files_location)[0].find(settings().files_location) == []
    assert [line.action for line in factories.log_of("user_account", sales.id)][-2:] == ["picture_set", "picture_removed"]
