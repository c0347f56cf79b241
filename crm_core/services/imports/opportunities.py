"""Rows that become opportunities: open ones, and closed ones with their days as history.

What was won or lost years ago is no event of today: nobody is told, no task begins, and the stages carry the days of the file.
Many rows are written by bulk statements, as those of customers are.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.i18n import _
from crm_core.models import Opportunity, OpportunityStage, Outcome
from crm_core.permissions import Permission
from crm_core.scope import unscoped
from crm_core.services.actors import would_see
from crm_core.services.contract_lines import Line
from crm_core.services.imports.intake import Run
from crm_core.services.imports.opportunity_writing import Ready, write_opportunities
from crm_core.services.imports.records import Errors, Record, RecordReader, Values, word
from crm_core.services.imports.references import (
    Party,
    Person,
    Stages,
    Unclear,
    customers_named,
    find_customer,
    find_person,
    find_product,
    list_catalogue,
    list_people,
)
from crm_core.services.imports.sold import OF_LINE, line_of, refuse_without_product
from crm_core.services.imports.table import Row
from crm_core.services.imports.together import drop_repeated, fail_rows, lacks_product, put_together, skip_rows, whole_of
from crm_core.services.opportunities import OF_LOSS, sellers
from crm_core.validation import clean_values

GIVEN = re.compile(r"^OPP\d{9,}$", re.IGNORECASE)
"""Codes as the system gives them."""
FILLED = ("name", "amount")
REFERENCES = ("customer", "product", "stage", "owner")


@dataclass
class Meant:
    """What the words of a row mean; none where it says nothing, or where the word is an error."""

    customer: Party | None = None
    product: Any = None
    stage: OpportunityStage | None = None
    owner: Person | None = None


class Opportunities:
    """The opportunities of one run. Each row has at most one product; rows with one code are one opportunity with several.

    It comes in with all of its rows or not at all: the amount is their sum, and what is there already is not added to.
    """

    tries = False
    key = "code"

    def __init__(self, run: Run) -> None:
        self.run, self.actor, self.result = run, run.actor, run.result
        self.reader = RecordReader(run)
        self.own = {name: field for name, field in self.reader.fields.items() if name not in (*REFERENCES, *OF_LINE)}

    def read(self, row: Row) -> Record:
        """The values of one row."""
        return self.reader.read(row)

    def key_of(self, row: Row) -> str:
        """The code that the row gives."""
        return self.reader.word_of(row, self.key)

    def begin(self, session: CrmSession) -> None:
        """Nothing comes before the rows."""

    def finish(self, session: CrmSession) -> None:
        """Nothing comes after them."""

    def take(self, session: CrmSession, entries: Sequence[Record]) -> None:
        """Create, skip or fail each opportunity, with all of its rows."""
        self._look_up(session, entries)
        ready: list[Ready] = []
        for entry in put_together(entries, self.key):
            if word(entry.values.get("code")) in self.taken:
                skip_rows(self.result, entry, _("An opportunity with this code exists already."))
                continue
            drop_repeated(self.result, entry)
            if one := self._check(entry):
                ready.append(one)
                self.result.updated += len(entry.further)
        if self.run.writes:
            self.run.made += write_opportunities(session, self.actor, ready, first=self.stages.first, reason=self.run.reason)
        self.result.created += len(ready)

    def _look_up(self, session: CrmSession, entries: Sequence[Record]) -> None:
        self.customers = customers_named(session, entries, lock=self.run.writes)
        self.products, self.people, self.stages = list_catalogue(session), list_people(session, self.actor), Stages(session)
        self.sellers = sellers(session, self.actor)
        codes = [str(entry.values["code"]) for entry in entries if entry.values.get("code")]
        taken = select(Opportunity.code).where(Opportunity.code.in_(codes))
        self.taken = {word(code) for code in session.execute(taken, execution_options=unscoped).scalars()}

    def _check(self, entry: Record) -> Ready | None:
        """The opportunity as it can be written; else it fails with everything that is wrong with its rows."""
        values = whole_of(entry, self._meaning)
        meant, errors = self._meant(values)
        clean, wrong = clean_values(self.own, _completed(values, meant))
        if errors:  # what would have been filled in from what was meant is no error of its own
            wrong = {name: sentences for name, sentences in wrong.items() if name in values or name not in FILLED}
        if "closed_on" in wrong and "expected_on" not in values:
            wrong.pop("expected_on", None)  # it would have been the closing day
        errors = wrong | errors
        stage = meant.stage or self.stages.first
        for name, sentence in (*self._refusals(clean, stage, meant), *_refused_days(clean, stage, wrong)):
            errors.setdefault(name, [sentence])
        entry.errors = errors | entry.errors
        sold = self._sold(entry, meant)
        if meant.customer is None or any(row.errors for row in entry.rows):
            fail_rows(self.result, entry, {})
            return None
        if stage.outcome != Outcome.LOST:
            clean |= dict.fromkeys(OF_LOSS)
        clean |= {"amount": sum(line.amount for line in sold)} if sold else {}
        owner_id = meant.owner.actor.id if meant.owner else self.actor.id or meant.customer.owner_id
        return Ready(clean, meant.customer.id, stage, owner_id, sold, *_moments(clean))

    def _sold(self, entry: Record, meant: Meant) -> list[Line]:
        """The product of each row; the only row of an opportunity needs none."""
        if meant.product is None and entry.further:
            entry.errors.setdefault("product", [lacks_product()])
        elif meant.product is None:
            refuse_without_product(entry)
        sold = [line_of(entry, meant.product)] if meant.product else []
        for row in entry.further:
            try:
                product = find_product(self.products, row.values.get("product"))
            except Unclear as problem:
                row.errors["product"] = [str(problem) if row.values.get("product") else lacks_product()]
                continue
            sold.append(line_of(row, product))
        lines = [line for line in sold if line]
        if lines and (wrong := clean_values({"amount": self.own["amount"]}, {"amount": sum(line.amount for line in lines)})[1]):
            entry.errors = wrong | entry.errors
        return lines

    def _meaning(self, name: str, value: Any) -> Any:
        """What a cell means, to be compared; the cell itself where it means nothing."""
        if name in self.own:
            clean, errors = clean_values({name: self.own[name]}, {name: value})
            return value if errors else clean[name]
        try:
            return self._find(name, value)
        except Unclear:
            return value

    def _find(self, name: str, text: Any) -> Any:
        find: dict[str, Callable[[Any], Any]] = {
            "customer": lambda text: find_customer(self.customers, text),
            "product": lambda text: find_product(self.products, text),
            "stage": self.stages.find,
            "owner": lambda text: find_person(self.people, text),
        }
        return find[name](text)

    def _meant(self, values: Values) -> tuple[Meant, Errors]:
        meant, errors = Meant(), {}
        for name in (name for name in REFERENCES if values.get(name)):
            try:
                setattr(meant, name, self._find(name, values[name]))
            except Unclear as problem:
                errors[name] = [str(problem)]
        if not values.get("customer"):
            errors["customer"] = [_("Say whose opportunity it is: the code or the whole name of the customer.")]
        return meant, errors

    def _refusals(self, clean: Values, stage: OpportunityStage, meant: Meant) -> list[tuple[str, str]]:
        """What forms refuse as well."""
        found = []
        if GIVEN.match(clean.get("code") or ""):
            found.append(("code", _("Codes of this form are given by the system. Leave the cell empty, or write another form.")))
        if stage.outcome == Outcome.WON and meant.product is None:
            found.append(("product", _("A won opportunity says what was sold. Write its product.")))
        if stage.outcome == Outcome.LOST and not clean.get("loss_reason"):
            found.append(("loss_reason", _("Say why it was lost. Write a reason, or choose one for all rows.")))
        if meant.owner and stage.outcome == Outcome.OPEN:
            found += self._refused_owner(meant.owner, meant.customer)
        return found

    def _refused_owner(self, owner: Person, customer: Party | None) -> list[tuple[str, str]]:
        """An open one goes to somebody who works on it; a closed one belongs to whoever closed it, former people too."""
        if not owner.is_active or not owner.actor.can(Permission.OPPORTUNITY_WRITE) or owner.actor.id not in self.sellers:
            sentence = _("You may not give open opportunities to {name}. Name somebody of your team who works on them.")
            return [("owner", sentence.format(name=owner.actor.name))]
        if customer and not would_see(owner.actor, customer.owner_id, customer.team_id):
            return [("owner", _("This person does not see the customer. Choose somebody who does, or transfer it first."))]
        return []


def _completed(values: Values, meant: Meant) -> Values:
    """What a file of another system leaves out: the name, the amount of a product, the day of one that is closed."""
    given = dict(values)
    named = meant.product or meant.customer
    if "name" not in given and named:
        given["name"] = named.name
    if "amount" not in given and meant.product:
        given["amount"] = meant.product.price
    if "expected_on" not in given and "closed_on" in given:
        given["expected_on"] = given["closed_on"]
    return given


def _refused_days(clean: Values, stage: OpportunityStage, wrong: Errors) -> list[tuple[str, str]]:
    opened, closed = clean.get("opened_on"), clean.get("closed_on")
    if stage.outcome != Outcome.OPEN and not closed and "closed_on" not in wrong:
        return [("closed_on", _("Say on which day it was won or lost."))]
    if stage.outcome == Outcome.OPEN and closed:
        return [("closed_on", _("This stage is an open one, so there is no closing day. Correct the stage or the day."))]
    if opened and closed and opened > closed:
        return [("closed_on", _("It cannot be closed before it was opened. Correct one of the two days."))]
    return []


def _moments(clean: Values) -> tuple[datetime, datetime | None]:
    """When it was opened, and closed: a day of the file means noon, so that it stays that day in every zone near by."""
    closed = _noon(clean["closed_on"]) if clean.get("closed_on") else None
    return _noon(clean["opened_on"]) if clean.get("opened_on") else closed or clock.now(), closed


def _noon(day: date) -> datetime:
    return min(clock.start_of_day(day) + timedelta(hours=12), clock.now())
