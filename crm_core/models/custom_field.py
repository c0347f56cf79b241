"""Fields that an administrator adds."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Boolean, String
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.i18n import N_
from crm_core.models.base import Base, Dated, Key, UtcTime, Versioned


class FieldType(StrEnum):
    """What a custom field holds."""

    TEXT = "text"
    LONG_TEXT = "long_text"
    NUMBER = "number"
    MONEY = "money"
    DATE = "date"
    CHOICE = "choice"
    CHOICES = "choices"
    YES_NO = "yes_no"
    LINK = "link"


FIELD_TYPES = {
    FieldType.TEXT: N_("Text"),
    FieldType.LONG_TEXT: N_("Long text"),
    FieldType.NUMBER: N_("Number"),
    FieldType.MONEY: N_("Amount of money"),
    FieldType.DATE: N_("Date"),
    FieldType.CHOICE: N_("One choice"),
    FieldType.CHOICES: N_("Several choices"),
    FieldType.YES_NO: N_("Yes or no"),
    FieldType.LINK: N_("Link"),
}


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
    """Each with `code`, `name`, perhaps `name_en`, and `is_retired` where it is no longer offered."""
    help: Mapped[str | None] = mapped_column(String(300))
    kinds: Mapped[list[str]] = mapped_column(JSON(), default=list)
    """The 客户性质 for which it is shown; none for all."""
    stages: Mapped[list[str]] = mapped_column(JSON(), default=list)
    """The 客户类型 for which it is shown; none for all."""
    is_required: Mapped[bool] = mapped_column(Boolean(), default=False)
    is_listed: Mapped[bool] = mapped_column(Boolean(), default=False)
    removed_at: Mapped[datetime | None] = mapped_column(UtcTime)
