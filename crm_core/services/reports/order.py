"""What a report is asked for: boards, detail sheets, sections, format and the common question; kept as JSON with the report."""

from dataclasses import dataclass, field, fields, replace
from datetime import date
from enum import StrEnum
from typing import Any

from dateutil.relativedelta import relativedelta

from crm_core.i18n import N_
from crm_core.services.insight.question import Compared, Period, Question


class Format(StrEnum):
    """What kind of file a report is."""

    EXCEL = "xlsx"
    PDF = "pdf"


FORMATS = {Format.EXCEL: N_("Excel workbook"), Format.PDF: N_("PDF document")}
MEDIA_TYPES = {Format.EXCEL: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", Format.PDF: "application/pdf"}
FIGURES, CHARTS, TABLES, DEFINITIONS = "figures", "charts", "tables", "definitions"
SECTIONS = {FIGURES: N_("Key figures"), CHARTS: N_("Charts"), TABLES: N_("Tables"), DEFINITIONS: N_("Definitions")}
"""The parts of each board that a report may have."""


@dataclass(frozen=True)
class Order:
    """One report to build."""

    question: Question
    boards: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    """Which records stand on sheets of their own, see `details.py`; a PDF has none."""
    sections: frozenset[str] = field(default_factory=lambda: frozenset(SECTIONS))
    format: Format = Format.EXCEL

    def as_json(self) -> dict[str, Any]:
        """As the database keeps it."""
        question = {one.name: getattr(self.question, one.name) for one in fields(Question) if one.name != "period"}
        days = [self.question.period.first.isoformat(), self.question.period.last.isoformat()]
        asked = {name: list(value) if isinstance(value, tuple) else str(value) for name, value in question.items()}
        parts = {"boards": list(self.boards), "details": list(self.details), "sections": sorted(self.sections), "format": str(self.format)}
        return {"days": days, "question": asked, **parts}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Order":
        """Back from there."""
        first, last = (date.fromisoformat(day) for day in stored["days"])
        chosen = {name: tuple(values) for name, values in stored["question"].items() if name != "compared"}
        question = Question(Period(first, last), Compared(stored["question"]["compared"]), **chosen)
        parts = {name: tuple(stored[name]) for name in ("boards", "details")}
        return cls(question, **parts, sections=frozenset(stored["sections"]), format=Format(stored["format"]))

    def about(self, period: Period) -> "Order":
        """The same about other days."""
        return replace(self, question=replace(self.question, period=period))


def period_before(rhythm: str, today: date) -> Period:
    """The whole week (from Monday), month or quarter that ended last."""
    if rhythm == "weekly":
        first = today - relativedelta(days=today.weekday() + 7)
        return Period(first, first + relativedelta(days=6))
    months = 1 if rhythm == "monthly" else 3
    current = today.replace(day=1) if rhythm == "monthly" else today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1)
    return Period(current - relativedelta(months=months), current - relativedelta(days=1))
