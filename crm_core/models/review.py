"""审核: a customer entry on its way into the library [000]."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from crm_core import clock
from crm_core.i18n import N_
from crm_core.models.base import Base, CustomerKey, EncryptedJson, Key, UserKey, UtcTime, Versioned


class ReviewState(StrEnum):
    """Where a review stands."""

    WAITING = "waiting"
    RETURNED = "returned"
    APPROVED = "approved"
    WITHDRAWN = "withdrawn"


REVIEW_STATES = {
    ReviewState.WAITING: N_("Waiting for review"),
    ReviewState.RETURNED: N_("Returned"),
    ReviewState.APPROVED: N_("Approved"),
    ReviewState.WITHDRAWN: N_("Withdrawn"),
}


class Review(Base, Versioned):
    """The review of one entry, which lies outside of the library (`Place.REVIEW`) until it is approved."""

    __tablename__ = "review"
    __table_args__ = (Index("ix_review_state", "state", "due_at"),)
    __mapper_args__ = {"version_id_col": Versioned.version}
    audited = True

    id: Mapped[Key]
    customer_id: Mapped[CustomerKey]
    author_id: Mapped[UserKey]
    reviewer_ids: Mapped[list[int]] = mapped_column(JSON(), default=list)
    """Who may decide, as the rule named them at the submission."""
    state: Mapped[str] = mapped_column(String(10), default=ReviewState.WAITING)
    submitted_at: Mapped[datetime] = mapped_column(UtcTime, default=clock.now)
    due_at: Mapped[datetime | None] = mapped_column(UtcTime)
    """Until when the next step has to be made: the correction of a returned entry."""
    escalated_at: Mapped[datetime | None] = mapped_column(UtcTime)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    decided_at: Mapped[datetime | None] = mapped_column(UtcTime)


class ReviewStep(Base):
    """One step of a review, with the entry as it was then; rows are only added."""

    __tablename__ = "review_step"

    id: Mapped[Key]
    review_id: Mapped[int] = mapped_column(ForeignKey("review.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime] = mapped_column(UtcTime, default=clock.now)
    actor_id: Mapped[UserKey]
    action: Mapped[str] = mapped_column(String(12))
    reason: Mapped[str | None] = mapped_column(String(500))
    entry: Mapped[Any] = mapped_column(EncryptedJson, default=dict)
    """The values and contacts at this step, with their sensitive values: read only through what hides them."""
