"""Edits of customers that are not saved yet."""

from typing import Any

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.models.base import Base, CustomerKey, Dated, EncryptedJson, Key, OwnerKey


class EditDraft(Base, Dated):
    """What somebody changed of a customer and did not save: found again after a refresh or a restart."""

    __tablename__ = "edit_draft"
    __table_args__ = (UniqueConstraint("user_id", "customer_id"),)

    id: Mapped[Key]
    user_id: Mapped[OwnerKey]
    customer_id: Mapped[CustomerKey]
    values: Mapped[dict[str, Any]] = mapped_column(EncryptedJson, default=dict)
