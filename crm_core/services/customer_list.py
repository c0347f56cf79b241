"""The customer list: what can be asked of it, and one page of the answer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache, partial
from types import SimpleNamespace
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, Text, bindparam, cast, exists, false, func, or_, select

from crm_core import clock
from crm_core.cache import cached
from crm_core.db import CrmSession, is_sqlite
from crm_core.fields import SEVERAL, Field, Widget
from crm_core.models import Contact, Customer, CustomerTag
from crm_core.paging import Page
from crm_core.permissions import Actor, Permission, require
from crm_core.scope import by_row, key_of, unscoped
from crm_core.search import customer_search, led_by_index, only_matching, words_of
from crm_core.services.insight import picks
from crm_core.services.library import Library, get_library
from crm_core.services.list_columns import Column, choose_columns, offered_columns
from crm_core.services.oversight import WATCHES
from crm_core.services.recycling import due_by
from crm_core.visibility import glance

T = TypeVar("T")

POOL = 0
COUNT_LIMIT = 500
"""A search stops counting here, so that a common word costs no more than a rare one."""

SORTS: dict[str, tuple[ColumnElement[Any], ...]] = {
    "newest": (Customer.id.desc(),),
    "oldest": (Customer.id.asc(),),
    "updated": (Customer.updated_at.desc(), Customer.id.desc()),
    "name": (Customer.name_key.asc(), Customer.id.asc()),
    "amount": (Customer.cooperation_amount.desc().nulls_last(), Customer.id.desc()),
    "complaints": (Customer.complaints.desc(), Customer.id.desc()),
}
_AFTER: dict[str, Callable[[int], ColumnElement[bool]]] = {"newest": Customer.id.__lt__, "oldest": Customer.id.__gt__}
"""What comes after a customer, in the orders in which its id alone says so."""


@dataclass(frozen=True)
class CustomerQuery:
    """What a list shows: search phrase, filters (several values of one filter mean any of them), order and page."""

    phrase: str = ""
    filters: tuple[tuple[str, tuple[str, ...]], ...] = ()
    ranges: tuple[tuple[str, Any, Any], ...] = ()
    """Custom fields with the least and the greatest value wanted, None for no limit."""
    owners: tuple[int, ...] = ()
    """By id; `POOL` stands for those that have none."""
    tags: tuple[int, ...] = ()
    created_from: date | None = None
    created_to: date | None = None
    complaints: int | None = None
    """Those with so many complaints, or more."""
    satisfaction: float | None = None
    """Those whose average satisfaction is this or less."""
    served_from: date | None = None
    """Those for whom somebody worked on a ticket on this day or after."""
    incomplete: bool = False
    unplanned: bool = False
    """Those without a next step."""
    recycled_by: date | None = None
    """Those that go back to the pool on this day or before."""
    of: str = ""
    """A pick of a board, see `insight/picks.py`."""
    sort: str = "newest"
    page: int = 1


@dataclass(frozen=True)
class CustomerPage(Page):
    """One page of a list. `total` is exact unless `is_capped`: then there are more."""

    rows: list[Any]
    """What the columns read, besides id, code and name."""
    contacts: dict[int, "PrimaryContact"]
    total: int
    is_capped: bool
    page: int


@dataclass(frozen=True)
class PrimaryContact:
    """Whom to talk to first, as a list shows it."""

    name: str = ""
    phone: str | None = None
    email: str | None = None


def list_customers(session: CrmSession, actor: Actor, query: CustomerQuery, columns: Sequence[Column] | None = None) -> CustomerPage:
    """One page of the customers within the actor's scope, with what the columns show and no more.

    Two queries for the rows, one more for a new search or count.
    """
    require(actor, Permission.CUSTOMER_READ)
    if columns is None:
        library = get_library(session)
        columns = choose_columns(offered_columns(library, actor), library)
    found = _find(session, query) if query.phrase else None
    total = _count(session, query) if found is None else min(len(found), COUNT_LIMIT)
    page = CustomerPage.nearest(query.page, total)
    rows = _glanced(actor, _read_rows(session, query, page, found, columns), columns)
    is_capped = found is not None and len(found) > COUNT_LIMIT
    return CustomerPage(rows, _read_contacts(session, actor, [row.id for row in rows], columns), total, is_capped, page)


def _read_rows(session: CrmSession, query: CustomerQuery, page: int, found: Sequence[int] | None, columns: Sequence[Column]) -> list[Any]:
    attributes = tuple(dict.fromkeys(["id", "code", "name", *(name for column in columns for name in column.reads)]))
    if found is None:
        # The page is found in an index and only its rows are read: skipping whole rows made late pages slow.
        wanted = _select_ids(session, query, page).subquery()
        rows = list(session.execute(_selection(attributes).join(wanted, wanted.c.id == Customer.id).order_by(*_order(query))))
        if query.sort in _AFTER and len(rows) == CustomerPage.size:
            _last_of_pages(session, query)[page] = rows[-1].id
        return rows
    ids = found[(page - 1) * CustomerPage.size : page * CustomerPage.size]
    read = {row.id: row for row in session.execute(_selection_of(attributes), {"ids": ids})}
    return [read[one] for one in ids if one in read]


def _select_ids(session: CrmSession, query: CustomerQuery, page: int) -> Select[*tuple[Any, ...]]:
    """The ids of one page. After a page that was read before it goes on where that one ended, and skips nothing."""
    ids = _filtered(session, select(Customer.id), query).order_by(*_order(query))
    last = _last_of_pages(session, query).get(page - 1) if query.sort in _AFTER else None
    return CustomerPage.cut(ids, page) if last is None else ids.where(_AFTER[query.sort](last)).limit(CustomerPage.size)


def _last_of_pages(session: CrmSession, query: CustomerQuery) -> dict[int, int]:
    """The last customer of each page that was read. Within a team a late page is dear: the index leads past everybody else's rows."""
    return _kept(session, query, ("last", key_of(session), replace(query, page=1)), dict)


@lru_cache(maxsize=256)
def _selection(attributes: tuple[str, ...]) -> Select[*tuple[Any, ...]]:
    # Kept for each choice of columns: putting it together takes as long as reading a page.
    return select(*(getattr(Customer, name) for name in attributes))


@lru_cache(maxsize=256)
def _selection_of(attributes: tuple[str, ...]) -> Select[*tuple[Any, ...]]:
    return _selection(attributes).where(Customer.id.in_(bindparam("ids", expanding=True)), Customer.is_listed)


def _glanced(actor: Actor, rows: list[Any], columns: Sequence[Column]) -> list[Any]:
    """The rows with sensitive values as a list may show them; mostly there are none."""
    kinds = {name: column.sensitive for column in columns if column.sensitive for name in column.reads}
    if not kinds:
        return rows
    return [
        SimpleNamespace(**{name: glance(actor, kinds[name], value) if name in kinds else value for name, value in row._mapping.items()})
        for row in rows
    ]


def _read_contacts(session: CrmSession, actor: Actor, ids: Sequence[int], columns: Sequence[Column]) -> dict[int, PrimaryContact]:
    kinds = {name: column.sensitive for column in columns for name in column.contact}
    if not kinds:
        return {}
    # These customers were found within the scope: it is not asked again for each of their contacts.
    found = session.execute(_selection_of_contacts(tuple(kinds)), {"ids": ids}, execution_options=unscoped)
    shown: dict[str, Callable[[Any], Any]] = {name: partial(glance, actor, kind) if kind else str for name, kind in kinds.items()}
    return {row.customer_id: PrimaryContact(**{name: show(getattr(row, name)) for name, show in shown.items()}) for row in found}


@lru_cache(maxsize=32)
def _selection_of_contacts(attributes: tuple[str, ...]) -> Select[*tuple[Any, ...]]:
    columns = (getattr(Contact, name) for name in attributes)
    return select(Contact.customer_id, *columns).where(Contact.customer_id.in_(bindparam("ids", expanding=True)), Contact.is_primary)


def select_found(session: CrmSession, query: CustomerQuery, *columns: Any) -> Select[*tuple[Any, ...]]:
    """A selection of columns of every customer that a query finds, whatever the page."""
    return _filtered(session, select(*columns), query)


def _find(session: CrmSession, query: CustomerQuery) -> tuple[int, ...]:
    """What a search finds, in order, up to one more than is counted: matched once, for the count and for all its pages."""

    def find() -> tuple[int, ...]:
        statement = _filtered(session, select(Customer.id), query).order_by(*_order(query)).limit(COUNT_LIMIT + 1)
        if is_sqlite(session) and query.sort in _AFTER and replace(query, sort="newest", page=1) == CustomerQuery(query.phrase):
            return tuple(session.execute(led_by_index(session, statement), execution_options=by_row).scalars())
        return tuple(session.execute(statement).scalars())

    return _kept(session, query, ("found", key_of(session), replace(query, page=1)), find)


def _kept(session: CrmSession, query: CustomerQuery, key: tuple[Any, ...], find: Callable[[], T]) -> T:
    # Tasks, which decide about the next step, and what boards pick by come and go without a new revision of the customers.
    return find() if query.unplanned or query.of else cached(session, "customers", key, find)


def _order(query: CustomerQuery) -> tuple[ColumnElement[Any], ...]:
    by_age = {"newest": customer_search.c.rowid.desc(), "oldest": customer_search.c.rowid.asc()}
    if words_of(query.phrase) and query.sort in by_age:
        # FTS5 finds rows in this order and stops after a page; ordered by the customer's own id it would collect and sort all.
        return (by_age[query.sort],)
    return SORTS.get(query.sort, SORTS["newest"])


def _count(session: CrmSession, query: CustomerQuery) -> int:
    def count() -> int:
        total: int = session.execute(_filtered(session, select(func.count()).select_from(Customer), query)).scalar_one()
        return total

    return _kept(session, query, ("count", key_of(session), replace(query, sort="", page=1)), count)


def _filtered(session: CrmSession, statement: Select[*tuple[Any, ...]], query: CustomerQuery) -> Select[*tuple[Any, ...]]:
    statement = statement.where(Customer.is_listed, *_conditions(session, query))
    return only_matching(session, statement, query.phrase) if query.phrase else statement


def _conditions(session: CrmSession, query: CustomerQuery) -> list[ColumnElement[bool]]:
    library = get_library(session)
    fields = {name: field for name, field in library.fields.items() if field.filterable}
    conditions = [_is_any_of(library, fields[name], values) for name, values in query.filters if values and name in fields]
    conditions += [Customer.activity.in_(values) for name, values in query.filters if name == "activity" and values]
    for name, low, high in query.ranges:
        if name in fields:
            conditions += _is_between(fields[name], low, high)
    if query.owners:
        pooled = Customer.pooled_at.is_not(None) if POOL in query.owners else false()
        conditions.append(Customer.owner_id.in_(query.owners) | pooled)
    if query.tags:
        conditions.append(exists().where(CustomerTag.customer_id == Customer.id, CustomerTag.tag_id.in_(query.tags)))
    if query.created_from:
        conditions.append(Customer.created_at >= clock.start_of_day(query.created_from))
    if query.created_to:
        conditions.append(Customer.created_at < clock.start_of_day(query.created_to + timedelta(days=1)))
    if query.complaints is not None:
        conditions.append(Customer.complaints >= query.complaints)
    if query.satisfaction is not None:
        conditions.append(Customer.satisfaction <= query.satisfaction)
    if query.served_from:
        conditions.append(Customer.last_service_at >= clock.start_of_day(query.served_from))
    if query.recycled_by:
        conditions.append(due_by(session, query.recycled_by))
    if query.unplanned:
        conditions.append(WATCHES["no_next_step"].condition(session))
    if query.of:
        conditions.append(picks.condition(session, query.of))
    if query.incomplete:
        conditions.append(Customer.is_incomplete.is_(True))
    return conditions


def _is_any_of(library: Library, field: Field, values: Sequence[str]) -> ColumnElement[bool]:
    column = Customer.extra[field.name].as_string() if field.custom else getattr(Customer, field.name)
    if field.widget in SEVERAL:
        # Both databases keep a list as its text, in which each code stands in quotation marks.
        text = column if field.custom else cast(column, Text)
        return or_(*(text.contains(f'"{code}"', autoescape=True) for code in values))
    found: ColumnElement[bool] = column.in_(library.with_divisions(values) if field.widget is Widget.INDUSTRY else values)
    return found


def _is_between(field: Field, low: Any, high: Any) -> list[ColumnElement[bool]]:
    kept = Customer.extra[field.name]
    # A day as text stands in the order of days.
    value: Any = kept.as_string() if field.widget is Widget.DATE else kept.as_float()
    conditions = []
    if low is not None:
        conditions.append(value >= _as_kept(low))
    if high is not None:
        conditions.append(value <= _as_kept(high))
    return conditions


def _as_kept(limit: Any) -> str | float:
    return limit.isoformat() if isinstance(limit, date) else float(limit)
