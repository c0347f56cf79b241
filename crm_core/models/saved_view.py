"""Saved views of a list: its filters, order and columns under a name."""

from typing import Any

from sqlalchemy import JSON, Boolean, String
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.models.base import Base, Dated, Key, OwnerKey, Versioned


class SavedView(Base, Dated, Versioned):
    """A view of the customer list, its owner's own or shared with everybody."""

    __tablename__ = "saved_view"
    __mapper_args__ = {"version_id_col": Versioned.version}

    id: Mapped[Key]
    user_id: Mapped[OwnerKey]
    name: Mapped[str] = mapped_column(String(60))
    query: Mapped[dict[str, Any]] = mapped_column(JSON(), default=dict)
    """The query of the list's address, by parameter."""
    columns: Mapped[list[str]] = mapped_column(JSON(), default=list)
    is_shared: Mapped[bool] = mapped_column(Boolean(), default=False)
