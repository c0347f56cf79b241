"""成交 / 合同: what was agreed with a customer."""

from datetime import date
from decimal import Decimal

from sqlalchemy import Date, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.checks.dates import check_date
from crm_core.checks.money import check_price
from crm_core.fields import Widget, always, declared
from crm_core.i18n import N_
from crm_core.models.base import Base, CustomerKey, Dated, Key, Money, UserKey, Versioned


class Contract(Base, Dated, Versioned):
    """One contract: amount in yuan, what was sold, when it was signed."""

    __tablename__ = "contract"
    __table_args__ = (Index("ix_contract_signed_on", "signed_on"),)
    __mapper_args__ = {"version_id_col": Versioned.version}
    audited = True

    id: Mapped[Key]
    customer_id: Mapped[CustomerKey]
    number: Mapped[str] = mapped_column(String(40), unique=True)
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
    ends_on: Mapped[date | None] = mapped_column(Date())
    remark: Mapped[str | None] = mapped_column(Text())
    owner_id: Mapped[UserKey]
    created_by_id: Mapped[UserKey]
