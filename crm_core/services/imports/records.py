"""From a row to the values of a record that is no customer: its columns, the words of the plan, what the plan fills in."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from crm_core.errors import FileRefused, ValidationFailed
from crm_core.i18n import _
from crm_core.services.imports.cells import Converter, converter, in_our_words
from crm_core.services.imports.intake import Run
from crm_core.services.imports.kinds import KINDS
from crm_core.services.imports.mapping import IGNORE, targets
from crm_core.services.imports.rows import too_long, unknown_field
from crm_core.services.imports.table import Cell, Row, is_filled
from crm_core.validation import clean_text, is_blank

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


def word(value: Any) -> str:
    """A text as it is compared: without case and blanks around it."""
    return clean_text(value or "").casefold()
