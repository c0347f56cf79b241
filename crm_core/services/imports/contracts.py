"""Rows that become contracts of customers that are won."""

from collections.abc import Sequence

from sqlalchemy import select

from crm_core.db import CrmSession
from crm_core.errors import ValidationFailed
from crm_core.i18n import _
from crm_core.models import Contract
from crm_core.scope import unscoped
from crm_core.services.contracts import add_contract
from crm_core.services.imports.records import OneByOne, Record, word
from crm_core.services.imports.references import Unclear, customers_named, find_customer, find_person, list_people

_BESIDE = ("customer", "owner")


class Contracts(OneByOne):
    """Contracts as they were signed. The customer's cooperation follows from them, as from one that is signed by hand."""

    def look_up(self, session: CrmSession, entries: Sequence[Record]) -> None:
        """The customers that the rows name, the people, and which numbers are taken."""
        self.customers = customers_named(session, entries, lock=False)
        self.people = list_people(session, self.actor)
        numbers = [str(entry.values["number"]).strip() for entry in entries if entry.values.get("number")]
        taken = select(Contract.number).where(Contract.number.in_(numbers))
        self.numbers = {word(number) for number in session.execute(taken, execution_options=unscoped).scalars()}

    def bring_in(self, session: CrmSession, entry: Record) -> None:
        """Sign the contract, or skip the row where its number exists."""
        values = entry.values
        number = word(values.get("number"))
        if self.is_repeated(entry, number):
            return
        if number and number in self.numbers:
            self.result.skip(entry.number, _("A contract with this number exists already."))
            return
        customer_id = self._named("customer", entry)
        owner_id = self._named("owner", entry)
        if customer_id is None:
            raise ValidationFailed({"customer": [_("Say whose contract it is: the code or the whole name of the customer.")]})
        own = {name: value for name, value in values.items() if name not in _BESIDE}
        add_contract(session, self.actor, customer_id, own, owner_id=owner_id)
        self.result.created += 1

    def _named(self, target: str, entry: Record) -> int | None:
        text = entry.values.get(target)
        if not text:
            return None
        try:
            if target == "customer":
                return find_customer(self.customers, text).id
            return find_person(self.people, text).actor.id
        except Unclear as problem:
            raise ValidationFailed({target: [str(problem)]}) from problem
