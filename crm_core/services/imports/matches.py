"""Which rows speak of a customer that exists already, in the database or further up in the file."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import InstrumentedAttribute

from crm_core import crypto
from crm_core.db import CrmSession
from crm_core.models import Contact, Customer, Kind
from crm_core.normal import name_key, phone_key
from crm_core.permissions import Actor
from crm_core.scope import unscoped, visible_customers
from crm_core.services.duplicates import COMPARED
from crm_core.services.imports.rows import Entry

Key = tuple[str, ...]


@dataclass
class Match:
    """A customer with the keys by which rows meet it; `id` is None while it is only planned."""

    id: int | None
    is_visible: bool = True
    phones: set[str] = field(default_factory=set)


class Matches:
    """The customers that rows may meet.

    Same credit code, same identity number, or same kind and normalised name. Persons share names, so two of them with
    different phones are different.
    """

    def __init__(self) -> None:
        self._of_file: dict[Key, list[Match]] = defaultdict(list)
        self._of_database: dict[Key, list[Match]] = {}

    def load(self, session: CrmSession, actor: Actor, entries: Sequence[Entry]) -> None:
        """Look up everything that the next rows may meet, whoever owns it."""
        keys = {key for entry in entries for key in keys_of(entry)}
        self._of_database = _stored(session, actor, keys)

    def find(self, entry: Entry) -> Match | None:
        """The customer an entry speaks of."""
        phones = _phones(entry)
        for key in keys_of(entry):
            match: Match
            for match in (*self._of_file.get(key, ()), *self._of_database.get(key, ())):
                if key[:2] != ("name", Kind.INDIVIDUAL) or not phones or not match.phones or phones & match.phones:
                    return match
        return None

    def add(self, entry: Entry) -> Match:
        """Remember an entry that becomes a customer."""
        match = Match(None, phones=_phones(entry))
        for key in keys_of(entry):
            self._of_file[key].append(match)
        return match


def keys_of(entry: Entry) -> list[Key]:
    """The keys of an entry, the surest first; fields that failed their check give none."""
    values = entry.checked.values
    keys: list[Key] = []
    if values.get("credit_code"):
        keys.append(("credit_code", values["credit_code"]))
    if values.get("identity_number"):
        keys.append(("identity", crypto.keyed_hash(values["identity_number"])))
    if values.get("name") and "name" not in entry.checked.errors:
        keys.append(("name", str(values["kind"]), name_key(values["name"])))
    return keys


def _phones(entry: Entry) -> set[str]:
    return {key for contact in entry.checked.contacts if (key := phone_key(contact.get("phone")))}


def _stored(session: CrmSession, actor: Actor, keys: Iterable[Key]) -> dict[Key, list[Match]]:
    wanted: dict[str, set[str]] = defaultdict(set)
    for key in keys:
        wanted[key[0]].add(key[-1])
    columns: dict[str, InstrumentedAttribute[Any]] = {
        "credit_code": Customer.credit_code,
        "identity": Customer.identity_hash,
        "name": Customer.name_key,
    }
    found: dict[Key, list[Match]] = defaultdict(list)
    matches: dict[int, Match] = {}
    for name, texts in wanted.items():
        for row in _select(session, actor, columns[name].in_(texts)):
            match = matches.setdefault(row.id, Match(row.id, row.visible))
            for key in (("credit_code", row.credit_code), ("identity", row.identity_hash), ("name", row.kind, row.name_key)):
                if key[0] == name and key[-1] in texts:
                    found[key].append(match)
    _load_phones(session, matches)
    return found


def _select(session: CrmSession, actor: Actor, condition: ColumnElement[bool]) -> Iterable[Any]:
    statement = (
        select(
            Customer.id,
            Customer.kind,
            Customer.name_key,
            Customer.credit_code,
            Customer.identity_hash,
            visible_customers(actor).label("visible"),
        )
        .where(condition, Customer.place.in_(COMPARED))
        .order_by(Customer.id)
    )
    return session.execute(statement, execution_options=unscoped)


def _load_phones(session: CrmSession, matches: dict[int, Match]) -> None:
    if not matches:
        return
    statement = select(Contact.customer_id, Contact.phone_key).where(Contact.customer_id.in_(matches))
    for customer_id, key in session.execute(statement, execution_options=unscoped):
        if key:
            matches[customer_id].phones.add(key)
