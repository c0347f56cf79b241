"""审核: a customer entry on its way into the library [000]."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from crm_core import clock
from crm_core.errors import IllegalTransition
from crm_core.i18n import N_, _, join_words
from crm_core.models.base import Base, CustomerKey, EncryptedJson, Key, UserKey, UtcTime, Versioned


class ReviewState(StrEnum):
    """Where a review stands."""

    WAITING = "waiting"
    RETURNED = "returned"
    APPROVED = "approved"
    WITHDRAWN = "withdrawn"


class Move(StrEnum):
    """What is done in a review, as its steps and the change log call it."""

    SUBMIT = "submitted"
    APPROVE = "approved"
    RETURN = "returned"
    RESUBMIT = "resubmitted"
    WITHDRAW = "withdrawn"
    ESCALATE = "escalated"


REVIEW_STATES = {
    ReviewState.WAITING: N_("Waiting for review"),
    ReviewState.RETURNED: N_("Returned"),
    ReviewState.APPROVED: N_("Approved"),
    ReviewState.WITHDRAWN: N_("Withdrawn"),
}
REVIEW_MOVES = {
    Move.SUBMIT: N_("submit"),
    Move.APPROVE: N_("approve"),
    Move.RETURN: N_("return"),
    Move.RESUBMIT: N_("correct and submit again"),
    Move.WITHDRAW: N_("withdraw"),
    Move.ESCALATE: N_("tell the head"),
}

TRANSITIONS: dict[ReviewState, dict[Move, ReviewState]] = {
    ReviewState.WAITING: {
        Move.APPROVE: ReviewState.APPROVED,
        Move.RETURN: ReviewState.RETURNED,
        Move.WITHDRAW: ReviewState.WITHDRAWN,
    },
    # Approved after all: else an entry whose author is away would be stuck.
    ReviewState.RETURNED: {
        Move.RESUBMIT: ReviewState.WAITING,
        Move.APPROVE: ReviewState.APPROVED,
        Move.WITHDRAW: ReviewState.WITHDRAWN,
        Move.ESCALATE: ReviewState.RETURNED,
    },
    ReviewState.WITHDRAWN: {Move.RESUBMIT: ReviewState.WAITING},
    ReviewState.APPROVED: {},
}
"""What can be done in each state, and the state that follows."""

PATIENCE = {ReviewState.WAITING: timedelta(days=1), ReviewState.RETURNED: timedelta(hours=18)}
"""After so long in a state whoever has to act is reminded: of the 24 hours for a correction six are left then."""

REVIEWERS_MOVES = frozenset({Move.APPROVE, Move.RETURN})
AUTHORS_MOVES = frozenset({Move.RESUBMIT, Move.WITHDRAW})


class Review(Base, Versioned):
    """The review of one entry, which lies outside of the library (`Place.REVIEW`) until it is approved.

    The change log has a line for each step, written with it.
    """

    __tablename__ = "review"
    __table_args__ = (Index("ix_review_state", "state", "due_at"),)
    __mapper_args__ = {"version_id_col": Versioned.version}

    id: Mapped[Key]
    customer_id: Mapped[CustomerKey]
    author_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), index=True)
    state: Mapped[str] = mapped_column(String(10), default=ReviewState.WAITING)
    submitted_at: Mapped[datetime] = mapped_column(UtcTime, default=clock.now)
    due_at: Mapped[datetime | None] = mapped_column(UtcTime)
    """Until when a returned entry has to be corrected."""
    escalated_at: Mapped[datetime | None] = mapped_column(UtcTime)
    remind_at: Mapped[datetime | None] = mapped_column(UtcTime, index=True, default=lambda: clock.now() + PATIENCE[ReviewState.WAITING])
    """When those who have to act next are reminded, once in a state; none after that."""
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    decided_at: Mapped[datetime | None] = mapped_column(UtcTime)

    @property
    def moves(self) -> dict[Move, ReviewState]:
        """What can be done in the present state."""
        return TRANSITIONS[ReviewState(self.state)]

    def move(self, move: Move) -> None:
        """Go on to the state that follows. Raises `IllegalTransition`, naming what can be done instead."""
        if move not in self.moves:
            names = join_words(_(REVIEW_MOVES[one]) for one in self.moves if one is not Move.ESCALATE)
            sentence = _("This entry is in the state “{state}”. What can be done with it: {moves}.")
            nothing = _("This entry is in the state “{state}”. Its review is over.")
            raise IllegalTransition((sentence if names else nothing).format(state=_(REVIEW_STATES[ReviewState(self.state)]), moves=names))
        self.state = self.moves[move]
        if move is not Move.ESCALATE:
            patience = PATIENCE.get(ReviewState(self.state))
            self.remind_at = clock.now() + patience if patience else None


class ReviewAsked(Base):
    """Who may decide: those whom the rule named at the submission, and the head to whom it was escalated."""

    __tablename__ = "review_asked"

    review_id: Mapped[int] = mapped_column(ForeignKey("review.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True, index=True)


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
