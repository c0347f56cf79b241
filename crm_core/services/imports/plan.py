"""What a user decides about an import, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from crm_core.i18n import N_


class Incomplete(StrEnum):
    """What happens to a row that lacks required fields."""

    KEEP = "keep"
    FAIL = "fail"


class OnDuplicate(StrEnum):
    """What happens to a row whose customer exists already."""

    SKIP = "skip"
    UPDATE = "update"
    CREATE = "create"


INCOMPLETE = {Incomplete.KEEP: N_("Keep and mark as incomplete"), Incomplete.FAIL: N_("Do not import the row")}
ON_DUPLICATE = {
    OnDuplicate.SKIP: N_("Skip the row"),
    OnDuplicate.UPDATE: N_("Update the existing customer"),
    OnDuplicate.CREATE: N_("Create another customer"),
}


@dataclass(frozen=True)
class ImportPlan:
    """`mapping` gives each heading its target (`targets()` in mapping.py, or `ignore`); `defaults` fill empty targets of new records.

    Where several headings share a target, the first filled one counts. `words` say for a target what words of the file mean here.
    """

    mapping: Mapping[str, str]
    defaults: Mapping[str, Any] = field(default_factory=dict)
    incomplete: Incomplete = Incomplete.KEEP
    on_duplicate: OnDuplicate = OnDuplicate.SKIP
    kind: str = "customer"
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class RowNote:
    """Why a row was not imported: its number in the file, the target concerned (empty for the row as a whole), a sentence."""

    row: int
    field: str
    message: str


@dataclass
class ImportResult:
    """Counts of rows; `incomplete` are the created ones that lack required fields. `skips` says why rows were skipped."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    skipped: int = 0
    failed: int = 0
    incomplete: int = 0
    waiting: int = 0
    """How many of the created ones wait for review."""
    seconds: float = 0.0
    errors: list[RowNote] = field(default_factory=list)
    skips: list[RowNote] = field(default_factory=list)

    def fail(self, row: int, errors: Mapping[str, list[str]]) -> None:
        """Count a failed row with all its reasons."""
        self.failed += 1
        self.errors += [RowNote(row, name, sentence) for name, sentences in errors.items() for sentence in sentences]

    def skip(self, row: int, message: str) -> None:
        """Count a skipped row with its reason."""
        self.skipped += 1
        self.skips.append(RowNote(row, "", message))
