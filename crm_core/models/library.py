"""The preset library: lists that an administrator edits (sources, loss reasons, industries, questions to ask)."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from crm_core import clock
from crm_core.i18n import N_, localized
from crm_core.models.base import Base, Key, UserKey, UtcTime

CATEGORIES = {
    "source": N_("Customer source"),
    "segment": N_("Segment"),
    "loss_reason": N_("Reason of loss"),
    "employees": N_("Number of employees"),
    "revenue": N_("Annual revenue"),
    "budget": N_("Budget range"),
    "attachment_type": N_("Attachment type"),
    "interest": N_("Interest tags"),
    "event": N_("Events attended"),
    "follow_up_subject": N_("Follow-up subject"),
    "ticket_category": N_("Ticket category"),
    "ticket_source": N_("Ticket source"),
    "campaign_channel": N_("Campaign channel"),
}


class Preset(Base):
    """One choice of one list; records refer to it by code, so its name can change."""

    __tablename__ = "preset"
    audited = True

    code: Mapped[str] = mapped_column(String(60), primary_key=True)
    category: Mapped[str] = mapped_column(String(20), index=True)
    name: Mapped[str] = mapped_column(String(60))
    name_en: Mapped[str | None] = mapped_column(String(60))
    position: Mapped[int] = mapped_column(default=0)
    is_active: Mapped[bool] = mapped_column(default=True)
    merged_into: Mapped[str | None] = mapped_column(String(60))
    """The code of the entry that took its place; it stays for the change log, and under its name what is imported is found."""

    @property
    def label(self) -> str:
        """The name in the language in force."""
        return localized(self.name, self.name_en)


class Industry(Base):
    """A 门类 or 大类 of GB/T 4754-2017, or an entry that an administrator accepted into the library."""

    __tablename__ = "industry"
    audited = True

    code: Mapped[str] = mapped_column(String(20), primary_key=True)
    parent: Mapped[str | None] = mapped_column(ForeignKey("industry.code"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    name_en: Mapped[str | None] = mapped_column(String(120))

    @property
    def label(self) -> str:
        """The name in the language in force."""
        return localized(self.name, self.name_en)


class SuggestionState(StrEnum):
    """What became of a suggested industry."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    MAPPED = "mapped"
    REFUSED = "refused"


class IndustrySuggestion(Base):
    """An industry in a user's own words, waiting for an administrator [000]."""

    __tablename__ = "industry_suggestion"
    audited = True

    id: Mapped[Key]
    text: Mapped[str] = mapped_column(String(100), unique=True)
    state: Mapped[str] = mapped_column(String(10), default=SuggestionState.PENDING, index=True)
    industry: Mapped[str | None] = mapped_column(ForeignKey("industry.code", onupdate="CASCADE"))
    remark: Mapped[str | None] = mapped_column(String(300))
    proposed_by_id: Mapped[UserKey]
    proposed_at: Mapped[datetime] = mapped_column(UtcTime, default=clock.now)


class OutlineQuestion(Base):
    """沟通提纲: a question to ask the customer, for one industry section and lifecycle stage or for all [002]."""

    __tablename__ = "outline_question"
    audited = True

    id: Mapped[Key]
    industry: Mapped[str | None] = mapped_column(String(20))
    stage: Mapped[str | None] = mapped_column(String(12))
    position: Mapped[int] = mapped_column(default=0)
    question: Mapped[str] = mapped_column(Text())
    question_en: Mapped[str | None] = mapped_column(Text())
    field: Mapped[str] = mapped_column(String(40))

    @property
    def label(self) -> str:
        """The question in the language in force."""
        return localized(self.question, self.question_en)
