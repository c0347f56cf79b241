"""Records that come in through the service that a form uses, one after the other."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from crm_core.db import CrmSession
from crm_core.errors import CrmError, ValidationFailed
from crm_core.i18n import _
from crm_core.services.imports.intake import Run
from crm_core.services.imports.plan import OnDuplicate
from crm_core.services.imports.records import Record, RecordReader, Values, word
from crm_core.services.imports.table import Row
from crm_core.services.imports.together import fail_rows, put_together
from crm_core.validation import clean_values


class OneByOne(ABC):
    """Records that come in through the service that a form uses, one after the other; its checks are the import's checks.

    A dry run does the same and lets its transactions go. Each record has a savepoint of its own, so one that fails leaves nothing.
    """

    tries = True
    key = ""

    def __init__(self, run: Run) -> None:
        self.run, self.actor, self.result = run, run.actor, run.result
        self.reader = RecordReader(run)
        self.seen: set[str] = set()
        """The keys of the rows that came in: in a dry run the next chunk does not find them in the database."""
        self._met: set[str] = set()

    def read(self, row: Row) -> Record:
        """The values of one row."""
        return self.reader.read(row)

    def key_of(self, row: Row) -> str:
        """What the row says for `key`."""
        return self.reader.word_of(row, self.key)

    # What comes before and after the rows concerns kinds that write in bulk; here each row is whole by itself.

    def begin(self, session: CrmSession) -> None:  # noqa: B027
        """Nothing comes before the rows."""

    def finish(self, session: CrmSession) -> None:  # noqa: B027
        """Nothing comes after them."""

    def take(self, session: CrmSession, entries: Sequence[Record]) -> None:
        """Create, update, skip or fail each record."""
        self.look_up(session, entries)
        for entry in put_together(entries, self.key):
            if any(row.errors for row in entry.rows):
                fail_rows(self.result, entry, {})
                continue
            try:
                with session.begin_nested():
                    self.bring_in(session, entry)
                self.seen |= self._met
            except ValidationFailed as refusal:
                fail_rows(self.result, entry, refusal.errors)
            except CrmError as refusal:
                fail_rows(self.result, entry, {"": [str(refusal)]})

    @abstractmethod
    def look_up(self, session: CrmSession, entries: Sequence[Record]) -> None:
        """Read what the next rows may meet."""

    @abstractmethod
    def bring_in(self, session: CrmSession, entry: Record) -> None:
        """Do what the record says, and count its rows. Raises `CrmError` for one that fails."""

    def check(self, entry: Record, *names: str) -> Values:
        """What a record says for these targets, clean, as services take it that check it no more. Raises `ValidationFailed`."""
        clean, errors = clean_values({name: self.reader.fields[name] for name in names if name in entry.values}, entry.values)
        if errors:
            raise ValidationFailed(errors)
        return clean

    @property
    def updates(self) -> bool:
        """Whether rows change what exists already."""
        return self.run.plan.on_duplicate is OnDuplicate.UPDATE

    def is_repeated(self, entry: Record, *keys: str) -> bool:
        """Whether a row further up brought in the same; then it is skipped, else remembered once it came in."""
        self._met = {word(key) for key in keys if key}
        if not self._met & self.seen:
            return False
        self.result.skip(entry.number, _("The same stands further up in the file."))
        return True
