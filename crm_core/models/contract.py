"""成交 / 合同: what was agreed with a customer."""

from datetime import date
from decimal import Decimal

from sqlalchemy import Date, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

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
    product: Mapped[str] = mapped_column(String(200))
    amount: Mapped[Decimal] = mapped_column(Money())
    signed_on: Mapped[date] = mapped_column(Date())
    ends_on: Mapped[date | None] = mapped_column(Date())
    remark: Mapped[str | None] = mapped_column(Text())
    owner_id: Mapped[UserKey]
    created_by_id: Mapped[UserKey]
