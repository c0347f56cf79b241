"""What all tables share: the declarative base, column types that behave alike on both databases, and common columns."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

from sqlalchemy import BigInteger, DateTime, ForeignKey, Integer, MetaData, Numeric, String, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator, TypeEngine

from crm_core import clock, crypto

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """The declarative base of every model."""

    metadata = MetaData(naming_convention=NAMING)


class UtcTime(TypeDecorator[datetime]):
    """A moment, stored in UTC and always read back with its zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Store UTC; a moment without a zone is a mistake in the program."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs its time zone")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Read UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Money(TypeDecorator[Decimal]):
    """Yuan, exact to the fen: NUMERIC where the database has it, whole fen on SQLite, which has not."""

    impl = Numeric(16, 2)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """SQLite keeps fen as an integer, so that sums are exact there too."""
        return dialect.type_descriptor(BigInteger() if dialect.name == "sqlite" else Numeric(16, 2))

    def process_bind_param(self, value: Decimal | int | None, dialect: Dialect) -> Any:
        """To fen on SQLite."""
        if value is None or dialect.name != "sqlite":
            return value
        return int((Decimal(value) * 100).to_integral_value())

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """Back to yuan."""
        if value is None:
            return None
        return Decimal(value).scaleb(-2) if dialect.name == "sqlite" else Decimal(value)


class Quantity(Money):
    """How many of something, exact to the hundredth (1.5 days of work): kept as money is."""

    cache_ok = True


class Encrypted(TypeDecorator[str]):
    """A text that is encrypted in the database."""

    impl = String(400)
    cache_ok = True

    def process_bind_param(self, value: str | None, _dialect: Dialect) -> str | None:
        """Encrypt."""
        return crypto.encrypt(value) if value else None

    def process_result_value(self, value: str | None, _dialect: Dialect) -> str | None:
        """Decrypt."""
        return crypto.decrypt(value) if value else None


class EncryptedJson(TypeDecorator[Any]):
    """A structure of JSON values that is encrypted in the database."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, _dialect: Dialect) -> str:
        """Encrypt."""
        return crypto.encrypt(json.dumps(value, ensure_ascii=False))

    def process_result_value(self, value: Any, _dialect: Dialect) -> Any:
        """Decrypt."""
        return json.loads(crypto.decrypt(value))


Key = Annotated[int, mapped_column(BigInteger().with_variant(Integer(), "sqlite"), primary_key=True)]
CustomerKey = Annotated[int, mapped_column(ForeignKey("customer.id", ondelete="CASCADE"), index=True)]
OwnerKey = Annotated[int, mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), index=True)]
UserKey = Annotated[int | None, mapped_column(ForeignKey("user_account.id"), index=True)]


class Dated:
    """Columns that say when a row came to be and when it last changed."""

    created_at: Mapped[datetime] = mapped_column(UtcTime, default=clock.now)
    updated_at: Mapped[datetime] = mapped_column(UtcTime, default=clock.now, onupdate=clock.now)


class Versioned:
    """A version that every update counts up; a save with an old one is a conflict."""

    version: Mapped[int] = mapped_column(default=1)
