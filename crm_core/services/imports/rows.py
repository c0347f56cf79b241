"""From a row of a table to a checked entry, with everything that is wrong or missing in it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from crm_core.checks.contacts import NOT_PROVIDED
from crm_core.errors import FileRefused, ValidationFailed
from crm_core.i18n import _, join_words
from crm_core.models import Kind, LifecycleStage
from crm_core.services.entry import CONTACT_FIELDS, Checked, check_entry, missing_fields
from crm_core.services.imports.cells import Converter, converter, in_our_words
from crm_core.services.imports.guesses import LEVELS, guess_kind, recognise_regions
from crm_core.services.imports.kinds import CONTACT
from crm_core.services.imports.mapping import IGNORE, targets
from crm_core.services.imports.plan import ImportPlan, Incomplete
from crm_core.services.imports.table import Row, Table, is_filled
from crm_core.services.library import Library
from crm_core.validation import is_blank, required_message

Values = dict[str, Any]


@dataclass
class Entry:
    """A row as an entry: what the file itself gave for the customer, its regions and its contact, and the checked whole."""

    number: int
    given: Values
    regions: dict[str, str]
    given_contact: Values
    checked: Checked
    is_incomplete: bool


class RowReader:
    """Turns the rows of one table into entries by one plan."""

    def __init__(self, library: Library, table: Table, plan: ImportPlan) -> None:
        """Raises `FileRefused` if no column carries the customer's name, `ValidationFailed` for a wrong target or default."""
        self.library = library
        self.width = len(table.headings)
        self.keeps = plan.incomplete is Incomplete.KEEP
        self.columns = _columns(library, table, plan)
        self.defaults, self.contact_defaults = _split(_defaults(library, plan.defaults))

    def read(self, row: Row) -> Entry:
        """Check one row."""
        given, contact = _split(self._values(row))
        regions = {level: str(given.pop(level)) for level in LEVELS if level in given}
        placed, errors_of_regions = self.with_regions(given, regions, self.defaults)
        values = self._complete(placed, leave_out=LEVELS if regions else ())
        checked = check_entry(self.library, values, self._contacts(values, contact), require=not self.keeps)
        errors = {name.replace("contacts.0.", CONTACT): sentences for name, sentences in checked.errors.items()}
        if "name" in errors and values["kind"] == Kind.INDIVIDUAL and not contact.get("name"):
            errors.pop(CONTACT + "name", None)  # a person's contact bears the person's name; one sentence about it is enough
        if len(row.cells) > self.width:
            errors[""] = [too_long(len(row.cells), self.width)]
        errors.update(errors_of_regions)
        if is_blank(values.get("name")):
            errors["name"] = [required_message(self.library.fields["name"])]
        checked.errors = errors
        return Entry(row.number, given, regions, contact, checked, self._lacks_something(checked))

    def with_regions(self, given: Values, regions: Mapping[str, str], known: Mapping[str, Any]) -> tuple[Values, dict[str, list[str]]]:
        """What a row gives, its regions read beside what is known (defaults, or what the customer has), and errors.

        Words that mean no region move to the address where incomplete rows are kept, else they are errors.
        """
        codes, foreign = recognise_regions(regions, known)
        placed = {**given, **codes}
        if foreign and self.keeps:
            placed["address"] = _with_words(foreign.values(), str(given.get("address") or known.get("address") or ""))
        return placed, {} if self.keeps else {level: [_unknown_region(word)] for level, word in foreign.items()}

    def _values(self, row: Row) -> Values:
        values: Values = {}
        cells = row.cells
        for place, target, convert in self.columns:
            if place < len(cells) and is_filled(cells[place]) and target not in values:
                value = convert(cells[place])
                if not is_blank(value):
                    values[target] = value
        return values

    def _complete(self, given: Values, *, leave_out: Sequence[str]) -> Values:
        values = {**{name: value for name, value in self.defaults.items() if name not in leave_out}, **given}
        values.setdefault("stage", LifecycleStage.PROSPECT)
        values.setdefault("kind", guess_kind(values))
        return values

    def _contacts(self, values: Values, given: Values) -> Sequence[Values]:
        contact = {**self.contact_defaults, **given}
        if not contact:
            return []
        if not contact.get("name"):
            # A person is their own contact; a company's phone without a name is kept where incomplete rows are.
            name = values.get("name") if values["kind"] == Kind.INDIVIDUAL else NOT_PROVIDED if self.keeps else None
            contact["name"] = name
        return [contact]

    def _lacks_something(self, checked: Checked) -> bool:
        if checked.errors:
            return False
        nameless = any(contact["name"] == NOT_PROVIDED for contact in checked.contacts)
        return nameless or bool(missing_fields(self.library, checked.values, checked.contacts, industry_text=checked.industry_text))


def _columns(library: Library, table: Table, plan: ImportPlan) -> list[tuple[int, str, Converter]]:
    columns = []
    for place, heading in enumerate(table.headings):
        target = plan.mapping.get(heading, IGNORE)
        if target != IGNORE:
            _refuse_unknown(library, target)
            convert = converter(targets(library)[target], library)
            words = plan.words.get(target)
            columns.append((place, target, partial(in_our_words, convert=convert, words=words) if words else convert))
    if not any(target == "name" for _place, target, _convert in columns):
        raise FileRefused(
            _("No column was recognised as the customer's name. Choose which column carries it, or name its heading 客户名称.")
        )
    return columns


def _split(values: Mapping[str, Any]) -> tuple[Values, Values]:
    customer = {name: value for name, value in values.items() if not name.startswith(CONTACT)}
    contact = {name.removeprefix(CONTACT): value for name, value in values.items() if name.startswith(CONTACT)}
    return customer, contact


def _defaults(library: Library, defaults: Mapping[str, Any]) -> Values:
    for name in defaults:
        _refuse_unknown(library, name)
    values = {name: converter(targets(library)[name], library)(value) for name, value in defaults.items() if not is_blank(value)}
    customer, contact = _split(values)
    codes, foreign = recognise_regions({level: str(customer.pop(level)) for level in LEVELS if level in customer}, {})
    if foreign:
        raise ValidationFailed({level: [_unknown_region(word)] for level, word in foreign.items()})
    customer.update(codes)
    checked = check_entry(library, {"kind": "enterprise", "stage": LifecycleStage.PROSPECT, **customer}, [contact], require=False)
    wrong = {name.replace("contacts.0.", CONTACT): sentences for name, sentences in checked.errors.items()}
    if errors := {name: sentences for name, sentences in wrong.items() if name in defaults}:
        raise ValidationFailed(errors)
    return {**customer, **{CONTACT + name: value for name, value in contact.items() if name in CONTACT_FIELDS}}


def _refuse_unknown(library: Library, target: str) -> None:
    if target not in targets(library):
        raise ValidationFailed({target: [unknown_field(target, targets(library))]})


def unknown_field(target: str, known: Iterable[str]) -> str:
    """The sentence for a target that there is not."""
    return _("There is no field “{name}”. Fields are: {names}.").format(name=target, names=join_words(known))


def _unknown_region(word: str) -> str:
    return _("“{value}” is not a region of the list. Choose it again.").format(value=word[:20])


def _with_words(words: Iterable[str], address: str) -> str:
    return " ".join([*(word for word in words if word not in address), address]).strip()


def too_long(count: int, width: int) -> str:
    """The sentence for a row with more cells than the header."""
    return _("The row has {count} cells, the header only {width}. Perhaps a text with a separator lacks its quotation marks.").format(
        count=count, width=width
    )
