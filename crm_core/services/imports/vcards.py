"""vCards (2.1, 3.0, 4.0) as a table: one row a card, with the organisation as the customer and the person as its contact."""

import quopri
import re
from collections.abc import Iterator
from typing import NamedTuple

from crm_core.errors import FileRefused
from crm_core.fields import fields_of
from crm_core.i18n import _
from crm_core.models import Contact, Customer
from crm_core.services.imports.table import Row, Table

_ESCAPED = re.compile(r"\\([\\,;nN])")


class _Property(NamedTuple):
    name: str
    parameters: str
    value: str


def table_of_cards(filename: str, text: str) -> Table:
    """The cards of a file. Raises `FileRefused` if none names a person or an organisation."""
    rows = [row for number, card in _cards(text) if (row := _row(number, card))]
    if not rows:
        raise FileRefused(_("No card of this file names a person or an organisation."))
    customer, contact = fields_of(Customer), fields_of(Contact)
    declared = [
        customer["name"],
        customer["kind"],
        contact["name"],
        contact["position"],
        contact["phone"],
        contact["email"],
        customer["address"],
        customer["remark"],
    ]
    return Table(filename, tuple(field.title for field in declared), tuple(rows))


def _cards(text: str) -> Iterator[tuple[int, list[_Property]]]:
    start = 0
    card: list[_Property] = []
    for number, line in _unfolded(text):
        head, _colon, value = line.partition(":")
        name, _semicolon, parameters = head.partition(";")
        name = name.rpartition(".")[2].strip().upper()
        if name == "BEGIN":
            start, card = number, []
        elif name == "END":
            yield start, card
        else:
            card.append(_Property(name, parameters.upper(), _decoded(parameters.upper(), value)))


def _unfolded(text: str) -> Iterator[tuple[int, str]]:
    """Logical lines with the number of their first physical line; a quoted-printable line goes on after `=`."""
    begun, whole = 0, ""
    for number, line in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
        if whole.endswith("=") and "QUOTED-PRINTABLE" in whole.upper():
            whole = whole[:-1] + line
        elif line[:1] in (" ", "\t") and begun:
            whole += line[1:]
        else:
            if whole:
                yield begun, whole
            begun, whole = number, line
    if whole:
        yield begun, whole


def _decoded(parameters: str, value: str) -> str:
    if "QUOTED-PRINTABLE" not in parameters:
        return value
    charset = "gb18030" if re.search(r"CHARSET=\"?GB", parameters) else "utf-8"
    return quopri.decodestring(value.encode()).decode(charset, "replace")


def _row(number: int, card: list[_Property]) -> Row | None:
    organisation = next(iter(_parts(_first(card, "ORG"))), "")
    person = _plain(_first(card, "FN")) or _name(_first(card, "N"))
    if not organisation and not person:
        return None
    kind = "enterprise" if organisation else "individual"
    phone = _first(card, "TEL", "CELL") or _first(card, "TEL")
    address = " ".join(_parts(_first(card, "ADR")))
    cells = (
        organisation or person,
        kind,
        person,
        _plain(_first(card, "TITLE")),
        phone.removeprefix("tel:"),
        _first(card, "EMAIL"),
        address,
        _plain(_first(card, "NOTE")),
    )
    return Row(number, cells)


def _first(card: list[_Property], name: str, parameter: str = "") -> str:
    found = (one.value.strip() for one in card if one.name == name and parameter in one.parameters)
    return next((value for value in found if value), "")


def _plain(value: str) -> str:
    return _ESCAPED.sub(lambda found: "\n" if found.group(1) in "nN" else found.group(1), value).strip()


def _parts(value: str) -> list[str]:
    return [plain for part in re.split(r"(?<!\\);", value) if (plain := _plain(part))]


def _name(value: str) -> str:
    family, given, *_rest = [*(_plain(part) for part in re.split(r"(?<!\\);", value)), "", ""]
    return f"{given} {family}".strip() if (given + family).isascii() else family + given
