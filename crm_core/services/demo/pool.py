"""Demo content of the pool and of transfers: customers released, recycled, claimed, handed over, and soon to be recycled."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select, update

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.i18n import _
from crm_core.models import Customer, Policy, Role, Task
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import pool, recycling
from crm_core.services.actors import acting_as, list_actors
from crm_core.services.pool_rules import AREA, get_rules, set_rules
from crm_core.services.transfers import transfer

_UNTRACKED = {"synchronize_session": False}
_SOON, _LATE = (25, 27, 29), 70
"""Days since the last contact: three customers go back soon, two are overdue."""


def fill_pool(session: CrmSession, actor: Actor) -> None:
    """Every state of the pool and a transfer; nothing where fewer than three salespeople share the customers."""
    people = [one for one in list_actors(session, Role.code == "sales") if _own(session, one, 8)]
    if len(people) < 3:
        return
    _switch_on(session)
    _note_contacts(session, people[0])
    recycling.recycle(session)
    for customer in _own(session, people[1], 3, stage="prospect"):
        with acting_as(session, people[1]):
            pool.release(session, people[1], customer, reason=_("No budget this year; somebody with time for it may try again."))
    with acting_as(session, people[2]):
        pool.claim(session, people[2], _pooled(session, people[1])[:1])
    _hand_over(session, actor, people[1], people[2])


def _switch_on(session: CrmSession) -> None:
    rules, version = get_rules(session)
    set_rules(session, SYSTEM, replace(rules, recycles=True), version=version)
    policy = session.execute(select(Policy).where(Policy.area == AREA)).scalar_one()
    # As if it had been on for a year, so that there is something to see.
    policy.values = {**policy.values, "counts_from": (clock.today() - timedelta(days=365)).isoformat()}
    session.flush()


def _own(session: CrmSession, owner: Actor, count: int, *, stage: str = "") -> list[int]:
    found = select(Customer.id).where(Customer.owner_id == owner.id, Customer.is_listed)
    found = found.where(Customer.stage == stage) if stage else found
    return list(session.execute(found.order_by(Customer.id).limit(count)).scalars())


def _pooled(session: CrmSession, before: Actor) -> list[int]:
    cards = pool.list_pool(session, SYSTEM, pool.PoolQuery()).cards
    return [card.id for card in cards if card.owner_before == before.name]


def _note_contacts(session: CrmSession, owner: Actor) -> None:
    """Those who have not bought yet had contact lately; a few of one salesperson did not."""
    lone = session.execute(
        select(Customer.id)
        .where(Customer.owner_id == owner.id, Customer.stage == "prospect", Customer.tier.is_(None))
        .order_by(Customer.id)
    ).scalars()
    quiet = dict(zip(lone, (*_SOON, _LATE, _LATE), strict=False))
    sought = select(Customer.id).where(Customer.stage.in_(("prospect", "qualified"))).order_by(Customer.id)
    for id in session.execute(sought).scalars().all():
        moment = clock.now() - timedelta(days=quiet.get(id, id * 7 % 15))
        values = {"last_contact_at": moment, "owned_since": moment - timedelta(days=5), "updated_at": Customer.updated_at}
        session.execute(update(Customer).where(Customer.id == id).values(values), execution_options=_UNTRACKED)
    warned = [id for id, days in quiet.items() if days == _LATE]
    told = update(Customer).where(Customer.id.in_(warned)).values(pool_warned_on=clock.today() - timedelta(days=8))
    session.execute(told.values(updated_at=Customer.updated_at), execution_options=_UNTRACKED)


def _hand_over(session: CrmSession, actor: Actor, giver: Actor, to: Actor) -> None:
    moving = list(session.execute(select(Customer.id).where(Customer.owner_id == giver.id).order_by(Customer.id.desc()).limit(3)).scalars())
    due = clock.now() + timedelta(days=3)
    session.add(Task(customer_id=moving[0], name=_("Send the revised quotation"), assignee_id=giver.id, created_by_id=giver.id, due_at=due))
    session.flush()
    with acting_as(session, actor):
        transfer(session, actor, moving, to=to.id or 0, reason=_("{name} moves to another region.").format(name=giver.name))
