"""Rows that become contracts of customers that are won, or that change contracts which there are."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select

from crm_core.checks.money import check_money
from crm_core.db import CrmSession
from crm_core.errors import ValidationFailed
from crm_core.i18n import _
from crm_core.models import Contract
from crm_core.scope import unscoped
from crm_core.services.contract_lines import Line, lines_of_contract
from crm_core.services.contracts import add_contract, lock_contract, update_contract
from crm_core.services.imports.one_by_one import OneByOne
from crm_core.services.imports.records import Errors, Record, Values, word
from crm_core.services.imports.references import (
    Unclear,
    customers_named,
    find_customer,
    find_person,
    find_product,
    list_catalogue,
    list_people,
)
from crm_core.services.imports.sold import OF_LINE, line_of, refuse_without_product
from crm_core.services.imports.together import drop_repeated, lacks_product, skip_rows, whole_of
from crm_core.validation import clean_values, is_blank

_BESIDE = ("customer", "owner")


class Contracts(OneByOne):
    """Contracts as they were signed. The customer's cooperation follows from them, as from one that is signed by hand.

    Rows with one number are one contract: each adds a product of the catalogue. It comes in with all of its rows or not at all,
    since it is worth their sum.
    """

    key = "number"

    def look_up(self, session: CrmSession, entries: Sequence[Record]) -> None:
        """The customers that the rows name, the people, the catalogue, and which numbers are taken."""
        # All customers at once and in one order, in a trial too: of two imports that name the same ones the second waits.
        self.customers = customers_named(session, entries, lock=True)
        self.people, self.products = list_people(session, self.actor), list_catalogue(session)
        numbers = {word(number).lower() for entry in entries if (number := entry.values.get("number"))}
        taken = select(Contract.number, Contract.id).where(func.lower(Contract.number).in_(numbers))
        self.numbers = {word(row.number): row.id for row in session.execute(taken, execution_options=unscoped)}

    def bring_in(self, session: CrmSession, entry: Record) -> None:
        """Sign the contract; where its number exists, correct that one or skip the rows."""
        present = self.numbers.get(word(entry.values.get("number")))
        if present and not self.updates:
            skip_rows(self.result, entry, _("A contract with this number exists already."))
            return
        drop_repeated(self.result, entry)
        values, lines = self._meant(entry), self._lines(entry)
        if any(row.errors for row in entry.rows):
            raise ValidationFailed({})
        # With products the contract is called by their names, and their sum counts.
        values |= {"product": ""} if lines else {}
        try:
            if present:
                self._update(session, entry, present, values, lines)
            else:
                self._create(session, entry, values, lines)
        except ValidationFailed as refusal:
            raise ValidationFailed(_placed(entry, refusal.errors)) from refusal

    def _create(self, session: CrmSession, entry: Record, values: Values, lines: Sequence[Line]) -> None:
        if not values.get("customer"):
            raise ValidationFailed({"customer": [_("Say whose contract it is: the code or the whole name of the customer.")]})
        own = {name: value for name, value in values.items() if name not in (*_BESIDE, *OF_LINE)}
        entered = [vars(line) for line in lines]
        # What was sold may be retired by now.
        made = add_contract(session, self.actor, values["customer"], own, lines=entered, had=lines, owner_id=values.get("owner"))
        self.run.made.append(made.id)
        self.result.created += 1
        self.result.updated += len(entry.further)

    def _update(self, session: CrmSession, entry: Record, contract_id: int, values: Values, lines: Sequence[Line]) -> None:
        """Correct what the file itself says; lines that come to the same stay as they are, with their quantities."""
        customer, contract = lock_contract(session, self.actor, contract_id)
        version, had = contract.version, lines_of_contract(session, contract_id)
        given = {name for row in entry.rows for name in row.given}
        changes = {name: value for name, value in values.items() if name in given and name not in (*_BESIDE, *OF_LINE, self.key)}
        if values.get("customer", customer.id) != customer.id:
            raise ValidationFailed({"customer": [_("This contract is another customer's, and an import does not change that.")]})
        if had and not lines and _amount(changes.get("amount", contract.amount)) != contract.amount:
            raise ValidationFailed({"amount": [_("This contract is worth the sum of its products. Write a row for each of them.")]})
        is_same = _is_same(entry, lines, had) or (not had and _is_in_words(entry, contract))
        entered = None if is_same or not lines else [vars(line) for line in lines]
        if lines and is_same:
            changes.pop("product", None)
        owner_id = values["owner"] if "owner" in given else None
        said: dict[str, Any] = {"version": version, "reason": self.run.reason, "owner_id": owner_id}
        update_contract(session, self.actor, contract_id, changes, lines=entered, **said)
        session.flush()
        if contract.version == version:
            skip_rows(self.result, entry, _("A contract with this number exists already, and the file says nothing new."))
        else:
            self.result.updated += len(entry.rows)

    def _meant(self, entry: Record) -> Values:
        """What the rows say of the contract, with the customer and the owner that they mean."""
        values = whole_of(entry, self._meaning)
        for name in (name for name in _BESIDE if name in values):
            try:
                values[name] = self._find(name, values[name])
            except Unclear as problem:
                entry.errors.setdefault(name, [str(problem)])
        return values

    def _meaning(self, name: str, value: Any) -> Any:
        """What a cell means, to be compared; the cell itself where it means nothing."""
        if name in _BESIDE:
            try:
                return self._find(name, value)
            except Unclear:
                return value
        clean, errors = clean_values({name: self.reader.fields[name]}, {name: value})
        return value if errors else clean[name]

    def _find(self, name: str, text: Any) -> int | None:
        return find_customer(self.customers, text).id if name == "customer" else find_person(self.people, text).actor.id

    def _lines(self, entry: Record) -> list[Line]:
        """The products of the rows; a contract of one row may name in its own words what no catalogue knows."""
        lines = [self._line(row, is_one=not entry.further) for row in entry.rows]
        return [line for line in lines if line]

    def _line(self, row: Record, *, is_one: bool) -> Line | None:
        text = row.values.get("product")
        if is_one and not self.products.find(text):
            refuse_without_product(row)
            return None
        try:
            if is_blank(text):
                raise Unclear(lacks_product())
            product = find_product(self.products, text)
        except Unclear as problem:
            row.errors["product"] = [str(problem)]
            return None
        return line_of(row, product)


def _is_same(entry: Record, lines: Sequence[Line], had: Sequence[Line]) -> bool:
    """Whether the rows come to the products that the contract has; a row without quantity and price leaves both as they are."""

    def said(row: Record, line: Line) -> tuple[Any, ...]:
        return (line.product_id, line.amount, *((line.quantity, line.price) if row.given.keys() & set(OF_LINE) else ()))

    return 0 < len(lines) == len(had) and all(
        said(row, line) == said(row, before) for row, line, before in zip(entry.rows, lines, had, strict=True)
    )


def _is_in_words(entry: Record, contract: Contract) -> bool:
    """Whether the one row says of what was sold just what the contract, which has it in its own words, says."""
    given = entry.given
    if entry.further or given.keys() & set(OF_LINE) or word(given.get("product")) != word(contract.product):
        return False
    return "amount" not in given or _amount(given["amount"]) == contract.amount


def _placed(entry: Record, errors: Errors) -> Errors:
    """What a form says at its lines goes to their rows, and what is left belongs to the contract."""
    left: Errors = {}
    for name, sentences in errors.items():
        if name.startswith("lines."):
            entry.rows[int(name.split(".")[1])].errors["product"] = sentences
        else:
            left["owner" if name == "owner_id" else name] = sentences
    return left


def _amount(value: Any) -> Decimal | None:
    try:
        return check_money(value, {})
    except ValueError:
        return None  # told at its own field
