"""A customer's cooperation: since when, until when, how much. Always what was entered besides the contracts, and the contracts in force.

What people enter or import as a figure is a whole; what of it lies beyond the contracts is kept apart (`Customer.entered_…`), so that
the figures can be renewed from the rows at any time, and checked (`differing`).
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, case, func, or_, select

from crm_core.checks.money import check_money
from crm_core.db import CrmSession
from crm_core.i18n import _, format_date, format_money
from crm_core.models import Contract, Customer
from crm_core.scope import unscoped

ENTERED = {
    "first_cooperated_on": "entered_first_on",
    "last_cooperated_on": "entered_last_on",
    "cooperation_amount": "entered_amount",
}
"""The figures of a customer that its contracts keep, and where what was entered besides them lies."""
COOPERATION = tuple(ENTERED)

Errors = dict[str, list[str]]


@dataclass(frozen=True)
class Agreed:
    """What the contracts in force of one customer come to."""

    count: int
    amount: Decimal
    first: date
    last: date


def agreed_with(session: CrmSession, ids: Iterable[int]) -> dict[int, Agreed]:
    """What the contracts in force of these customers come to, by customer; those without one are missing."""
    columns = (func.count(), func.sum(Contract.amount), func.min(Contract.signed_on), func.max(Contract.signed_on))
    own = select(Contract.customer_id, *columns).where(Contract.customer_id.in_(list(ids)), Contract.is_in_force)
    rows = session.execute(own.group_by(Contract.customer_id), execution_options=unscoped)
    return {customer_id: Agreed(count, amount, first, last) for customer_id, count, amount, first, last in rows}


def as_entered(values: Mapping[str, Any]) -> dict[str, Any]:
    """Of a customer without contracts all was entered: its columns by the figures given."""
    return {column: values.get(name) for name, column in ENTERED.items()}


def enter(customer: Customer, agreed: Agreed | None, names: Collection[str]) -> None:
    """Somebody gave these figures: keep apart what lies beyond the contracts. What the contracts say anyway is not kept twice."""
    first, last, amount = (getattr(customer, name) for name in COOPERATION)
    if agreed:
        first = first if first and first < agreed.first else None
        last = last if last and last > agreed.last else None
        amount = (amount - agreed.amount or None) if amount is not None else None
    for name, value in zip(COOPERATION, (first, last, amount), strict=True):
        if name in names:
            setattr(customer, ENTERED[name], value)
    renew(customer, agreed)


def renew(customer: Customer, agreed: Agreed | None) -> None:
    """Let the figures be what was entered and what the contracts say."""
    entered = [getattr(customer, column) for column in ENTERED.values()]
    customer.first_cooperated_on, customer.last_cooperated_on, customer.cooperation_amount = united(entered, agreed)


def renew_from_rows(session: CrmSession, customer: Customer) -> None:
    """The same, after a change of the customer's contracts."""
    session.flush()
    renew(customer, agreed_with(session, [customer.id]).get(customer.id))


def united(entered: Iterable[Any], *agreed: Agreed | None) -> tuple[date | None, date | None, Decimal | None]:
    """The figures from what was entered (first and latest day, amount) and from contracts."""
    first, last, amount = entered
    known = [one for one in agreed if one]
    return (
        min((day for day in (first, *(one.first for one in known)) if day), default=None),
        max((day for day in (last, *(one.last for one in known)) if day), default=None),
        sum((one.amount for one in known), amount or Decimal(0)) if known else amount,
    )


def check_total(customer: Customer, added: Decimal) -> Errors:
    """The total cooperation amount with so much more has to stay one that can be kept."""
    try:
        check_money(max((customer.cooperation_amount or Decimal(0)) + added, Decimal(0)), {})
    except ValueError as problem:
        return {"amount": [str(problem)]}
    return {}


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


@dataclass(frozen=True)
class Differing:
    """A customer whose figures are not what its rows say: (first day, latest day, amount) as they stand, and as they should."""

    code: str
    name: str
    stands: tuple[date | None, date | None, Decimal | None]
    should: tuple[date | None, date | None, Decimal | None]


def differing(session: CrmSession) -> list[Differing]:
    """Every customer, wherever it lies, whose figures differ from what was entered and its contracts in force; none of them should."""
    columns = (func.sum(Contract.amount).label("amount"), func.min(Contract.signed_on).label("first"), func.max(Contract.signed_on))
    sums = select(Contract.customer_id, *columns[:2], columns[2].label("last")).where(Contract.is_in_force)
    rows = sums.group_by(Contract.customer_id).subquery()
    first = _earlier(Customer.entered_first_on, rows.c.first)
    last = case((rows.c.last > Customer.entered_last_on, rows.c.last), else_=func.coalesce(Customer.entered_last_on, rows.c.last))
    total: Any = func.coalesce(Customer.entered_amount, 0) + rows.c.amount
    amount = case((rows.c.customer_id.is_(None), Customer.entered_amount), else_=total)
    should, stands = (first, last, amount), [getattr(Customer, name) for name in COOPERATION]
    wrong = or_(*(one.is_distinct_from(other) for one, other in zip(stands, should, strict=True)))
    found = select(Customer.code, Customer.name, *stands, *should).outerjoin(rows, rows.c.customer_id == Customer.id)
    lines = session.execute(found.where(wrong).order_by(Customer.id), execution_options=unscoped)
    return [Differing(line[0], line[1], (line[2], line[3], line[4]), (line[5], line[6], line[7])) for line in lines]


def _earlier(entered: Any, signed: Any) -> ColumnElement[Any]:
    return case((signed < entered, signed), else_=func.coalesce(entered, signed))
