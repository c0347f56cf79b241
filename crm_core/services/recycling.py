"""Which customers go back to the pool by themselves, when, and the job that warns their owners and takes them back.

What counts as contact: a follow-up (`last_contact_at`), a day of cooperation, a check of the data with the customer
(`verified_on`), a task for the customer that was done, and taking the customer over. As long as none of the ways of noting
a contact is in use, an administrator leaves recycling off, as it is by default; once it is on, no day before that counts.
"""

from collections import Counter
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, false, func, or_, select, true, update

from crm_core import clock
from crm_core.config import settings
from crm_core.db import CrmSession
from crm_core.models import Customer, Task, TaskState
from crm_core.permissions import SYSTEM
from crm_core.scope import unscoped
from crm_core.services import owners
from crm_core.services.notices import notify
from crm_core.services.pool_rules import PoolRules, get_rules

_BULK: dict[str, Any] = {"unscoped": True, "synchronize_session": False}
BATCH = 5000


def due_by(session: CrmSession, day: date) -> ColumnElement[bool]:
    """The condition that a customer goes back to the pool on `day` or before, as things stand."""
    rules, _version = get_rules(session)
    return _due(rules, day) & _is_warned(rules, day) if rules.is_on and rules.recycles else false()


def deadline_of(session: CrmSession, customer: Any) -> date | None:
    """The day on which a customer goes back to the pool unless something happens; nothing for one that does not."""
    rules, _version = get_rules(session)
    is_kept = not customer.is_listed or not customer.owner_id or customer.is_on_hold
    if is_kept or not (rules.is_on and rules.recycles):
        return None
    terms = {(stage, tier): days for stage, tier, *days in rules.terms()}
    contact_days, contract_days = terms.get((customer.stage, customer.tier or ""), (None, None))
    ends = []
    if contact_days:
        ends.append(_last_contact(session, customer, rules) + timedelta(days=contact_days))
    if contract_days:
        ends.append(_last_cooperation(customer, rules) + timedelta(days=contract_days))
    warned = (customer.pool_warned_on or clock.today()) + timedelta(days=rules.notice_days)
    return max(min(ends), warned) if ends else None


def _last_cooperation(customer: Any, rules: PoolRules) -> date:
    taken = (customer.owned_since or customer.created_at).astimezone(settings().timezone).date()
    return max(day for day in (taken, customer.last_cooperated_on, rules.counts_from) if day)


def _last_contact(session: CrmSession, customer: Any, rules: PoolRules) -> date:
    done = session.execute(select(func.max(Task.done_at)).where(Task.customer_id == customer.id, Task.state == TaskState.DONE)).scalar_one()
    moments = [moment.astimezone(settings().timezone).date() for moment in (done, customer.last_contact_at) if moment]
    days: list[date] = [_last_cooperation(customer, rules), *moments, *([customer.verified_on] if customer.verified_on else [])]
    return max(days)


def _due(rules: PoolRules, day: date) -> ColumnElement[bool]:
    """In SQL what `deadline_of` says of one customer: all days are counted back from `day`, so that no date is reckoned there."""
    reached = [
        and_(Customer.stage == stage, func.coalesce(Customer.tier, "") == tier, or_(false(), *_quiet(rules, day, contact, contract)))
        for stage, tier, contact, contract in rules.terms()
    ]
    return and_(Customer.is_listed, Customer.owner_id.is_not(None), Customer.is_on_hold.is_(False), or_(false(), *reached))


def _quiet(rules: PoolRules, day: date, contact_days: int | None, contract_days: int | None) -> list[ColumnElement[bool]]:
    found = []
    for days, by_contact in ((contact_days, True), (contract_days, False)):
        if days and (rules.counts_from is None or rules.counts_from + timedelta(days=days) <= day):
            since = day - timedelta(days=days - 1)
            found.append(and_(*_nothing_since(since, by_contact=by_contact)))
    return found


def _nothing_since(day: date, *, by_contact: bool) -> list[ColumnElement[bool]]:
    moment = clock.start_of_day(day)
    nothing = [
        func.coalesce(Customer.owned_since, Customer.created_at) < moment,
        or_(Customer.last_cooperated_on.is_(None), Customer.last_cooperated_on < day),
    ]
    if by_contact:
        nothing += [
            or_(Customer.last_contact_at.is_(None), Customer.last_contact_at < moment),
            or_(Customer.verified_on.is_(None), Customer.verified_on < day),
            ~exists().where(Task.customer_id == Customer.id, Task.done_at >= moment, Task.state == TaskState.DONE),
        ]
    return nothing


def _is_warned(rules: PoolRules, day: date) -> ColumnElement[bool]:
    latest = day - timedelta(days=rules.notice_days)
    if latest >= clock.today():
        return true()  # who is warned today is still in time
    warned: ColumnElement[bool] = func.coalesce(Customer.pool_warned_on, date.max) <= latest
    return warned


def recycle(session: CrmSession) -> None:
    """The job: take back what is due, then warn the owners of what comes next, each customer once for each deadline."""
    rules, _version = get_rules(session)
    is_on = rules.is_on and rules.recycles
    soon = _due(rules, clock.today() + timedelta(days=rules.notice_days)) if is_on else false()
    calm = update(Customer).where(Customer.pool_warned_on.is_not(None), ~soon).values(pool_warned_on=None)
    session.execute(calm.values(updated_at=Customer.updated_at), execution_options=_BULK)
    if is_on:
        _take_back(session)
        _warn(session, rules, soon)


def _warn(session: CrmSession, rules: PoolRules, soon: ColumnElement[bool]) -> None:
    if not rules.notice_days:
        return
    mark = update(Customer).where(soon, Customer.pool_warned_on.is_(None))
    mark = mark.values(pool_warned_on=clock.today(), updated_at=Customer.updated_at)
    warned = Counter(session.execute(mark.returning(Customer.owner_id), execution_options=_BULK).scalars())
    for owner, count in warned.items():
        path = f"/customers?recycled=1&owner={owner}"
        notify(session, [owner or 0], "pool_soon", {"count": count, "days": rules.notice_days}, path=path, key=f"pool:{clock.today()}")


def _take_back(session: CrmSession) -> None:
    due, lost, at = due_by(session, clock.today()), Counter[int](), clock.now()
    some = select(*owners.HELD).where(due).order_by(Customer.id).limit(BATCH).with_for_update()
    while held := session.execute(some, execution_options=unscoped).all():
        owners.give(session, SYSTEM, held, to=None, cause="recycle", at=at)
        lost.update(row.owner_id for row in held)
    for owner, count in lost.items():
        notify(session, [owner], "pool_recycled", {"count": count})
