"""Files that belong to a customer, or to an entry that is still a draft."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from crm_core import clock
from crm_core.models.base import Base, Key, UserKey, UtcTime


class Attachment(Base):
    """A stored file. `digest` is the SHA-256 under which the file store keeps its content."""

    __tablename__ = "attachment"
    audited = True

    id: Mapped[Key]
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id", ondelete="CASCADE"), index=True)
    draft_id: Mapped[str | None] = mapped_column(ForeignKey("draft.id"), index=True)
    follow_up_id: Mapped[int | None] = mapped_column(ForeignKey("follow_up.id", ondelete="SET NULL"), index=True)
    """The follow-up with which it came; it is a file of the customer too."""
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id", ondelete="SET NULL"), index=True)
    """The ticket to which it belongs; it is a file of the customer too, for those who read tickets."""
    contract_id: Mapped[int | None] = mapped_column(ForeignKey("contract.id", ondelete="SET NULL"), index=True)
    """The contract of which it is a copy or a part; only those who see contracts see it."""
    type: Mapped[str] = mapped_column(ForeignKey("preset.code", onupdate="CASCADE"))
    filename: Mapped[str] = mapped_column(String(300))
    media_type: Mapped[str] = mapped_column(String(40))
    size: Mapped[int]
    digest: Mapped[str] = mapped_column(String(64))
    has_consent: Mapped[bool] = mapped_column(default=False)
    """For identity cards: the customer agreed that a copy is kept."""
    uploaded_at: Mapped[datetime] = mapped_column(UtcTime, default=clock.now)
    uploaded_by_id: Mapped[UserKey]
