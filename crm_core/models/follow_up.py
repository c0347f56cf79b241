"""跟进记录: each time somebody was in touch with a customer. The next plan is a task, see `Task.follow_up_id`."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.i18n import N_
from crm_core.models.base import Base, CustomerKey, Dated, EncryptedJson, Key, OwnerKey, UtcTime, Versioned

METHODS = {
    "phone": N_("Phone call"),
    "email": N_("E-mail"),
    "visit": N_("Visit"),
    "wechat": N_("WeChat"),
    "meeting": N_("Meeting"),
    "other": N_("Other"),
}
"""跟进方式 [001]."""


class FollowUp(Base, Dated, Versioned):
    """One follow-up. `created_at` says when it was recorded, `happened_at` when it was, to the minute."""

    __tablename__ = "follow_up"
    __table_args__ = (
        Index("ix_follow_up_of_customer", "customer_id", "happened_at", "id"),
        Index("ix_follow_up_of_author", "author_id", "happened_at", "id"),
        Index("ix_follow_up_happened", "happened_at", "id"),
        # For figures of activity, which never read the texts.
        Index("ix_follow_up_by_author", "author_id", "method", "happened_at", "customer_id"),
        Index("ix_follow_up_counted", "happened_at", "author_id", "method", "customer_id"),
    )
    __mapper_args__ = {"version_id_col": Versioned.version}
    audited = True

    id: Mapped[Key]
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id", ondelete="CASCADE"))
    author_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id", ondelete="SET NULL"), index=True)
    contact_name: Mapped[str | None] = mapped_column(String(60))
    """Whom they spoke to, as the contact was called then: contacts leave."""
    happened_at: Mapped[datetime] = mapped_column(UtcTime)
    is_late: Mapped[bool] = mapped_column(default=False)
    """It was recorded later than the policy allows (补录) [001]."""
    method: Mapped[str] = mapped_column(String(10))
    subject: Mapped[str] = mapped_column(String(120))
    content: Mapped[str] = mapped_column(Text())
    feedback: Mapped[str | None] = mapped_column(Text())
    """客户反馈: what the customer said to it [001]."""

    @property
    def name(self) -> str:
        """What the change log calls it."""
        return self.subject


class FollowUpMention(Base):
    """A colleague who was named in a follow-up and told of it."""

    __tablename__ = "follow_up_mention"

    follow_up_id: Mapped[int] = mapped_column(ForeignKey("follow_up.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True, index=True)


class FollowUpDraft(Base, Dated):
    """A follow-up that somebody is writing: what stands in its form so far, found again after a refresh or a restart."""

    __tablename__ = "follow_up_draft"

    id: Mapped[Key]
    user_id: Mapped[OwnerKey]
    customer_id: Mapped[CustomerKey]
    values: Mapped[dict[str, Any]] = mapped_column(EncryptedJson, default=dict)
    digests: Mapped[list[str]] = mapped_column(JSON, default=list)
    """The files that wait with it: the file store keeps them."""
