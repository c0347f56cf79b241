"""业绩目标: what somebody, or a team, is to reach in a month."""

from decimal import Decimal

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.i18n import N_
from crm_core.models.base import Base, Dated, Key, Money

MEASURES_OF_TARGETS = {"signed": N_("Contract amount"), "received": N_("Received payments")}


class Target(Base, Dated):
    """The target of one person or one team for a month, in yuan. A team without one has the sum of its people's."""

    __tablename__ = "target"
    __table_args__ = (
        Index(
            "ix_target_of_person",
            "measure",
            "year",
            "month",
            "user_id",
            unique=True,
            sqlite_where=text("user_id IS NOT NULL"),
            postgresql_where=text("user_id IS NOT NULL"),
        ),
        Index(
            "ix_target_of_team",
            "measure",
            "year",
            "month",
            "team_id",
            unique=True,
            sqlite_where=text("team_id IS NOT NULL"),
            postgresql_where=text("team_id IS NOT NULL"),
        ),
    )

    id: Mapped[Key]
    measure: Mapped[str] = mapped_column(String(10))
    year: Mapped[int]
    month: Mapped[int]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), index=True)
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id", ondelete="CASCADE"), index=True)
    amount: Mapped[Decimal] = mapped_column(Money())
