"""Fields that an administrator adds."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, String
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.models.base import Base, Dated, Key, UtcTime, Versioned


class CustomField(Base, Dated, Versioned):
    """One custom field of customers; its values stand in `Customer.extra` under its key and stay when it is removed."""

    __tablename__ = "custom_field"
    __mapper_args__ = {"version_id_col": Versioned.version}
    audited = True

    id: Mapped[Key]
    key: Mapped[str] = mapped_column(String(20), unique=True)
    name: Mapped[str] = mapped_column(String(60))
    name_en: Mapped[str | None] = mapped_column(String(60))
    type: Mapped[str] = mapped_column(String(12))
    group: Mapped[str] = mapped_column(String(12), default="base")
    choices: Mapped[list[dict[str, Any]]] = mapped_column(JSON(), default=list)
    help: Mapped[str | None] = mapped_column(String(300))
    kinds: Mapped[list[str]] = mapped_column(JSON(), default=list)
    """The 客户性质 for which it is shown; none for all."""
    stages: Mapped[list[str]] = mapped_column(JSON(), default=list)
    """The 客户类型 for which it is shown; none for all."""
    is_required: Mapped[bool] = mapped_column(Boolean(), default=False)
    is_listed: Mapped[bool] = mapped_column(Boolean(), default=False)
    position: Mapped[int] = mapped_column(default=0)
    removed_at: Mapped[datetime | None] = mapped_column(UtcTime)
