"""Counters: the sequence of customer numbers, and the revision of each area of data."""

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.models.base import Base


class Counter(Base):
    """A number that only grows; the row is locked while a transaction takes from it."""

    __tablename__ = "counter"

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    value: Mapped[int] = mapped_column(BigInteger(), default=0)
