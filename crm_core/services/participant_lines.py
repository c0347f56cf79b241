"""Lists of people as they come from elsewhere, pasted or in a file: which customer and contact each line means, or why nobody is found."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from crm_core.checks.contacts import check_phone
from crm_core.db import CrmSession
from crm_core.errors import ValidationFailed
from crm_core.i18n import N_, _
from crm_core.models import Contact, Customer
from crm_core.normal import name_key, phone_key
from crm_core.permissions import Access, Actor
from crm_core.services.bulk_targets import PART
from crm_core.services.imports.reading import read_table
from crm_core.validation import clean_text

MOST_LINES = 5_000
SHOWN = 60
"""Letters of a line that are repeated when it is told."""
_CODE = re.compile(r"CUS\d{6,20}", re.IGNORECASE)
_BETWEEN = re.compile(r"[,;\t，；、|]+")

UNKNOWN = N_("no customer or contact that you see is called so")
NO_PHONES = N_("your role does not read phone numbers, so nobody can be looked up by one; write the customer code or the name")
SEVERAL = N_("fits several customers; write the customer code")
TWICE = N_("names the same as line {line}")


@dataclass(frozen=True)
class Line:
    """One line: its number in the text or file, and what stands in it."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Problem:
    """A line that cannot be used, and why."""

    number: int
    text: str
    reason: str


@dataclass(frozen=True)
class Person:
    """Whom a line means; without a contact it names the customer only."""

    number: int
    text: str
    customer_id: int
    contact_id: int | None


@dataclass(frozen=True)
class Found:
    """Those whom the lines name, each once, and the lines that cannot be used."""

    people: list[Person] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def split_text(text: str) -> list[Line]:
    """The lines of a pasted list: a code, a phone or a name in each, or several of them with commas or tabs between."""
    rows = ((number, _BETWEEN.split(row)) for number, row in enumerate(text.splitlines(), start=1))
    return _limited([Line(number, cells) for number, parts in rows if (cells := _cells(parts))])


def split_file(filename: str, content: bytes) -> list[Line]:
    """The rows of a workbook or csv file below its header. Raises `FileRefused`, `ValidationFailed`."""
    rows = ((row.number, _cells(map(_as_text, row.cells))) for row in read_table(filename, content).rows)
    return _limited([Line(number, cells) for number, cells in rows if cells])


def find_people(session: CrmSession, actor: Actor, lines: Sequence[Line]) -> Found:
    """Whom each line means, within the actor's scope: by the customer code, else the phone, the customer's name, or a contact's name alone.

    Roles that may not read phones find nobody by them: with a list of all numbers they would learn the digits behind the mask.
    """
    index, found, seen = _Index(session, actor, lines), Found(), dict[tuple[int, int | None], int]()
    for line in lines:
        text, which = " ".join(line.cells)[:SHOWN], index.look_up(line)
        if isinstance(which, str):
            found.problems.append(Problem(line.number, text, _(which)))
        elif which in seen:
            found.problems.append(Problem(line.number, text, _(TWICE).format(line=seen[which])))
        else:
            seen[which] = line.number
            found.people.append(Person(line.number, text, *which))
    return found


class _Index:
    """What all lines name, read in a few queries."""

    def __init__(self, session: CrmSession, actor: Actor, lines: Sequence[Line]) -> None:
        self.session = session
        self.reads_phones = actor.access_to("phone") >= Access.READABLE
        cells = {cell for line in lines for cell in line.cells}
        codes = {cell.upper() for cell in cells if _CODE.fullmatch(cell)}
        phones = {key for cell in cells if (key := _phone(cell))} if self.reads_phones else set()
        self.by_code = {row.code: row.id for row in self._customers(Customer.code, codes)}
        self.by_name: defaultdict[str, set[int]] = defaultdict(set)
        for row in self._customers(Customer.name_key, {name_key(cell) for cell in cells}):
            self.by_name[row.name_key].add(row.id)
        self.by_phone = self._contacts(Contact.phone_key, phones)
        self.people = self._contacts(Contact.name, cells)

    def _customers(self, column: Any, values: Iterable[str]) -> Iterator[Any]:
        for part in _parts(values):
            statement = select(Customer.id, Customer.code, Customer.name_key).where(column.in_(part), Customer.is_listed)
            yield from self.session.execute(statement)

    def _contacts(self, column: Any, values: Iterable[str]) -> dict[str, list[tuple[int, int]]]:
        found: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        for part in _parts(values):
            statement = select(column, Contact.customer_id, Contact.id).join(Customer, Customer.id == Contact.customer_id)
            for value, customer_id, contact_id in self.session.execute(statement.where(column.in_(part), Customer.is_listed)):
                found[value].append((customer_id, contact_id))
        return found

    def look_up(self, line: Line) -> tuple[int, int | None] | str:
        """The customer and the contact, or the reason why there is none."""
        codes = [cell.upper() for cell in line.cells if _CODE.fullmatch(cell)]
        phones = [key for cell in line.cells if (key := _phone(cell))]
        names = [cell for cell in line.cells if not _CODE.fullmatch(cell) and not _phone(cell)]
        if codes:
            customer_id = self.by_code.get(codes[0])
            return (customer_id, self._contact_among(customer_id, names, phones)) if customer_id else UNKNOWN
        if phones and self.reads_phones:
            return self._one([one for phone in phones for one in self.by_phone.get(phone, ())])
        companies = {one for name in names for one in self.by_name.get(name_key(name), ())}
        if companies:
            return (one := companies.pop(), self._contact_among(one, names, phones)) if len(companies) == 1 else SEVERAL
        if phones and not names:
            return NO_PHONES
        # Of several words one may be a company that we do not have, and another the name of somebody elsewhere.
        return self._one(self.people.get(names[0], ())) if len(names) == 1 else UNKNOWN

    def _contact_among(self, customer_id: int, names: Sequence[str], phones: Sequence[str]) -> int | None:
        named = [one for name in names for one in self.people.get(name, ())] + [one for key in phones for one in self.by_phone.get(key, ())]
        return next((contact_id for owner, contact_id in named if owner == customer_id), None)

    def _one(self, found: Sequence[tuple[int, int]]) -> tuple[int, int | None] | str:
        customers = {customer_id for customer_id, _contact in found}
        return SEVERAL if len(customers) > 1 else found[0] if found else UNKNOWN


def _phone(cell: str) -> str | None:
    if not cell[-1:].isdigit():
        return None
    try:
        return phone_key(check_phone(cell, {}))
    except ValueError:
        return None  # some other number, or a name that ends with one


def _cells(parts: Iterable[str]) -> tuple[str, ...]:
    return tuple(clean for part in parts if (clean := clean_text(part)[:200]))


def _as_text(cell: Any) -> str:
    if cell is None:
        return ""
    # A workbook keeps phone numbers as floats where their column is formatted as numbers.
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def _limited(lines: Sequence[Line]) -> list[Line]:
    if not lines:
        raise ValidationFailed({"lines": [_("The list is empty. Write a customer code, a phone or a name into each line.")]})
    if len(lines) > MOST_LINES:
        sentence = _("The list has more than {most} lines. Divide it and add the parts one after another.")
        raise ValidationFailed({"lines": [sentence.format(most=f"{MOST_LINES:,}")]})
    return list(lines)


def _parts(values: Iterable[str]) -> Iterator[list[str]]:
    ordered = sorted(values)
    yield from (ordered[start : start + PART] for start in range(0, len(ordered), PART))
