"""Contracts of a customer (成交 / 合同), and what they say about its cooperation: since when, until when, how much.

The customer's own figures are kept with every contract, not summed up when they are read: what was entered by hand or
imported stays in them, a contract adds its amount and stretches the first and latest day. Nobody corrects them below what
the contracts say.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select

from crm_core.checks.money import check_money
from crm_core.db import CrmSession
from crm_core.fields import fields_of
from crm_core.i18n import _, format_date, format_money
from crm_core.models import Contract, Customer
from crm_core.numbering import contract_number
from crm_core.permissions import Actor, Permission, require
from crm_core.validation import clean_values
from crm_core.visibility import View

MOST_SHOWN = 100
COOPERATION = ("first_cooperated_on", "last_cooperated_on", "cooperation_amount")
"""The fields of a customer that its contracts keep."""

Errors = dict[str, list[str]]


@dataclass(frozen=True)
class Agreed:
    """What the contracts of one customer come to."""

    count: int
    amount: Decimal
    first: date
    last: date


@dataclass(frozen=True)
class ContractList:
    """The latest contracts of a customer, and what all of them come to; nothing where there are none."""

    rows: list[View]
    agreed: Agreed | None


def list_contracts(session: CrmSession, actor: Actor, customer_id: int) -> ContractList:
    """The contracts of a customer, the latest first, at most `MOST_SHOWN`; none outside the actor's scope."""
    require(actor, Permission.CUSTOMER_READ)
    own = select(Contract).where(Contract.customer_id == customer_id)
    found = session.execute(own.order_by(Contract.signed_on.desc(), Contract.id.desc()).limit(MOST_SHOWN)).scalars()
    return ContractList([View(actor, contract) for contract in found], agreed_with(session, [customer_id]).get(customer_id))


def agreed_with(session: CrmSession, ids: Iterable[int]) -> dict[int, Agreed]:
    """What the contracts of these customers come to, by customer; those without a contract are missing."""
    columns = (func.count(), func.sum(Contract.amount), func.min(Contract.signed_on), func.max(Contract.signed_on))
    statement = select(Contract.customer_id, *columns).where(Contract.customer_id.in_(list(ids))).group_by(Contract.customer_id)
    return {customer_id: Agreed(count, amount, first, last) for customer_id, count, amount, first, last in session.execute(statement)}


def check_contract(values: Mapping[str, Any]) -> tuple[dict[str, Any], Errors]:
    """What a contract needs: a product or service, an amount above 0 and the day of signing, up to today [001]."""
    return clean_values(fields_of(Contract), values)


def check_total(customer: Customer, contract: Mapping[str, Any]) -> Errors:
    """The total cooperation amount with one more contract has to stay one that can be kept."""
    try:
        check_money((customer.cooperation_amount or 0) + contract["amount"], {})
    except ValueError as problem:
        return {"amount": [str(problem)]}
    return {}


def sign_contract(session: CrmSession, actor: Actor, customer: Customer, contract: Mapping[str, Any]) -> Contract:
    """Keep a checked contract with a customer that is locked; it belongs to the customer's owner and carries the next number."""
    made = Contract(
        **contract,
        customer_id=customer.id,
        number=contract_number(session),
        owner_id=customer.owner_id or actor.id,
        created_by_id=actor.id,
    )
    session.add(made)
    customer.first_cooperated_on = min(customer.first_cooperated_on or made.signed_on, made.signed_on)
    customer.last_cooperated_on = max(customer.last_cooperated_on or made.signed_on, made.signed_on)
    customer.cooperation_amount = (customer.cooperation_amount or Decimal(0)) + made.amount
    session.flush()
    return made


def unite_cooperation(figures: Mapping[str, Any], agreed: Sequence[Agreed], *, added: Agreed | None) -> dict[str, Any]:
    """The figures of two customers that become one: the days stretch to the contracts of both, the amount grows by those that are added."""
    first, last, amount = (figures[name] for name in COOPERATION)
    if not agreed:
        return {}
    return {
        "first_cooperated_on": min(day for day in (first, *(one.first for one in agreed)) if day),
        "last_cooperated_on": max(day for day in (last, *(one.last for one in agreed)) if day),
        "cooperation_amount": (amount or Decimal(0)) + added.amount if added else amount,
    }


def check_cooperation(agreed: Agreed | None, changes: Mapping[str, Any]) -> Errors:
    """What speaks against new cooperation figures of a customer with these contracts."""
    first, last, amount = (changes.get(name) for name in COOPERATION)
    errors: Errors = {}
    if agreed and first and first > agreed.first:
        sentence = _("The first contract was signed on {day}: the cooperation began on that day or before.")
        errors["first_cooperated_on"] = [sentence.format(day=format_date(agreed.first))]
    if agreed and last and last < agreed.last:
        sentence = _("The latest contract was signed on {day}: the latest cooperation is on that day or after.")
        errors["last_cooperated_on"] = [sentence.format(day=format_date(agreed.last))]
    if agreed and amount is not None and amount < agreed.amount:
        sentence = _("The contracts come to {amount}: the total cannot be less.")
        errors["cooperation_amount"] = [sentence.format(amount=format_money(agreed.amount))]
    return errors
