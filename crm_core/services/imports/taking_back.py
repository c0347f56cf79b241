"""How records that an import created are taken back, kind by kind: what keeps one of them, and where the others go."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, select

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.errors import NotAllowed
from crm_core.i18n import N_
from crm_core.models import Base, ChangeLog, Contract, Customer, Opportunity, Place, Product, Team, User
from crm_core.numbering import bump
from crm_core.permissions import Actor
from crm_core.scope import unscoped
from crm_core.services import bulk
from crm_core.services.bulk_actions import ACTIONS
from crm_core.services.bulk_targets import in_parts, read_by_ids
from crm_core.services.cooperation import renew_from_rows
from crm_core.services.customer_changes import follow
from crm_core.services.imports.kinds import CONTRACT, CUSTOMER, OPPORTUNITY, PRODUCT, USER
from crm_core.services.review_rules import get_rules
from crm_core.services.users import get_manageable

REASONS = bulk.REASONS | {
    "customer": N_("its customer is archived or deleted"),
    "used": N_("something that came later belongs to it"),
    "held": N_("its customer is on legal hold"),
    "signed_in": N_("its owner has signed in"),
    "above": N_("you may not manage this account"),
    "members": N_("people or teams belong to it"),
}
"""Why a record is left as it is."""
COUNTS = frozenset({"target", "payment", "planned_payment", "opportunity_contact"})
"""Tables whose rows would go with a record and yet are somebody's work."""

Found = Mapping[int, Any]


@dataclass(frozen=True)
class Way:
    """One kind: its model, by what a record is called, and how it goes. `why` says of a record as it was found what keeps it."""

    model: type[Base]
    code: Any
    name: Any
    take: Callable[[CrmSession, Found], None]
    why: Callable[[CrmSession, Actor, Row[Any]], str] = lambda _session, _actor, _row: ""
    to_bin: bool = False
    """Whether it comes back from the recycle bin; else it is removed for good."""
    also: tuple[Any, ...] = ()


def name_created(session: CrmSession, way: Way, ids: Sequence[int]) -> list[dict[str, Any]]:
    """What a receipt keeps of these records: number, code and name."""
    columns = select(way.model.__table__.c.id, way.code.label("code"), way.name.label("name"))
    rows = session.execute(columns.where(way.model.__table__.c.id.in_(ids)).order_by("id"), execution_options=unscoped)
    return [dict(row) for row in rows.mappings()]


def find(session: CrmSession, way: Way, ids: Sequence[int], *, lock: bool) -> Found:
    """These records as far as the actor sees them, locked behind their customers, as all changes of both lock them."""
    if way.model is Customer:
        return {one.id: one for one in read_by_ids(session, ids, lock=lock)}
    model: Any = way.model
    columns = select(model.id, way.name.label("name"), *way.also).order_by(model.id)
    if hasattr(model, "customer_id"):
        columns = columns.join(Customer, Customer.id == model.customer_id).add_columns(Customer.place, Customer.is_on_hold)
        if lock:
            _lock_customers(session, model, ids)
    found: dict[int, Any] = {}
    for part in in_parts(ids):
        own = columns.where(model.id.in_(part))
        found |= {row.id: row for row in session.execute(own.with_for_update(of=model) if lock else own)}
    return found


def _lock_customers(session: CrmSession, model: Any, ids: Sequence[int]) -> None:
    owners = {id for part in in_parts(ids) for id in session.execute(select(model.customer_id).where(model.id.in_(part))).scalars()}
    for part in in_parts(owners):
        session.execute(select(Customer.id).where(Customer.id.in_(part)).order_by(Customer.id).with_for_update()).all()


def touched_since(session: CrmSession, model: type[Base], at: datetime, ids: Collection[int]) -> set[int]:
    """Those with which somebody did anything but look: what people do to a record, or to what hangs on a customer, is in the change log."""
    by_people = (ChangeLog.at > at, ChangeLog.actor_id.is_not(None), ChangeLog.action != "viewed")
    if model is Customer:
        found: Select[Any] = select(ChangeLog.customer_id).where(ChangeLog.customer_id.in_(ids), *by_people)
    else:
        own = (ChangeLog.entity == model.__tablename__, ChangeLog.entity_id.in_([str(id) for id in ids]))
        found = select(ChangeLog.entity_id).where(*own, *by_people)
    return {int(id) for id in session.execute(found.distinct()).scalars()}


def pointed_at(session: CrmSession, model: type[Base], ids: Collection[int], *, besides: Sequence[Any] = ()) -> set[int]:
    """Those to which rows point that are more than a part of them, whoever may see these. What hangs on a customer goes with it."""
    if model is Customer:
        return set()
    return {
        id
        for column in _pointing(model)
        if column not in besides
        for id in session.execute(select(column).where(column.in_(ids)).distinct(), execution_options=unscoped).scalars()
    }


def _pointing(model: type[Base]) -> Iterator[Any]:
    for table in Base.metadata.tables.values():
        for key in table.foreign_keys:
            if key.column.table is model.__table__ and (key.ondelete != "CASCADE" or table.name in COUNTS):
                yield key.parent


def _lay_into_bin(session: CrmSession, found: Found) -> None:
    moved = (Place.LIBRARY.value, Place.BIN.value)
    bulk.write_changes(session, ACTIONS["archive"], dict.fromkeys(found, moved), found)


def _delete_opportunities(session: CrmSession, found: Found) -> None:
    for records in _records(session, Opportunity, found):
        for one in records:
            one.deleted_at = clock.now()


def _remove_contracts(session: CrmSession, found: Found) -> None:
    owners = {row.customer_id for row in found.values()}
    _remove(session, Contract, found)
    for customers in _records(session, Customer, owners):
        for customer in customers:
            renew_from_rows(session, customer)
            follow(session, customer)


def _remove_products(session: CrmSession, found: Found) -> None:
    _remove(session, Product, found)


def _remove_accounts(session: CrmSession, found: Found) -> None:
    _remove(session, User, found)
    bump(session, "users")


def remove_teams(session: CrmSession, ids: Collection[int]) -> None:
    """Remove teams in which nobody is."""
    _remove(session, Team, ids)
    bump(session, "customers")


def _remove(session: CrmSession, model: type[Base], ids: Collection[int]) -> None:
    for records in _records(session, model, ids):
        for one in records:
            session.delete(one)


def _records(session: CrmSession, model: Any, ids: Collection[int]) -> Iterator[Sequence[Any]]:
    """The records in parts, each of which is written before the next one is read."""
    for part in in_parts(ids):
        records = session.execute(select(model).where(model.id.in_(part)).order_by(model.id)).scalars().all()
        yield records
        session.flush()


def _why_not_customer(_session: CrmSession, _actor: Actor, row: Row[Any]) -> str:
    return "" if row.place == Place.LIBRARY else str(row.place)


def _why_not_opportunity(_session: CrmSession, _actor: Actor, row: Row[Any]) -> str:
    if row.deleted_at:
        return str(Place.BIN)
    return "" if row.place == Place.LIBRARY else "customer"


def _why_not_contract(_session: CrmSession, _actor: Actor, row: Row[Any]) -> str:
    if row.place != Place.LIBRARY:
        return "customer"
    return "held" if row.is_on_hold else ""


def _why_not_account(session: CrmSession, actor: Actor, row: Row[Any]) -> str:
    if row.last_sign_in_at:
        return "signed_in"
    if any(row.id in rule.people for rule in get_rules(session)[0]):
        return "used"
    try:
        get_manageable(session, actor, row.id)
    except NotAllowed:
        return "above"
    return ""


WAYS: dict[str, Way] = {
    CUSTOMER: Way(Customer, Customer.code, Customer.name, _lay_into_bin, _why_not_customer, to_bin=True),
    PRODUCT: Way(Product, Product.code, Product.name, _remove_products),
    USER: Way(User, User.username, User.name, _remove_accounts, _why_not_account, also=(User.last_sign_in_at,)),
    OPPORTUNITY: Way(
        Opportunity,
        Opportunity.code,
        Opportunity.name,
        _delete_opportunities,
        _why_not_opportunity,
        to_bin=True,
        also=(Opportunity.deleted_at,),
    ),
    CONTRACT: Way(Contract, Contract.number, Contract.number, _remove_contracts, _why_not_contract, also=(Contract.customer_id,)),
}
"""How each kind is taken back. A new kind is a row here."""
