"""成交 / 合同: what was agreed with a customer, and the money that is planned and received for it (回款)."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import ColumnElement, Date, ForeignKey, Index, String, Text
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column

from crm_core import clock
from crm_core.checks.contracts import check_contract_number, check_end, check_start
from crm_core.checks.dates import check_date
from crm_core.checks.money import check_price
from crm_core.fields import Widget, always, declared
from crm_core.i18n import N_
from crm_core.models.base import Base, CustomerKey, Dated, Key, Money, Quantity, UserKey, UtcTime, Versioned

CONTRACT_STATES = {
    "running": N_("Running"),
    "ending": N_("Ending soon"),
    "ended": N_("Ended"),
    "void": N_("Void"),
}
"""Where a contract stands, from its days and whether it was made void."""


class Contract(Base, Dated, Versioned):
    """One contract: amount in yuan, what was sold, when it was signed. A void one stays, and counts nowhere."""

    __tablename__ = "contract"
    __table_args__ = (
        # With what the boards sum up, so that they never read the wide rows.
        Index("ix_contract_signed_on", "signed_on", "owner_id", "customer_id", "amount", "voided_at"),
        Index("ix_contract_ends_on", "ends_on"),
        Index("ix_contract_credited", "owner_id", "signed_on"),
    )
    __mapper_args__ = {"version_id_col": Versioned.version}
    audited = True

    id: Mapped[Key]
    customer_id: Mapped[CustomerKey]
    number: Mapped[str] = declared(
        String(40),
        nullable=False,
        unique=True,
        label=N_("Contract number"),
        group="contract",
        check=check_contract_number,
        help=N_("Empty: the system gives the next number."),
    )
    product: Mapped[str] = declared(String(200), nullable=False, label=N_("Product or service"), group="contract", required=always)
    amount: Mapped[Decimal] = declared(
        Money(),
        nullable=False,
        label=N_("Contract amount"),
        group="contract",
        widget=Widget.MONEY,
        required=always,
        check=check_price,
        help=N_("In yuan."),
    )
    signed_on: Mapped[date] = declared(
        Date(), nullable=False, label=N_("Signed on"), group="contract", widget=Widget.DATE, required=always, check=check_date
    )
    starts_on: Mapped[date | None] = declared(
        Date(), label=N_("Starts on"), group="contract", widget=Widget.DATE, check=check_start, may_lie_ahead=True
    )
    ends_on: Mapped[date | None] = declared(
        Date(), label=N_("Contract ends on"), group="contract", widget=Widget.DATE, check=check_end, may_lie_ahead=True
    )
    remark: Mapped[str | None] = declared(Text(), label=N_("Remarks"), group="contract", widget=Widget.LONG_TEXT)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    """For whom the targets count it: the customer's owner when it was signed, unless somebody else was named.
    A later transfer of the customer does not change it, so that past figures stay with whom they belong to."""
    opportunity_id: Mapped[int | None] = mapped_column(ForeignKey("opportunity.id", ondelete="SET NULL"), index=True)
    """The opportunity that was won with it."""
    created_by_id: Mapped[UserKey]
    voided_at: Mapped[datetime | None] = mapped_column(UtcTime)
    """Since when it is void (作废)."""
    voided_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    void_reason: Mapped[str | None] = mapped_column(String(300))
    end_told_on: Mapped[date | None] = mapped_column(Date())
    """The end of which the customer's owner was reminded."""

    @hybrid_property
    def is_in_force(self) -> bool:
        """Whether it counts: it was not made void."""
        return self.voided_at is None

    @is_in_force.inplace.expression
    @classmethod
    def _is_in_force(cls) -> ColumnElement[bool]:
        return cls.voided_at.is_(None)


class ContractLine(Base):
    """One product of a contract: how many at which price. A contract with lines is worth their sum."""

    __tablename__ = "contract_line"

    id: Mapped[Key]
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id", ondelete="CASCADE"), index=True)
    position: Mapped[int] = mapped_column(default=0)
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"), index=True)
    quantity: Mapped[Decimal] = mapped_column(Quantity())
    price: Mapped[Decimal] = mapped_column(Money())
    amount: Mapped[Decimal] = mapped_column(Money())
    """Quantity times price, to the fen."""


class PlannedPayment(Base):
    """An amount that is due on a day. What was received fills the plans in the order of their days."""

    __tablename__ = "planned_payment"
    __table_args__ = (Index("ix_planned_payment_due_on", "due_on"), Index("ix_planned_payment_of_contract", "contract_id", "due_on"))

    id: Mapped[Key]
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id", ondelete="CASCADE"))
    due_on: Mapped[date] = mapped_column(Date())
    amount: Mapped[Decimal] = mapped_column(Money())
    told_on: Mapped[date | None] = mapped_column(Date())
    """When the customer's owner was told that it is overdue."""


class Payment(Base, Versioned):
    """An amount that was received. It has no customer of its own: whoever reads it comes by its contract."""

    __tablename__ = "payment"
    __table_args__ = (
        Index("ix_payment_of_contract", "contract_id", "received_on", "amount"),
        Index("ix_payment_received_on", "received_on"),
    )
    __mapper_args__ = {"version_id_col": Versioned.version}

    id: Mapped[Key]
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id", ondelete="CASCADE"))
    received_on: Mapped[date] = mapped_column(Date())
    amount: Mapped[Decimal] = mapped_column(Money())
    note: Mapped[str | None] = mapped_column(String(300))
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=clock.now)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
