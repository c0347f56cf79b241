"""Everything that happened with a customer, on one line of time: a query over all sources, of which one page is read and told."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, literal, or_, select, union_all

from crm_core.db import CrmSession
from crm_core.errors import NotFound
from crm_core.i18n import _
from crm_core.models import Customer
from crm_core.paging import Page
from crm_core.permissions import Actor, Permission, require
from crm_core.scope import unscoped
from crm_core.services.merge_links import merged_into
from crm_core.services.timeline_sources import SOURCES, Event, Source, Teller
from crm_core.validation import clean_text

COUNT_LIMIT = 1000


@dataclass(frozen=True)
class TimelinePage(Page):
    """One page; `total` is exact unless `is_capped`: then there are more."""

    size = 30
    events: list[Event]
    total: int
    is_capped: bool
    page: int


def sources_for(actor: Actor) -> dict[str, Source]:
    """The kinds of events that the actor reads."""
    return {code: source for code, source in SOURCES.items() if actor.can(source.needs)}


def list_events(
    session: CrmSession, actor: Actor, customer_id: int, *, kinds: Iterable[str] = (), phrase: str = "", page: int = 1
) -> TimelinePage:
    """One page of what happened with a customer and those merged into it, the latest first; of some kinds only, or with some words.

    Raises `NotFound` outside the actor's scope.
    """
    require(actor, Permission.CUSTOMER_READ)
    if session.execute(select(Customer.id).where(Customer.id == customer_id, Customer.is_open)).first() is None:
        raise NotFound(_("This customer was deleted or is not visible to you. Go back to the customer list."))
    # The scope was just checked; those that were merged into the customer are outside of every scope but this one.
    ids = [customer_id, *merged_into(session, customer_id)]
    readable = sources_for(actor)
    asked = set(kinds) & set(SOURCES)
    wanted = [code for code in readable if code in asked or not asked]
    if not wanted:
        return TimelinePage([], 0, False, 1)
    found = union_all(*(_found(code, ids, phrase) for code in wanted)).subquery()
    some = select(found.c.kind).limit(COUNT_LIMIT + 1).subquery()
    total: int = session.execute(select(func.count()).select_from(some), execution_options=unscoped).scalar_one()
    page = TimelinePage.nearest(page, min(total, COUNT_LIMIT))
    order = (found.c.at.desc(), found.c.kind, found.c.id.desc())
    rows = TimelinePage.cut(select(found.c.kind, found.c.id).order_by(*order), page)
    keys = [(row.kind, row.id) for row in session.execute(rows, execution_options=unscoped)]
    return TimelinePage(_tell(session, actor, keys), min(total, COUNT_LIMIT), total > COUNT_LIMIT, page)


def _found(code: str, ids: Sequence[int], phrase: str) -> Select[*tuple[Any, ...]]:
    source = SOURCES[code]
    key = source.model.__table__.c.id
    statement = select(literal(code).label("kind"), key.label("id"), source.at.label("at")).select_from(source.model)
    statement = statement.join(*source.joined) if source.joined else statement
    statement = statement.where(source.customer.in_(ids))
    if source.only:
        statement = statement.where(source.only())
    for word in clean_text(phrase).split()[:8]:
        statement = statement.where(or_(*(column.icontains(word, autoescape=True) for column in source.texts)))
    return statement


def _tell(session: CrmSession, actor: Actor, keys: Sequence[tuple[str, int]]) -> list[Event]:
    by_kind: dict[str, list[int]] = defaultdict(list)
    for kind, key in keys:
        by_kind[kind].append(key)
    teller = Teller(session, actor)
    events: dict[tuple[str, int], Event] = {}
    for kind, ids in by_kind.items():
        model: Any = SOURCES[kind].model
        rows = session.execute(select(model).where(model.id.in_(ids)), execution_options=unscoped).scalars()
        events |= {(kind, row.id): SOURCES[kind].told(teller, row) for row in rows}
    return [events[key] for key in keys if key in events]
