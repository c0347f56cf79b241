"""Tags on customers, set by hand or by rules."""

from typing import Any

from sqlalchemy import JSON, Boolean, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.models.base import Base, Dated, Key, Versioned


class Tag(Base):
    """A word that groups customers."""

    __tablename__ = "tag"

    id: Mapped[Key]
    name: Mapped[str] = mapped_column(String(40), unique=True)


class TagRule(Base, Dated, Versioned):
    """Sets a tag on every customer that meets all its conditions, and takes it from those that no longer do."""

    __tablename__ = "tag_rule"
    __mapper_args__ = {"version_id_col": Versioned.version}
    audited = True

    id: Mapped[Key]
    tag_id: Mapped[int] = mapped_column(ForeignKey("tag.id"), index=True)
    conditions: Mapped[list[dict[str, Any]]] = mapped_column(JSON(), default=list)
    is_active: Mapped[bool] = mapped_column(Boolean(), default=True)


class TagRefusal(Base):
    """A tag that somebody took off a customer: no rule gives it again, until it is set by hand."""

    __tablename__ = "tag_refusal"

    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id", ondelete="CASCADE"), primary_key=True)
    tag_id: Mapped[int] = mapped_column(ForeignKey("tag.id", ondelete="CASCADE"), primary_key=True, index=True)


class CustomerTag(Base):
    """One tag on one customer; one set by hand is never taken by a rule."""

    __tablename__ = "customer_tag"

    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id", ondelete="CASCADE"), primary_key=True)
    tag_id: Mapped[int] = mapped_column(ForeignKey("tag.id", ondelete="CASCADE"), primary_key=True, index=True)
    by_hand: Mapped[bool] = mapped_column(Boolean(), default=True)
    rule_id: Mapped[int | None] = mapped_column(index=True)
    """The rule that set it; without a foreign key, since the tag outlives no rule: its service takes both."""
