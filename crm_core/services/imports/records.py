"""From a row to the values of a record that is no customer: its columns, the words of the plan, what the plan fills in."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from crm_core.db import CrmSession
from crm_core.errors import CrmError, FileRefused, ValidationFailed
from crm_core.i18n import _, join_words
from crm_core.services.imports.cells import Converter, converter, in_our_words
from crm_core.services.imports.intake import Run
from crm_core.services.imports.kinds import KINDS
from crm_core.services.imports.mapping import IGNORE, targets
from crm_core.services.imports.plan import OnDuplicate
from crm_core.services.imports.rows import too_long, unknown_field
from crm_core.services.imports.table import Cell, Row, is_filled
from crm_core.validation import clean_text, clean_values, is_blank

Values = dict[str, Any]
Errors = dict[str, list[str]]


@dataclass
class Record:
    """What a row gives, by target, with what the plan fills in; and what is wrong with it."""

    number: int
    values: Values
    errors: Errors
    given: Values
    """Of the values, what the file itself says."""
    further: list["Record"] = field(default_factory=list)
    """The rows further down that are the same record, where a kind puts several together."""

    @property
    def rows(self) -> list["Record"]:
        """All rows of the record."""
        return [self, *self.further]


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
        given: Values = {}
        for place, target, convert in self.columns:
            if place < len(row.cells) and is_filled(row.cells[place]) and target not in given:
                value = convert(row.cells[place])
                if not is_blank(value):
                    given[target] = value
        errors = {"": [too_long(len(row.cells), self.width)]} if len(row.cells) > self.width else {}
        return Record(row.number, self.defaults | given, errors, given)

    def word_of(self, row: Row, target: str) -> str:
        """What one row says for one target, as it is compared."""
        filled = (convert(row.cells[place]) for place, name, convert in self.columns if name == target and place < len(row.cells))
        return next((text for value in filled if (text := word(value))), "")


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
                self.fail(entry, {})
                continue
            try:
                with session.begin_nested():
                    self.bring_in(session, entry)
                self.seen |= self._met
            except ValidationFailed as refusal:
                self.fail(entry, refusal.errors)
            except CrmError as refusal:
                self.fail(entry, {"": [str(refusal)]})

    @abstractmethod
    def look_up(self, session: CrmSession, entries: Sequence[Record]) -> None:
        """Read what the next rows may meet."""

    @abstractmethod
    def bring_in(self, session: CrmSession, entry: Record) -> None:
        """Do what the record says, and count its rows. Raises `CrmError` for one that fails."""

    def fail(self, entry: Record, errors: Errors) -> None:
        """Count a record that failed, with all its rows: those that are wrong say why, the others wait for them."""
        entry.errors |= errors
        wrong = join_words(str(row.number) for row in entry.rows if row.errors)
        waits = _("It is one record with other rows, which come in together or not at all. These failed: {rows}.").format(rows=wrong)
        for row in entry.rows:
            self.result.fail(row.number, row.errors or {"": [waits]})

    def skip(self, entry: Record, message: str) -> None:
        """Count all rows of a record as skipped."""
        for row in entry.rows:
            self.result.skip(row.number, message)

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


def put_together(entries: Sequence[Record], key: str) -> list[Record]:
    """The records of these rows: those that say the same for `key` are one, under the first of them."""
    known: dict[str, Record] = {}
    records = []
    for entry in entries:
        text = word(entry.given.get(key)) if key else ""
        if text in known:
            known[text].further.append(entry)
            continue
        records.append(entry)
        if text:
            known[text] = entry
    return records


def word(value: Any) -> str:
    """A text as it is compared: without case and blanks around it."""
    return clean_text(value or "").casefold()
