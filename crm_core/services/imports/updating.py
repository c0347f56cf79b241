"""Bringing what a row says into a customer that exists: filled cells overwrite, empty ones leave what is there."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import delete, select

from crm_core.db import CrmSession
from crm_core.fields import read_values, write_value
from crm_core.i18n import _
from crm_core.models import STAGES, Contact, Customer, LifecycleStage
from crm_core.normal import phone_key
from crm_core.numbering import bump
from crm_core.permissions import Actor
from crm_core.search import Searchable, customer_search, index_customers, searchable
from crm_core.services.cooperation import COOPERATION, agreed_with, check_cooperation, enter
from crm_core.services.derived import derive
from crm_core.services.entry import CONTACT_FIELDS, check_changes, check_contact, missing_fields
from crm_core.services.imports.kinds import CONTACT
from crm_core.services.imports.rows import Entry, RowReader
from crm_core.services.industries import suggest_industry
from crm_core.visibility import sift

_SEARCHED = frozenset({"name", "credit_code"})

Errors = dict[str, list[str]]


class Update(NamedTuple):
    """What came of a row: its errors by target, and whether it says anything that the customer does not say already."""

    errors: Errors
    has_news: bool


class Updates:
    """The updates of one chunk: customers and contacts are read at once, and written, indexed and counted once in `finish`.

    The change log takes the reason from the session.
    """

    def __init__(self, session: CrmSession, actor: Actor, reader: RowReader, ids: Iterable[int], *, writes: bool) -> None:
        self.session, self.actor, self.reader, self.writes = session, actor, reader, writes
        self.customers = _customers(session, ids, lock=writes)
        self.contacts = _contacts(session, self.customers)
        self.agreed = agreed_with(session, self.customers)
        self._changed: set[int] = set()
        self._renamed: set[int] = set()

    def update(self, customer: Customer, entry: Entry) -> Update:
        """Check what the row gives together with what the customer has, and change the customer if it is to be written.

        Nature and type stay as they are; a row that names another type is refused. A contact of the same name or phone is changed,
        another one is added. With any error nothing is changed.
        """
        changes, errors = _customer_changes(self.actor, self.reader, customer, entry)
        errors |= check_cooperation(self.agreed.get(customer.id), changes) | _other_stage(customer, entry)
        contact = _contact_of(self.contacts[customer.id], entry)
        contact_changes, contact_errors = _contact_changes(self.actor, contact, customer, entry)
        update = Update(errors | contact_errors, has_news=bool(changes or contact_changes))
        if not update.errors and update.has_news and self.writes:
            self._apply(customer, changes, contact, contact_changes)
        return update

    def _apply(self, customer: Customer, changes: dict[str, Any], contact: Contact | None, contact_changes: dict[str, Any]) -> None:
        fields = self.reader.library.fields
        for name, value in changes.items():
            if name in fields:
                write_value(customer, fields[name], value)
        if figures := changes.keys() & set(COOPERATION):
            enter(customer, self.agreed.get(customer.id), figures)
        if "industry" in changes:
            customer.industry_text = changes["industry_text"]
        if contact_changes and contact is None:
            theirs = self.contacts[customer.id]
            theirs.append(Contact(**contact_changes, customer_id=customer.id, is_primary=not theirs))
            self.session.add(theirs[-1])
        elif contact:
            for name, value in contact_changes.items():
                setattr(contact, name, value)
        if changes.get("industry_text"):
            suggest_industry(self.session, self.actor, changes["industry_text"])
        self._changed.add(customer.id)
        if contact_changes or _SEARCHED & changes.keys():
            self._renamed.add(customer.id)

    def finish(self) -> None:
        """Write what was changed, with completeness and search rows."""
        if not self._changed:
            return
        for customer in map(self.customers.__getitem__, self._changed):
            values = read_values(customer, self.reader.library.fields)
            contacts = [{name: getattr(contact, name) for name in CONTACT_FIELDS} for contact in self.contacts[customer.id]]
            customer.is_incomplete = bool(missing_fields(self.reader.library, values, contacts, industry_text=customer.industry_text))
        self.session.flush()
        if self._renamed:
            self.session.execute(delete(customer_search).where(customer_search.c.rowid.in_(self._renamed)))
            index_customers(self.session, [(customer_id, self._texts(customer_id)) for customer_id in sorted(self._renamed)])
        derive(self.session, self._changed)
        bump(self.session, "customers")

    def _texts(self, customer_id: int) -> Searchable:
        customer = self.customers[customer_id]
        contacts = [(contact.name, contact.phone, contact.wechat) for contact in self.contacts[customer_id]]
        return searchable(customer.name, customer.code, customer.credit_code, contacts)


def _customers(session: CrmSession, ids: Iterable[int], *, lock: bool) -> dict[int, Customer]:
    statement = select(Customer).where(Customer.id.in_(list(ids)), Customer.is_listed)
    found = session.execute(statement.with_for_update() if lock else statement).scalars()
    return {customer.id: customer for customer in found}


def _contacts(session: CrmSession, ids: Iterable[int]) -> dict[int, list[Contact]]:
    statement = select(Contact).where(Contact.customer_id.in_(list(ids))).order_by(Contact.is_primary.desc(), Contact.id)
    found: dict[int, list[Contact]] = defaultdict(list)
    for contact in session.execute(statement).scalars():
        found[contact.customer_id].append(contact)
    return found


def _customer_changes(actor: Actor, reader: RowReader, customer: Customer, entry: Entry) -> tuple[dict[str, Any], Errors]:
    declared = reader.library.fields
    present = read_values(customer, declared) | {"industry_text": customer.industry_text}
    before = dict(present)
    before["industry"] = before["industry"] or customer.industry_text
    placed, errors = reader.with_regions(entry.given, entry.regions, before)
    given = {name: value for name, value in placed.items() if name in declared and not declared[name].fixed}
    given, refused = sift(actor, Customer, before, given)
    clean, wrong = check_changes(reader.library, before, given)
    errors = {name: entry.checked.errors[name] for name in ("",) if name in entry.checked.errors} | wrong | errors | refused
    changes = {name: clean[name] for name in given if name in clean}
    if "industry" in changes:
        changes["industry_text"] = clean.get("industry_text")
    return {name: value for name, value in changes.items() if value != present[name]}, errors


def _other_stage(customer: Customer, entry: Entry) -> Errors:
    if entry.given.get("stage") in (None, customer.stage):
        return {}
    sentence = _("This customer is of the type “{present}”, and an import does not change it. Open the customer and choose “Change type”.")
    return {"stage": [sentence.format(present=_(STAGES[LifecycleStage(customer.stage)]))]}


def _contact_of(contacts: list[Contact], entry: Entry) -> Contact | None:
    given = entry.given_contact
    if not given:
        return None
    checked = entry.checked.contacts[0] if entry.checked.contacts else given
    same_name = [one for one in contacts if given.get("name") and one.name == checked.get("name")]
    key = phone_key(checked.get("phone"))
    same_phone = [one for one in contacts if key and one.phone_key == key and not given.get("name")]
    primary = [one for one in contacts if not given.get("name") and not key]
    return next(iter([*same_name, *same_phone, *primary]), None)


def _contact_changes(actor: Actor, contact: Contact | None, customer: Customer, entry: Entry) -> tuple[dict[str, Any], Errors]:
    given = dict(entry.given_contact)
    if not given:
        return {}, {}
    if contact is None and not given.get("name"):
        given["name"] = entry.checked.contacts[0]["name"] if entry.checked.contacts else customer.name
    before = {name: getattr(contact, name) for name in CONTACT_FIELDS} if contact else {}
    refused: Errors = {}
    if contact:
        given, refused = sift(actor, Contact, before, given)
    clean, errors = check_contact({**before, **given}, require=False)
    changes = {name: clean[name] for name in given if contact is None or clean[name] != getattr(contact, name)}
    wrong = {name: sentences for name, sentences in errors.items() if name in given} | refused
    return changes, {CONTACT + name: sentences for name, sentences in wrong.items()}
