"""商机: what may be sold to a customer, from the first contact until it is won or lost."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import ColumnElement, Date, ForeignKey, Index, Integer, String, Text, UniqueConstraint, and_, text
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm_core import clock
from crm_core.checks.dates import check_any_date
from crm_core.checks.money import check_money
from crm_core.checks.numbers import check_percentage
from crm_core.fields import Widget, always, declared
from crm_core.i18n import N_, localized
from crm_core.models.base import Base, CustomerKey, Dated, Key, Money, Quantity, UserKey, UtcTime, Versioned


class Outcome(StrEnum):
    """What a stage means for an opportunity that stands in it."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"


OUTCOMES = {Outcome.OPEN: N_("Still open"), Outcome.WON: N_("Won"), Outcome.LOST: N_("Lost")}
ATTITUDES = {
    "supportive": N_("Supportive"),
    "neutral": N_("Neutral"),
    "opposed": N_("Opposed"),
    "unknown": N_("Not known yet"),
}
"""How somebody of the decision chain stands to what is offered."""

OPEN_ONLY = "closed_at IS NULL AND deleted_at IS NULL"


class OpportunityStage(Base, Versioned):
    """A stage as the administrator set it up; its name may change, its outcome never.

    One that is removed keeps its row, since the history of opportunities speaks of it.
    """

    __tablename__ = "opportunity_stage"
    __mapper_args__ = {"version_id_col": Versioned.version}
    audited = True

    id: Mapped[Key]
    name: Mapped[str] = mapped_column(String(40))
    name_en: Mapped[str | None] = mapped_column(String(40))
    position: Mapped[int] = mapped_column(default=0)
    probability: Mapped[int] = mapped_column(default=0)
    """In percent, of those that have no probability of their own."""
    outcome: Mapped[str] = mapped_column(String(4), default=Outcome.OPEN)
    rotting_days: Mapped[int | None] = mapped_column()
    """After so many days in it an opportunity is marked; never where it is empty."""
    removed_at: Mapped[datetime | None] = mapped_column(UtcTime)

    @property
    def label(self) -> str:
        """The name in the language in force."""
        return localized(self.name, self.name_en)


DEFAULT_STAGES: tuple[dict[str, object], ...] = (
    {"name": "初次接洽", "name_en": "First contact", "probability": 10, "outcome": Outcome.OPEN, "rotting_days": 14},
    {"name": "方案提交", "name_en": "Proposal sent", "probability": 40, "outcome": Outcome.OPEN, "rotting_days": 21},
    {"name": "谈判中", "name_en": "Negotiating", "probability": 70, "outcome": Outcome.OPEN, "rotting_days": 30},
    {"name": "成交", "name_en": "Won", "probability": 100, "outcome": Outcome.WON, "rotting_days": None},
    {"name": "输单", "name_en": "Lost", "probability": 0, "outcome": Outcome.LOST, "rotting_days": None},
)
"""The stages of a new database, in their order."""


class Opportunity(Base, Dated, Versioned):
    """One opportunity. Its amount is the sum of its lines where it has any."""

    __tablename__ = "opportunity"
    __table_args__ = (
        # A column of the board in its order, and its sum without reading the rows; of the open ones alone, which stay few.
        Index(
            "ix_opportunity_open",
            "stage_id",
            "expected_on",
            "id",
            "amount",
            sqlite_where=text(OPEN_ONLY),
            postgresql_where=text(OPEN_ONLY),
        ),
        Index("ix_opportunity_closed", "closed_at", "stage_id", "owner_id", "customer_id", "amount", "opened_on", "deleted_at"),
        Index("ix_opportunity_opened", "opened_on", "stage_id", "owner_id", "customer_id", "deleted_at"),
        Index("ix_opportunity_expected", "expected_on", "id"),
    )
    __mapper_args__ = {"version_id_col": Versioned.version}
    audited = True

    id: Mapped[Key]
    code: Mapped[str] = mapped_column(String(20), unique=True)
    customer_id: Mapped[CustomerKey]
    name: Mapped[str] = declared(String(120), nullable=False, label=N_("Opportunity name"), group="opportunity", required=always)
    stage_id: Mapped[int] = mapped_column(ForeignKey("opportunity_stage.id"))
    amount: Mapped[Decimal] = declared(
        Money(),
        nullable=False,
        default=Decimal(0),
        label=N_("Expected amount"),
        group="opportunity",
        widget=Widget.MONEY,
        required=always,
        check=check_money,
        help=N_("In yuan. Where products are chosen, it is their sum."),
    )
    probability: Mapped[int | None] = declared(
        Integer(),
        label=N_("Probability"),
        group="opportunity",
        widget=Widget.NUMBER,
        check=check_percentage,
        help=N_("In percent. Empty: that of the stage."),
    )
    expected_on: Mapped[date] = declared(
        Date(),
        nullable=False,
        label=N_("Expected on"),
        group="opportunity",
        widget=Widget.DATE,
        required=always,
        check=check_any_date,
        may_lie_ahead=True,
    )
    owner_id: Mapped[UserKey]
    opened_on: Mapped[date] = mapped_column(Date(), default=clock.today)
    stage_since: Mapped[datetime] = mapped_column(UtcTime, default=clock.now)
    closed_at: Mapped[datetime | None] = mapped_column(UtcTime)
    """When it was won or lost, as the outcome of its stage says."""
    competitors: Mapped[str | None] = declared(String(300), label=N_("Competitors"), group="opportunity")
    remark: Mapped[str | None] = declared(Text(), label=N_("Remark"), group="opportunity", widget=Widget.LONG_TEXT)
    loss_reason: Mapped[str | None] = declared(
        String(60),
        foreign_key=ForeignKey("preset.code", onupdate="CASCADE"),
        label=N_("Why it was lost"),
        group="opportunity",
        widget=Widget.PRESET,
        preset="loss_reason",
    )
    loss_note: Mapped[str | None] = declared(Text(), label=N_("How it was lost"), group="opportunity", widget=Widget.LONG_TEXT)
    created_by_id: Mapped[UserKey]
    deleted_at: Mapped[datetime | None] = mapped_column(UtcTime)
    """Since when it lies in the recycle bin."""

    @hybrid_property
    def is_open(self) -> bool:
        """Neither won, lost nor deleted."""
        return self.closed_at is None and self.deleted_at is None

    @is_open.inplace.expression
    @classmethod
    def _is_open(cls) -> ColumnElement[bool]:
        return and_(cls.closed_at.is_(None), cls.deleted_at.is_(None))


class OpportunityLine(Base):
    """One product of an opportunity: how many at which price."""

    __tablename__ = "opportunity_line"

    id: Mapped[Key]
    opportunity_id: Mapped[int] = mapped_column(ForeignKey("opportunity.id", ondelete="CASCADE"), index=True)
    position: Mapped[int] = mapped_column(default=0)
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"), index=True)
    quantity: Mapped[Decimal] = mapped_column(Quantity())
    price: Mapped[Decimal] = mapped_column(Money())
    amount: Mapped[Decimal] = mapped_column(Money())
    """Quantity times price, to the fen."""


class OpportunityMove(Base):
    """One entry into a stage, the first one included; rows are only added."""

    __tablename__ = "opportunity_move"
    __table_args__ = (Index("ix_opportunity_move_of", "opportunity_id", "at"), Index("ix_opportunity_move_to", "to_stage_id", "at"))

    id: Mapped[Key]
    opportunity_id: Mapped[int] = mapped_column(ForeignKey("opportunity.id", ondelete="CASCADE"))
    at: Mapped[datetime] = mapped_column(UtcTime, default=clock.now)
    actor_id: Mapped[UserKey]
    from_stage_id: Mapped[int | None] = mapped_column(ForeignKey("opportunity_stage.id"))
    to_stage_id: Mapped[int] = mapped_column(ForeignKey("opportunity_stage.id"))
    reason: Mapped[str | None] = mapped_column(String(300))
    """Why it was taken up again, in words, or lost: then the code of the preset."""
    opportunity: Mapped[Opportunity] = relationship(lazy="joined", innerjoin=True)


class OpportunityContact(Base):
    """Somebody of the decision chain (决策链): the role, one of `DECISION_ROLES`, and how they stand to it."""

    __tablename__ = "opportunity_contact"
    __table_args__ = (UniqueConstraint("opportunity_id", "contact_id"),)

    id: Mapped[Key]
    opportunity_id: Mapped[int] = mapped_column(ForeignKey("opportunity.id", ondelete="CASCADE"))
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id", ondelete="SET NULL"), index=True)
    contact_name: Mapped[str] = mapped_column(String(60))
    """As the contact was called then: contacts leave."""
    role: Mapped[str] = mapped_column(String(20))
    attitude: Mapped[str] = mapped_column(String(12), default="unknown")
    remark: Mapped[str | None] = mapped_column(String(300))
