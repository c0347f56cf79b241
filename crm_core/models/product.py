"""产品 / 服务: what the company sells, and what each has cost since when."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Date, ForeignKey, Index, String, Text, bindparam, select
from sqlalchemy.orm import Mapped, column_property, mapped_column

from crm_core import clock
from crm_core.checks.dates import check_any_date
from crm_core.checks.money import check_money
from crm_core.fields import Widget, always, declared
from crm_core.i18n import N_
from crm_core.models.base import Base, Dated, Key, Money, UserKey, UtcTime, Versioned


class ProductPrice(Base):
    """A price of a product from a day on, until the next one; rows are only added, and a day may lie ahead."""

    __tablename__ = "product_price"
    __table_args__ = (Index("ix_product_price_valid", "product_id", "valid_from", "id"),)

    id: Mapped[Key]
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id", ondelete="CASCADE"))
    price: Mapped[Decimal] = declared(
        Money(),
        nullable=False,
        label=N_("List price"),
        group="product",
        widget=Widget.MONEY,
        required=always,
        check=check_money,
        help=N_("In yuan, for one unit."),
    )
    valid_from: Mapped[date] = declared(
        Date(),
        nullable=False,
        label=N_("Valid from"),
        group="product",
        widget=Widget.DATE,
        required=always,
        check=check_any_date,
        may_lie_ahead=True,
    )
    by_id: Mapped[UserKey]
    at: Mapped[datetime] = mapped_column(UtcTime, default=clock.now)


class Product(Base, Dated, Versioned):
    """A product or service. One that is used anywhere is not deleted but retired: it is no longer offered."""

    __tablename__ = "product"
    __mapper_args__ = {"version_id_col": Versioned.version}
    audited = True

    id: Mapped[Key] = mapped_column()
    code: Mapped[str] = declared(
        String(40),
        nullable=False,
        unique=True,
        label=N_("Product code"),
        group="product",
        help=N_("Leave it empty to get the next number."),
        aliases=("产品代码", "sku", "product code"),
    )
    name: Mapped[str] = declared(
        String(120), nullable=False, label=N_("Product name"), group="product", required=always, aliases=("产品", "product", "product name")
    )
    category: Mapped[str | None] = declared(
        String(60), index=True, label=N_("Product category"), group="product", aliases=("产品系列", "series", "category")
    )
    unit: Mapped[str | None] = declared(String(20), label=N_("Unit"), group="product", help=N_("Such as piece, set or year."))
    description: Mapped[str | None] = declared(Text(), label=N_("Product description"), group="product", widget=Widget.LONG_TEXT)
    is_active: Mapped[bool] = mapped_column(default=True)
    """Whether it is offered; one that is not stays where it is used."""
    created_by_id: Mapped[UserKey]

    price: Mapped[Decimal] = column_property(
        select(ProductPrice.price)
        .where(ProductPrice.product_id == id, ProductPrice.valid_from <= bindparam(None, callable_=clock.today, type_=Date()))
        .order_by(ProductPrice.valid_from.desc(), ProductPrice.id.desc())
        .limit(1)
        .correlate_except(ProductPrice)
        .scalar_subquery()
    )
    """The list price of today: the latest of those that are valid."""
