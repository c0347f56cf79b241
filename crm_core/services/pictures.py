"""Pictures of people: made square and small from what was uploaded, kept in the file store, shown to colleagues."""

import warnings
from io import BytesIO

from PIL import Image, ImageOps
from sqlalchemy import select

from crm_core import audit
from crm_core.db import CrmSession
from crm_core.errors import FileRefused, NotFound
from crm_core.i18n import _
from crm_core.models import User
from crm_core.permissions import Actor
from crm_core.services.file_store import check_size, store_file
from crm_core.services.users import get_user

SIDE = 256
MOST_PIXELS = 50_000_000
"""More than any camera's picture of 10 MB has; a small file can claim to be huge."""


def store_picture(content: bytes) -> str:
    """Put a picture into the store as a new square PNG without anything else of the upload; returns its digest.

    Raises `FileRefused` for anything but a JPG or PNG that can be read, above 10 MB or above 50 megapixels.
    """
    check_size(len(content))
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(BytesIO(content), formats=("PNG", "JPEG")) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise FileRefused(_("This picture is too large. Choose one with at most 50 megapixels."))
            small = _square(picture)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as problem:
        raise FileRefused(_("This file is not a picture that can be read. Choose a JPG or PNG.")) from problem
    buffer = BytesIO()
    small.save(buffer, "PNG")
    return store_file(buffer.getvalue()).digest


def _square(picture: Image.Image) -> Image.Image:
    side = min(SIDE, *picture.size)
    return ImageOps.fit(ImageOps.exif_transpose(picture).convert("RGBA"), (side, side))


def set_picture(session: CrmSession, actor: Actor, digest: str | None) -> None:
    """Show this picture of the store for oneself; None for none."""
    user = get_user(session, actor.id or 0)
    if user.avatar != digest:
        user.avatar = digest
        audit.record(session, "picture_set" if digest else "picture_removed", user)


def picture_digest(session: CrmSession, digest: str) -> str:
    """The digest, if it is somebody's picture and not another file of the store. Raises `NotFound`."""
    found = session.execute(select(User.avatar).where(User.avatar == digest).limit(1)).scalar()
    if found is None:
        raise NotFound
    return found
