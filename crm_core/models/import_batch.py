"""Imports that ran: who brought in which file, with what result."""

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.models.base import Base, Dated, Key, UserKey


class ImportBatch(Base, Dated):
    """One import of one file."""

    __tablename__ = "import_batch"

    id: Mapped[Key]
    filename: Mapped[str] = mapped_column(String(300))
    user_id: Mapped[UserKey]
    rows: Mapped[int] = mapped_column(default=0)
    created: Mapped[int] = mapped_column(default=0)
    updated: Mapped[int] = mapped_column(default=0)
    skipped: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    incomplete: Mapped[int] = mapped_column(default=0)
