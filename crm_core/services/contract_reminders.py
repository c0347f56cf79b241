"""Reminders of contracts that end and of planned payments that did not come, to the owner of the customer. Each is told once."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import and_, func, or_, select, update

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.models import Contract, Customer, Payment, PlannedPayment, User
from crm_core.models.base import Money
from crm_core.permissions import Permission
from crm_core.scope import unscoped
from crm_core.services.actors import list_actors
from crm_core.services.notices import Message, notify_each

AT_ONCE = 1000
END_DAYS = 30
"""An owner is reminded so many days before a contract ends."""
_BULK: dict[str, Any] = {**unscoped, "synchronize_session": False}
_COLUMNS = (Contract.id, Contract.number, Contract.customer_id, Customer.name, Customer.owner_id)


def tell_contracts(session: CrmSession) -> None:
    """Both kinds of reminders. Those whose role shows no contracts are not told."""
    _tell_ending(session)
    _tell_overdue(session)


def _tell_ending(session: CrmSession) -> None:
    today = clock.today()
    soon = and_(Contract.is_in_force, Contract.ends_on.between(today, today + timedelta(days=END_DAYS)))
    found = select(*_COLUMNS, Contract.ends_on).join(Customer, Customer.id == Contract.customer_id)
    # A contract whose end was moved is told of once more.
    untold = or_(Contract.end_told_on.is_(None), Contract.end_told_on != Contract.ends_on)
    due = found.where(soon, untold, Customer.is_listed, Customer.owner_id.is_not(None)).order_by(Contract.ends_on, Contract.id)
    while rows := session.execute(due.limit(AT_ONCE), execution_options=unscoped).all():
        data = [(row, {"number": row.number, "day": row.ends_on.isoformat()}, f"contract_end:{row.id}:{row.ends_on}") for row in rows]
        _send(session, "contract_ending", data)
        told = update(Contract).where(Contract.id.in_([row.id for row in rows]))
        # Neither version nor time of change: no form that is open elsewhere is disturbed.
        session.execute(told.values(end_told_on=Contract.ends_on, updated_at=Contract.updated_at), execution_options=_BULK)


def _tell_overdue(session: CrmSession) -> None:
    today = clock.today()
    plan, other = PlannedPayment, PlannedPayment.__table__.alias("other")
    before = or_(other.c.due_on < plan.due_on, and_(other.c.due_on == plan.due_on, other.c.id <= plan.id))
    planned = select(func.sum(other.c.amount)).where(other.c.contract_id == plan.contract_id, before).scalar_subquery()
    received = select(func.sum(Payment.amount)).where(Payment.contract_id == plan.contract_id).scalar_subquery()
    # Open is what the payments do not reach, at most the whole amount.
    missing: Any = func.coalesce(planned, 0, type_=Money()) - func.coalesce(received, 0, type_=Money())
    columns = (*_COLUMNS, plan.id.label("plan_id"), plan.due_on, plan.amount, missing.label("missing"))
    found = select(*columns).join(Contract, Contract.id == plan.contract_id).join(Customer, Customer.id == Contract.customer_id)
    late = (plan.due_on < today, plan.told_on.is_(None), Contract.is_in_force, Customer.is_listed, Customer.owner_id.is_not(None))
    due = found.where(*late).order_by(plan.due_on, plan.id)
    while rows := session.execute(due.limit(AT_ONCE), execution_options=unscoped).all():
        data = []
        for row in (row for row in rows if row.missing > 0):
            said = {"number": row.number, "day": row.due_on.isoformat(), "amount": str(min(row.missing, row.amount))}
            data.append((row, said, f"payment_late:{row.plan_id}"))
        _send(session, "payment_overdue", data)
        told = update(plan).where(plan.id.in_([row.plan_id for row in rows]))
        session.execute(told.values(told_on=today), execution_options=_BULK)


def _send(session: CrmSession, kind: str, data: Sequence[tuple[Any, dict[str, str], str]]) -> None:
    able = _readers(session, {row.owner_id for row, _said, _key in data})
    messages = [
        Message(row.owner_id, {"customer": row.name, **said}, path=f"/contracts?contract={row.id}", customer_id=row.customer_id, key=key)
        for row, said, key in data
        if row.owner_id in able
    ]
    notify_each(session, kind, messages)


def _readers(session: CrmSession, ids: Iterable[int]) -> set[int | None]:
    people = list_actors(session, User.id.in_(list(ids)), User.is_active.is_(True))
    return {one.id for one in people if one.can(Permission.CONTRACT_READ)}
