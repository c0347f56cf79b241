"""The customer pool (公海): releasing into it, what one sees in it, and claiming from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

from crm_core import clock
from crm_core.config import settings
from crm_core.db import CrmSession
from crm_core.errors import IllegalTransition, NotAllowed, ValidationFailed
from crm_core.i18n import N_, _, format_date, plural
from crm_core.models import Contact, Customer, OwnerChange, Place, User
from crm_core.paging import Page
from crm_core.permissions import Actor, Permission, require
from crm_core.scope import unscoped
from crm_core.search import only_matching
from crm_core.services import owners
from crm_core.services.customers import lock_customer
from crm_core.services.library import get_library
from crm_core.services.notices import notify
from crm_core.services.owners import Held
from crm_core.services.pool_rules import PoolRules, get_rules
from crm_core.services.users import user_names
from crm_core.validation import clean_text
from crm_core.visibility import glance

SORTS: dict[str, tuple[ColumnElement[Any], ...]] = {
    "newest": (Customer.pooled_at.desc(), Customer.id.desc()),
    "oldest": (Customer.pooled_at.asc(), Customer.id.asc()),
    "name": (Customer.name_key.asc(), Customer.id.asc()),
}
_POOLED = (Customer.pooled_at.is_not(None), Customer.owner_id.is_(None), Customer.is_listed)


@dataclass(frozen=True)
class PoolQuery:
    """What is asked of the pool."""

    phrase: str = ""
    stages: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()
    industries: tuple[str, ...] = ()
    provinces: tuple[str, ...] = ()
    sort: str = "newest"
    page: int = 1


@dataclass(frozen=True)
class Card:
    """All that is shown of a customer in the pool: neither a whole phone nor a street, whatever the reader's role."""

    id: int
    code: str
    name: str
    kind: str
    stage: str
    tier: str | None
    industry: str | None
    industry_text: str | None
    province: str | None
    city: str | None
    pooled_at: datetime
    owner_before: str
    cause: str
    reason: str
    phone: str | None
    email: str | None
    blocked_until: date | None
    """The day from which the reader may claim it, who had it before; nothing where it may be claimed now."""


@dataclass(frozen=True)
class PoolPage(Page):
    """One page of the pool."""

    cards: list[Card]
    total: int
    page: int


@dataclass(frozen=True)
class Allowance:
    """How many customers the actor may claim today, and how many more they may hold; nothing where there is no limit."""

    today: int | None
    holding: int | None

    @property
    def left(self) -> int | None:
        """The narrower of the two."""
        return min((one for one in (self.today, self.holding) if one is not None), default=None)


def list_pool(session: CrmSession, actor: Actor, query: PoolQuery) -> PoolPage:
    """A page of the customers in the pool, seen by whoever may claim, whatever the row scope."""
    require(actor, Permission.POOL_CLAIM)
    counted = _filtered(session, select(func.count()).select_from(Customer), query)
    total: int = session.execute(counted, execution_options=unscoped).scalar_one()
    page = PoolPage.nearest(query.page, total)
    ordered = _filtered(session, select(Customer.id), query).order_by(*SORTS.get(query.sort, SORTS["newest"]))
    wanted = PoolPage.cut(ordered, page)
    return PoolPage(_cards(session, actor, session.execute(wanted, execution_options=unscoped).scalars().all()), total, page)


def find_card(session: CrmSession, actor: Actor, code: str) -> Card | None:
    """The card of a customer in the pool by its code; nothing where it is not there or the actor may not claim."""
    if not actor.can(Permission.POOL_CLAIM):
        return None
    wanted = select(Customer.id).where(Customer.code == clean_text(code), *_POOLED)
    return next(iter(_cards(session, actor, session.execute(wanted, execution_options=unscoped).scalars().all())), None)


def _filtered(session: CrmSession, statement: Select[*tuple[Any, ...]], query: PoolQuery) -> Select[*tuple[Any, ...]]:
    chosen = {Customer.stage: query.stages, Customer.tier: query.tiers, Customer.province: query.provinces}
    statement = statement.where(*_POOLED, *(column.in_(values) for column, values in chosen.items() if values))
    if query.industries:
        statement = statement.where(Customer.industry.in_(get_library(session).with_divisions(query.industries)))
    # Never by phone: with parts of numbers one could find out what the mask hides.
    return only_matching(session, statement, query.phrase, by_phone=False) if query.phrase else statement


def _cards(session: CrmSession, actor: Actor, ids: Sequence[int]) -> list[Card]:
    rules, _version = get_rules(session)
    names, left = user_names(session), owners.last_departures(session, ids)
    rows = session.execute(select(Customer).where(Customer.id.in_(ids)), execution_options=unscoped).scalars()
    people = select(Contact.customer_id, Contact.phone, Contact.email).where(Contact.customer_id.in_(ids), Contact.is_primary)
    contacts = {row.customer_id: row for row in session.execute(people, execution_options=unscoped)}
    cards = {row.id: _card(actor, row, left.get(row.id), contacts.get(row.id), names, rules) for row in rows}
    return [cards[one] for one in ids if one in cards]


def _card(actor: Actor, row: Customer, left: Held | None, contact: Any, names: Mapping[int, str], rules: PoolRules) -> Card:
    shown = ("id", "code", "name", "kind", "stage", "tier", "industry", "industry_text", "province", "city", "pooled_at")
    return Card(
        **{name: getattr(row, name) for name in shown},
        owner_before=names.get(left.from_owner_id, "") if left else "",
        cause=left.cause if left else "release",
        reason=(left.reason or "") if left else "",
        phone=glance(actor, "phone", contact.phone) if contact else None,
        email=glance(actor, "email", contact.email) if contact else None,
        blocked_until=_blocked_until(actor, left, rules),
    )


def _blocked_until(actor: Actor, left: Held | None, rules: PoolRules) -> date | None:
    if left is None or left.from_owner_id != actor.id:
        return None
    free: date = left.at.astimezone(settings().timezone).date() + timedelta(days=rules.cooling_days)
    return free if free > clock.today() else None


def may_release(actor: Actor, owner_id: int | None) -> bool:
    """Whether the actor may release a customer of this owner: the owner, or who may transfer."""
    return owner_id is not None and (owner_id == actor.id or actor.can(Permission.CUSTOMER_TRANSFER))


def release(session: CrmSession, actor: Actor, customer_id: int, *, reason: str) -> None:
    """Lay a customer into the pool. Its open work stays where it is until somebody claims it and then moves to them.

    Raises `NotAllowed`, `NotFound`, `ValidationFailed` without a reason, `IllegalTransition` where the pool is switched off.
    """
    owner_id = lock_customer(session, actor, customer_id, Permission.CUSTOMER_READ).owner_id
    reason = clean_text(reason)[:300]
    rules, _version = get_rules(session)
    if not rules.is_on:
        raise IllegalTransition(_("The customer pool is switched off. An administrator can switch it on."))
    if owner_id is None:
        raise IllegalTransition(_("This customer is in the pool already."))
    if not may_release(actor, owner_id):
        raise NotAllowed(Permission.CUSTOMER_TRANSFER, _("Only its owner, or who may transfer customers, releases a customer."))
    if not reason:
        raise ValidationFailed({"reason": [_("Say why the customer is released.")]})
    session.info["reason"] = reason
    held = list(owners.lock(session, [customer_id]).values())
    owners.give(session, actor, held, to=None, cause="release", at=clock.now(), reason=reason)
    if owner_id != actor.id:
        notify(session, [owner_id], "pool_released", {"actor": actor.name, "name": held[0].name, "reason": reason})


def get_allowance(session: CrmSession, actor: Actor) -> Allowance:
    """What the limits leave to the actor now."""
    rules, _version = get_rules(session)
    since = clock.start_of_day(clock.today())
    claims = (OwnerChange.to_owner_id == actor.id, OwnerChange.cause == "claim", OwnerChange.at >= since)
    claimed = session.execute(select(func.count(OwnerChange.id)).where(*claims), execution_options=unscoped).scalar_one()
    own = select(func.count(Customer.id)).where(Customer.owner_id == actor.id, Customer.is_listed)
    held = session.execute(own, execution_options=unscoped).scalar_one()
    return Allowance(
        *(None if most is None else max(0, most - now) for most, now in ((rules.daily_claims, claimed), (rules.holding, held)))
    )


@dataclass(frozen=True)
class Claimed:
    """The customers that are the actor's now, by code and name, and the sentences about the others."""

    done: list[tuple[str, str]]
    refused: list[str]


def claim(session: CrmSession, actor: Actor, ids: Sequence[int]) -> Claimed:
    """Take customers out of the pool, in the order given, as far as the limits go; of two who try at once one gets it.

    Raises `NotAllowed`. What cannot be claimed is told by customer: who was faster, from when the owner before may again.
    """
    require(actor, Permission.POOL_CLAIM)
    # The limits count over all of somebody's claims, so those of one person come one after the other.
    session.execute(select(User.id).where(User.id == actor.id).with_for_update(key_share=True))
    rules, _version = get_rules(session)
    held, allowance = owners.lock(session, ids, everywhere=True), get_allowance(session, actor)
    left = owners.last_departures(session, list(held))
    won: list[Held] = []
    refused: list[str] = []
    for row in (held.get(id) for id in dict.fromkeys(ids)):
        sentence = _why_not(session, actor, row, left, rules) or _limit_reached(allowance, rules, len(won))
        if sentence is None and row is not None:
            won.append(row)
        else:
            refused.append(sentence or "")
    if won:
        owners.pass_on(session, owners.givers_of(session, won), actor.id or 0)
        owners.give(session, actor, won, to=actor.id, cause="claim", at=clock.now())
    return Claimed([(row.code, row.name) for row in won], refused)


def _why_not(session: CrmSession, actor: Actor, row: Held | None, left: Mapping[int, Held], rules: PoolRules) -> str | None:
    if row is None or row.place != Place.LIBRARY:
        return _("A customer is no longer in the pool.")
    if row.owner_id is not None or row.pooled_at is None:
        return _taken(session, actor, row)
    if free := _blocked_until(actor, left.get(row.id), rules):
        sentence = _("{name}: you had it before and may claim it again from {day} on.")
        return sentence.format(name=row.name, day=format_date(free))
    return None


def _taken(session: CrmSession, actor: Actor, row: Held) -> str:
    """Who was faster. Of one that has not come out of the pool today nothing is told."""
    newest = select(OwnerChange.cause, OwnerChange.at).where(OwnerChange.customer_id == row.id).order_by(OwnerChange.id.desc()).limit(1)
    last = session.execute(newest, execution_options=unscoped).first()
    if row.owner_id == actor.id:
        return _("{name} is yours already.").format(name=row.name)
    if last and last.cause == "claim" and last.at > clock.now() - timedelta(days=1):
        return _("{name} was claimed by {person}.").format(name=row.name, person=user_names(session).get(row.owner_id, ""))
    return _("A customer is no longer in the pool.")


def _limit_reached(allowance: Allowance, rules: PoolRules, won: int) -> str | None:
    if allowance.today is not None and won >= allowance.today:
        phrases = (
            N_("You may claim {count} customer a day; claim more tomorrow."),
            N_("You may claim {count} customers a day; claim more tomorrow."),
        )
        return plural(rules.daily_claims or 0, *phrases).format(count=rules.daily_claims)
    if allowance.holding is not None and won >= allowance.holding:
        phrases = (
            N_("You may hold {count} customer; release or hand over some first."),
            N_("You may hold {count} customers; release or hand over some first."),
        )
        return plural(rules.holding or 0, *phrases).format(count=rules.holding)
    return None
