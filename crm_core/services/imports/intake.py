"""One run of one file: what was decided about it, what came of it so far, and what each kind of records makes of its rows."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from crm_core.db import CrmSession
from crm_core.i18n import _
from crm_core.permissions import Actor
from crm_core.services.imports.plan import ImportPlan, ImportResult
from crm_core.services.imports.table import Row, Table
from crm_core.services.library import Library


@dataclass
class Run:
    """One run of one table by one plan; without `writes` it only says what would happen."""

    actor: Actor
    table: Table
    plan: ImportPlan
    library: Library
    writes: bool
    result: ImportResult = field(default_factory=ImportResult)
    made: list[int] = field(default_factory=list)
    """The records that the part at hand created, for the undo."""
    made_teams: list[int] = field(default_factory=list)
    """The teams that came with accounts."""

    @property
    def reason(self) -> str:
        """What the change log says of everything that this run brings in."""
        return _("Import of {filename}").format(filename=self.table.filename)[:300]


class Intake(Protocol):
    """How rows of one kind come in. Each row is imported whole or not at all, and counted in the run's result."""

    tries: bool
    """Whether a dry run writes as a real one does, in transactions that are let go."""

    key: str
    """The target whose value makes several rows one record; empty where each row is one."""

    def key_of(self, row: Row) -> str:
        """What one row says for it, as it is compared."""

    def read(self, row: Row) -> Any:
        """Read and check one row, before its transaction begins."""

    def begin(self, session: CrmSession) -> None:
        """Called first in every transaction that writes."""

    def take(self, session: CrmSession, entries: Sequence[Any]) -> None:
        """Compare with what is there, write, count."""

    def finish(self, session: CrmSession) -> None:
        """Called at the end of the last transaction that writes."""
