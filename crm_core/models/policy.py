"""The rules that an administrator sets, one row an area."""

from typing import Any

from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.models.base import Base, Dated, Versioned


class Policy(Base, Dated, Versioned):
    """The settings of one area, such as tiers or the pool; what is not in it has the default of its service."""

    __tablename__ = "policy"
    __mapper_args__ = {"version_id_col": Versioned.version}
    audited = True

    area: Mapped[str] = mapped_column(String(20), primary_key=True)
    values: Mapped[dict[str, Any]] = mapped_column(JSON(), default=dict)
