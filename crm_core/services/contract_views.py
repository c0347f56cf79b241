"""Views of the contracts in one's scope: filtered pages with their totals, and those of one customer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.models import Contract, ContractLine, Customer, Payment, Place, PlannedPayment, Product, User
from crm_core.models.base import Money
from crm_core.paging import Page
from crm_core.permissions import Actor, Permission, require
from crm_core.services.cooperation import Agreed, agreed_with
from crm_core.services.of_customers import EVERYBODY, OfCustomers
from crm_core.services.owners import visible_people
from crm_core.validation import clean_text

MOST_SHOWN = 100
ENDING_DAYS = 60
"""A contract that ends within so many days ends soon, unless somebody asks for another number."""
SORTS: dict[str, tuple[Any, ...]] = {
    "signed": (Contract.signed_on.desc(), Contract.id.desc()),
    "amount": (Contract.amount.desc(), Contract.id.desc()),
    "ends": (Contract.ends_on.asc().nulls_last(), Contract.id.desc()),
}


@dataclass(frozen=True)
class ContractQuery:
    """What is asked for; several values of one filter mean any of them."""

    phrase: str = ""
    owners: tuple[int, ...] = ()
    signed_from: date | None = None
    signed_until: date | None = None
    state: str = ""
    """One of `CONTRACT_STATES`; without one all contracts but the void ones."""
    ending_days: int = ENDING_DAYS
    is_overdue: bool = False
    """Only those with a planned payment that is overdue."""
    product: str = ""
    """Exactly this product, in the lines or, without any, in words."""
    of: OfCustomers = EVERYBODY
    sort: str = "signed"
    page: int = 1


@dataclass(frozen=True)
class Listed:
    """A contract as lists show it; amounts in yuan."""

    id: int
    number: str
    product: str
    amount: Decimal
    received: Decimal
    overdue: Decimal
    """Of what is planned up to yesterday, so much did not come."""
    signed_on: date
    starts_on: date | None
    ends_on: date | None
    owner_id: int | None
    owner: str | None
    voided_at: datetime | None
    customer_id: int
    code: str
    customer: str

    @property
    def state(self) -> str:
        """One of `CONTRACT_STATES`."""
        return state_of(self.voided_at is not None, self.ends_on)


@dataclass(frozen=True)
class Totals:
    """What the contracts of a filter come to."""

    count: int
    amount: Decimal
    received: Decimal
    overdue: Decimal


@dataclass(frozen=True)
class ContractPage(Page):
    """One page of contracts, with the totals of all pages."""

    size = 30
    rows: list[Listed]
    totals: Totals
    page: int

    @property
    def total(self) -> int:  # type: ignore[override]
        """How many there are."""
        return self.totals.count


def state_of(is_void: bool, ends_on: date | None) -> str:
    """Where a contract stands today."""
    today = clock.today()
    if is_void:
        return "void"
    if ends_on is None or ends_on > today + timedelta(days=ENDING_DAYS):
        return "running"
    return "ending" if ends_on >= today else "ended"


def _received() -> Any:
    own = select(func.sum(Payment.amount)).where(Payment.contract_id == Contract.id)
    return func.coalesce(own.scalar_subquery(), 0, type_=Money())


def overdue_amount(today: date) -> ColumnElement[Decimal]:
    """What is planned for a contract up to yesterday; in SQL it is overdue as far as it is more than what was received."""
    own = select(func.sum(PlannedPayment.amount)).where(PlannedPayment.contract_id == Contract.id, PlannedPayment.due_on < today)
    planned: ColumnElement[Decimal] = func.coalesce(own.scalar_subquery(), 0, type_=Money())
    return planned


def is_overdue(today: date) -> ColumnElement[bool]:
    """The condition that a contract in force has a planned payment whose day is over and which did not come in full."""
    due = select(PlannedPayment.contract_id).where(PlannedPayment.due_on < today)
    condition: ColumnElement[bool] = and_(Contract.is_in_force, Contract.id.in_(due), overdue_amount(today) > _received())
    return condition


def list_contracts(session: CrmSession, actor: Actor, query: ContractQuery) -> ContractPage:
    """One page of the contracts within the actor's scope, and what all of them come to."""
    require(actor, Permission.CONTRACT_READ)
    conditions = _conditions(query)
    totals = _totals(session, conditions)
    page = ContractPage.nearest(query.page, totals.count)
    order = SORTS.get(query.sort, SORTS["signed"])
    rows = session.execute(ContractPage.cut(_listed().where(*conditions).order_by(*order), page))
    return ContractPage([_row(row) for row in rows], totals, page)


def list_all(session: CrmSession, actor: Actor, query: ContractQuery, limit: int) -> list[Listed]:
    """The contracts of all pages of a query, at most so many."""
    require(actor, Permission.CONTRACT_READ)
    rows = session.execute(_listed().where(*_conditions(query)).order_by(Contract.id).limit(limit))
    return [_row(row) for row in rows]


def read_first(session: CrmSession, *conditions: ColumnElement[bool], count: int, **asked: Any) -> list[Listed]:
    """The first contracts of a query (`asked`) under further conditions, without their totals."""
    query = ContractQuery(**asked)
    rows = _listed().where(*_conditions(query), *conditions).order_by(*SORTS[query.sort]).limit(count)
    return [_row(row) for row in session.execute(rows)]


def list_of_opportunity(session: CrmSession, actor: Actor, opportunity_id: int) -> list[Listed]:
    """The contracts in force that were signed for a won opportunity; there is one as a rule."""
    require(actor, Permission.CONTRACT_READ)
    return read_first(session, Contract.opportunity_id == opportunity_id, Contract.voided_at.is_(None), count=MOST_SHOWN)


def _listed() -> Select[*tuple[Any, ...]]:
    own = ("id", "number", "product", "amount", "signed_on", "starts_on", "ends_on", "owner_id", "voided_at", "customer_id")
    columns = [getattr(Contract, name) for name in own]
    sums = (_received().label("received"), overdue_amount(clock.today()).label("planned"))
    names = (Customer.code, Customer.name.label("customer"), User.name.label("owner"))
    found = select(*columns, *sums, *names).join(Customer, Customer.id == Contract.customer_id)
    return found.outerjoin(User, User.id == Contract.owner_id)


def _row(row: Any) -> Listed:
    values = dict(row._mapping)
    late = max(values.pop("planned") - row.received, Decimal(0))
    return Listed(**values, overdue=late if row.voided_at is None else Decimal(0))


def _totals(session: CrmSession, conditions: Sequence[ColumnElement[bool]]) -> Totals:
    """Counted in one query, those of payments each summed up by contract once."""
    found = select(Contract.id, Contract.amount, Contract.voided_at).join(Customer, Customer.id == Contract.customer_id).where(*conditions)
    rows = found.subquery()
    today = clock.today()
    came = _sums_by_contract(Payment, rows.c.id)
    due = _sums_by_contract(PlannedPayment, rows.c.id, PlannedPayment.due_on < today)
    counts = rows.c.voided_at.is_(None)
    late = func.coalesce(due.c.amount, 0) - func.coalesce(came.c.amount, 0)
    columns = (
        func.count(),
        _money(func.sum(rows.c.amount).filter(counts)),
        _money(func.sum(came.c.amount).filter(counts)),
        _money(func.sum(late).filter(counts, late > 0)),
    )
    joined = rows.outerjoin(came, came.c.contract_id == rows.c.id).outerjoin(due, due.c.contract_id == rows.c.id)
    return Totals(*session.execute(select(*columns).select_from(joined)).one())


def _money(amount: ColumnElement[Any]) -> Any:
    return func.coalesce(amount, 0, type_=Money())


def _sums_by_contract(model: Any, ids: Any, *conditions: ColumnElement[bool]) -> Any:
    own = select(model.contract_id, func.sum(model.amount).label("amount")).where(model.contract_id.in_(select(ids)), *conditions)
    return own.group_by(model.contract_id).subquery()


def _conditions(query: ContractQuery) -> list[ColumnElement[bool]]:
    today = clock.today()
    soon = today + timedelta(days=query.ending_days)
    states: dict[str, ColumnElement[bool]] = {
        "": Contract.voided_at.is_(None),
        "void": Contract.voided_at.is_not(None),
        "running": and_(Contract.is_in_force, or_(Contract.ends_on.is_(None), Contract.ends_on >= today)),
        "ending": and_(Contract.is_in_force, Contract.ends_on.between(today, soon)),
        "ended": and_(Contract.is_in_force, Contract.ends_on < today),
    }
    found: list[ColumnElement[bool]] = [Customer.place == Place.LIBRARY, states.get(query.state, states[""])]
    if query.owners:
        found.append(Contract.owner_id.in_(query.owners))
    if query.signed_from:
        found.append(Contract.signed_on >= query.signed_from)
    if query.signed_until:
        found.append(Contract.signed_on <= query.signed_until)
    if query.is_overdue:
        found.append(is_overdue(today))
    if query.product:
        found.append(_sells(query.product))
    found += query.of.conditions
    return found + [_holds(word) for word in clean_text(query.phrase).split()[:8]]


def _sells(product: str) -> ColumnElement[bool]:
    lines = select(ContractLine.id).where(ContractLine.contract_id == Contract.id)
    named = lines.join(Product, Product.id == ContractLine.product_id).where(Product.name == product)
    return or_(named.exists(), and_(~lines.exists(), Contract.product == product))


def _holds(word: str) -> ColumnElement[bool]:
    own = select(ContractLine.contract_id).join(Product, Product.id == ContractLine.product_id)
    sold = Contract.id.in_(own.where(Product.name.icontains(word, autoescape=True)))
    return or_(*(column.icontains(word, autoescape=True) for column in (Contract.number, Contract.product, Customer.name)), sold)


@dataclass(frozen=True)
class OfCustomer:
    """The latest contracts of a customer, how many there are, and what those in force come to (nothing where there are none)."""

    rows: list[Listed]
    total: int
    agreed: Agreed | None


def list_of_customer(session: CrmSession, actor: Actor, customer_id: int) -> OfCustomer:
    """The contracts of a customer, the latest first, void ones too, at most `MOST_SHOWN`; none outside the actor's scope."""
    require(actor, Permission.CONTRACT_READ)
    own = (Contract.customer_id == customer_id, Customer.is_open)
    rows = [_row(row) for row in session.execute(_listed().where(*own).order_by(*SORTS["signed"]).limit(MOST_SHOWN))]
    total = session.execute(select(func.count(Contract.id)).where(own[0])).scalar_one()
    return OfCustomer(rows, total, agreed_with(session, [customer_id]).get(customer_id) if rows else None)


def list_credited(session: CrmSession, actor: Actor) -> dict[int, str]:
    """For whom any contract counts, of the people within view, by id."""
    require(actor, Permission.CONTRACT_READ)
    credited = select(Contract.owner_id).where(Contract.owner_id.is_not(None))
    people = select(User.id, User.name).where(User.id.in_(credited), visible_people(actor)).order_by(User.name, User.id)
    return {row.id: row.name for row in session.execute(people)}
