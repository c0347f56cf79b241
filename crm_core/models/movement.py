"""How a customer came from one type to the next and from one owner to the next; rows are only added."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from crm_core import clock
from crm_core.i18n import N_
from crm_core.models.base import Base, CustomerKey, Key, UserKey, UtcTime

OWNER_CAUSES = {
    "entry": N_("entered"),
    "import": N_("imported"),
    "transfer": N_("transferred"),
    "release": N_("released into the pool"),
    "recycle": N_("recycled into the pool"),
    "claim": N_("claimed from the pool"),
    "undo": N_("taken back"),
    "merge": N_("merged with another customer"),
}
"""Why a customer got another owner, or none."""


class StageChange(Base):
    """One change of 客户类型; the first row of a customer is its entry, with no type before."""

    __tablename__ = "stage_change"
    __table_args__ = (Index("ix_stage_change_to_stage", "to_stage", "at", "customer_id", "from_stage"),)

    id: Mapped[Key]
    customer_id: Mapped[CustomerKey]
    at: Mapped[datetime] = mapped_column(UtcTime, default=clock.now)
    actor_id: Mapped[UserKey]
    from_stage: Mapped[str | None] = mapped_column(String(12))
    to_stage: Mapped[str] = mapped_column(String(12))
    reason: Mapped[str | None] = mapped_column(String(300))
    contract_id: Mapped[int | None] = mapped_column(ForeignKey("contract.id", ondelete="SET NULL"))


class OwnerChange(Base):
    """One change of owner; no new owner means the pool."""

    __tablename__ = "owner_change"
    __table_args__ = (Index("ix_owner_change_to_owner_id", "to_owner_id", "cause", "at"),)

    id: Mapped[Key]
    customer_id: Mapped[CustomerKey]
    at: Mapped[datetime] = mapped_column(UtcTime, default=clock.now)
    actor_id: Mapped[UserKey]
    from_owner_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    to_owner_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    cause: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str | None] = mapped_column(String(300))
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("batch.id", ondelete="SET NULL"), index=True)
