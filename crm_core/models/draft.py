"""Half-filled entries that survive a refresh, a lost connection and a restart."""

from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.models.base import Base, Dated, EncryptedJson


class Draft(Base, Dated):
    """What one user has entered so far, encrypted, since identity numbers may be in it; `id` is random, since it stands in the address."""

    __tablename__ = "draft"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), index=True)
    review_id: Mapped[int | None] = mapped_column(ForeignKey("review.id", ondelete="CASCADE"), index=True, unique=True)
    """The review whose entry is being corrected in it; none for a new entry."""
    values: Mapped[dict[str, Any]] = mapped_column(EncryptedJson, default=dict)
