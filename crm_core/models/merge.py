"""Two customers that were one: what was merged, so that it can be undone."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from crm_core import clock
from crm_core.models.base import Base, CustomerKey, EncryptedJson, Key, UserKey, UtcTime


class Merge(Base):
    """The merge of one customer (`merged_id`) into another (`customer_id`)."""

    __tablename__ = "merge"

    id: Mapped[Key]
    customer_id: Mapped[CustomerKey]
    merged_id: Mapped[int] = mapped_column(ForeignKey("customer.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime] = mapped_column(UtcTime, default=clock.now)
    actor_id: Mapped[UserKey]
    before: Mapped[Any] = mapped_column(EncryptedJson, default=dict)
    """Every row that the merge touched, as it was, by table."""
    undone_at: Mapped[datetime | None] = mapped_column(UtcTime)
