"""From a row to the values of a record that is no customer: its columns, the words of the plan, what the plan fills in."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from crm_core.db import CrmSession
from crm_core.errors import CrmError, FileRefused, ValidationFailed
from crm_core.i18n import _
from crm_core.services.imports.cells import Converter, converter, in_our_words
from crm_core.services.imports.intake import Run
from crm_core.services.imports.kinds import KINDS
from crm_core.services.imports.mapping import IGNORE, targets
from crm_core.services.imports.plan import OnDuplicate
from crm_core.services.imports.rows import too_long, unknown_field
from crm_core.services.imports.table import Cell, Row, is_filled
from crm_core.validation import clean_text, is_blank

Values = dict[str, Any]
Errors = dict[str, list[str]]


@dataclass
class Record:
    """What a row gives, by target, and what is wrong with the row as a whole."""

    number: int
    values: Values
    errors: Errors


class RecordReader:
    """Turns the rows of one table into records by one plan."""

    def __init__(self, run: Run) -> None:
        """Raises `FileRefused` if no column carries what every row needs, `ValidationFailed` for a target that there is not."""
        self.run = run
        self.fields = targets(run.library, run.plan.kind)
        self.width = len(run.table.headings)
        chosen = [(place, run.plan.mapping.get(heading, IGNORE)) for place, heading in enumerate(run.table.headings)]
        self.columns = [(place, target, self._converter(target)) for place, target in chosen if target != IGNORE]
        self.defaults = {name: self._converter(name)(value) for name, value in run.plan.defaults.items() if not is_blank(value)}
        key = KINDS[run.plan.kind].key
        if key not in self.defaults and all(target != key for _place, target, _convert in self.columns):
            title = self.fields[key].title
            raise FileRefused(_("Choose the column that holds “{field}” first: no row comes in without it.").format(field=title))

    def _converter(self, target: str) -> Callable[[Cell], Any]:
        if target not in self.fields:
            raise ValidationFailed({target: [unknown_field(target, self.fields)]})
        convert: Converter = converter(self.fields[target], self.run.library)
        words = self.run.plan.words.get(target)
        return partial(in_our_words, convert=convert, words=words) if words else convert

    def read(self, row: Row) -> Record:
        """The values of one row; where several columns share a target, the first filled one counts."""
        values: Values = {}
        for place, target, convert in self.columns:
            if place < len(row.cells) and is_filled(row.cells[place]) and target not in values:
                value = convert(row.cells[place])
                if not is_blank(value):
                    values[target] = value
        errors = {"": [too_long(len(row.cells), self.width)]} if len(row.cells) > self.width else {}
        return Record(row.number, self.defaults | values, errors)


class OneByOne(ABC):
    """Records that come in through the service that a form uses, one after the other; its checks are the import's checks.

    A dry run does the same and lets its transactions go. Each service checks before it writes, so a row that fails leaves nothing.
    """

    tries = True

    def __init__(self, run: Run) -> None:
        self.run, self.actor, self.result = run, run.actor, run.result
        self.reader = RecordReader(run)
        self.seen: set[str] = set()
        """The keys of the rows that came in: in a dry run the next chunk does not find them in the database."""
        self._met: set[str] = set()

    def read(self, row: Row) -> Record:
        """The values of one row."""
        return self.reader.read(row)

    # What comes before and after the rows concerns kinds that write in bulk; here each row is whole by itself.

    def begin(self, session: CrmSession) -> None:  # noqa: B027
        """Nothing comes before the rows."""

    def finish(self, session: CrmSession) -> None:  # noqa: B027
        """Nothing comes after them."""

    def take(self, session: CrmSession, entries: Sequence[Record]) -> None:
        """Create, update, skip or fail each row."""
        self.look_up(session, entries)
        for entry in entries:
            if entry.errors:
                self.result.fail(entry.number, entry.errors)
                continue
            try:
                self.bring_in(session, entry)
                self.seen |= self._met
            except ValidationFailed as refusal:
                self.result.fail(entry.number, refusal.errors)
            except CrmError as refusal:
                self.result.fail(entry.number, {"": [str(refusal)]})

    @abstractmethod
    def look_up(self, session: CrmSession, entries: Sequence[Record]) -> None:
        """Read what the next rows may meet."""

    @abstractmethod
    def bring_in(self, session: CrmSession, entry: Record) -> None:
        """Do what the row says, and count it. Raises `CrmError` for a row that fails."""

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


def word(value: Any) -> str:
    """A text as it is compared: without case and blanks around it."""
    return clean_text(value or "").casefold()
