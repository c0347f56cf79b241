"""Saved views of a page: the filters, order and columns of a list, or a pivot, under a name."""

from typing import Any

from sqlalchemy import JSON, Boolean, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.models.base import Base, Dated, Key, OwnerKey, Versioned


class SavedView(Base, Dated, Versioned):
    """A view of the customer list or of the pivot page, its owner's own or shared with everybody."""

    __tablename__ = "saved_view"
    __mapper_args__ = {"version_id_col": Versioned.version}

    id: Mapped[Key]
    user_id: Mapped[OwnerKey]
    page: Mapped[str] = mapped_column(String(20), default="customers", server_default="customers")
    """The address of the page that it is a view of."""
    name: Mapped[str] = mapped_column(String(60))
    query: Mapped[dict[str, Any]] = mapped_column(JSON(), default=dict)
    """The query of the page's address, by parameter."""
    columns: Mapped[list[str]] = mapped_column(JSON(), default=list)
    is_shared: Mapped[bool] = mapped_column(Boolean(), default=False)


class ListPreference(Base):
    """How a user finds the customer list when no view is asked for."""

    __tablename__ = "list_preference"

    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True)
    columns: Mapped[list[str]] = mapped_column(JSON(), default=list)
    """The columns in their order; none for those that the list comes with."""
    view_id: Mapped[int | None] = mapped_column(ForeignKey("saved_view.id", ondelete="SET NULL"))
    """The view that opens with the list."""
