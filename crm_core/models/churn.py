"""流失预警: the scores of customers by day, and the plans (挽回计划) to win them back."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Boolean, Date, Float, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from crm_core import clock
from crm_core.i18n import N_
from crm_core.models.base import Base, CustomerKey, Key, UserKey, UtcTime, Versioned

CHURN_BANDS = {"high": N_("High risk"), "medium": N_("Medium risk"), "low": N_("Low risk")}
"""How high the risk of losing a customer is."""
PLAN_OUTCOMES = {"won_back": N_("Won back"), "kept": N_("Kept"), "lost": N_("Lost in spite of it")}
"""What came of a plan: new business, a customer that stays without it, or a lost one. The first two are successes."""


class ChurnScore(Base):
    """What the score said of a customer on one day: of today and about a week ago, and of past days on which it is put to the proof."""

    __tablename__ = "churn_score"
    __table_args__ = (Index("ix_churn_score_listed", "day", "score", "customer_id"),)

    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id", ondelete="CASCADE"), primary_key=True)
    day: Mapped[date] = mapped_column(Date(), primary_key=True)
    score: Mapped[float] = mapped_column(Float())
    """From 0 to 100."""
    band: Mapped[str] = mapped_column(String(6))
    """One of `CHURN_BANDS`, by the thresholds of that moment."""
    reasons: Mapped[list[Any]] = mapped_column(JSON())
    """Codes with numbers; `churn/words.py` tells them."""
    quiet_days: Mapped[int] = mapped_column()
    """Days since the last contact; since the entry where there was none."""
    was_lost: Mapped[bool | None] = mapped_column(Boolean())
    """Of a past day: whether the customer was lost afterwards. Empty for what was reckoned on its day."""


class ChurnPlan(Base, Versioned):
    """挽回计划: what is done to keep one customer, and what came of it. Nobody begins a second one while one runs."""

    __tablename__ = "churn_plan"
    __table_args__ = (Index("ix_churn_plan_started_at", "started_at", "id"),)
    __mapper_args__ = {"version_id_col": Versioned.version}
    audited = True

    id: Mapped[Key]
    customer_id: Mapped[CustomerKey]
    name: Mapped[str] = mapped_column(String(60))
    """Of the template, as it was called then."""
    score: Mapped[float | None] = mapped_column(Float())
    """What the customer's score was when it began; none for one that had no score."""
    started_at: Mapped[datetime] = mapped_column(UtcTime, default=clock.now)
    started_by_id: Mapped[UserKey]
    outcome: Mapped[str | None] = mapped_column(String(10))
    """One of `PLAN_OUTCOMES`; none while it runs."""
    ended_at: Mapped[datetime | None] = mapped_column(UtcTime)
    ended_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    """Nobody where the customer was lost and the system ended it."""
    remark: Mapped[str | None] = mapped_column(String(300))


class ChurnPlanTask(Base):
    """A task that a plan made."""

    __tablename__ = "churn_plan_task"

    plan_id: Mapped[int] = mapped_column(ForeignKey("churn_plan.id", ondelete="CASCADE"), primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), primary_key=True, index=True)
