"""What the tickets of a customer come to: 投诉次数, 最近服务时间, 满意度 [003]; kept on the customer, always equal to the tickets."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Table, func, or_, select, update

from crm_core.db import CrmSession
from crm_core.models import Customer, Ticket
from crm_core.models.ticket import COMPLAINT
from crm_core.numbering import bump
from crm_core.scope import unscoped

_CUSTOMERS = cast(Table, Customer.__table__)
_OWN = Ticket.customer_id == _CUSTOMERS.c.id
FIGURES: dict[str, Any] = {
    "complaints": select(func.count()).where(_OWN, Ticket.type == COMPLAINT).scalar_subquery(),
    "last_service_at": select(func.max(Ticket.served_at)).where(_OWN).scalar_subquery(),
    "ratings": select(func.count(Ticket.satisfaction)).where(_OWN).scalar_subquery(),
    "rating_sum": select(func.coalesce(func.sum(Ticket.satisfaction), 0)).where(_OWN).scalar_subquery(),
}
"""Each figure by its column, as the tickets say it."""


@dataclass(frozen=True)
class Wrong:
    """A customer whose figures are not what its tickets say: by figure what is kept, and what it should be."""

    code: str
    figures: dict[str, tuple[Any, Any]]


def keep_figures(session: CrmSession, ids: Collection[int]) -> None:
    """Set the figures of these customers anew, in the transaction that changed their tickets.

    Without a new version of the customer, so that no form of it that is open elsewhere is disturbed.
    """
    session.flush()
    kept = update(_CUSTOMERS).where(_CUSTOMERS.c.id.in_(ids)).values(FIGURES | {"updated_at": _CUSTOMERS.c.updated_at})
    session.execute(kept, execution_options=unscoped)
    for customer in session.identity_map.values():
        if isinstance(customer, Customer) and customer.id in ids:
            session.expire(customer, list(FIGURES))
    bump(session, "customers")


def find_wrong(session: CrmSession) -> list[Wrong]:
    """All customers whose figures are wrong: none, unless somebody wrote into the database past the services."""
    kept = {name: _CUSTOMERS.c[name] for name in FIGURES}
    differs = or_(*(kept[name].is_distinct_from(value) for name, value in FIGURES.items()))
    columns = [column for name, value in FIGURES.items() for column in (kept[name], value.label(f"right_{name}"))]
    rows = session.execute(select(_CUSTOMERS.c.code, *columns).where(differs).order_by(_CUSTOMERS.c.id), execution_options=unscoped)
    found = []
    for row in rows.mappings():
        pairs = {name: (row[name], row[f"right_{name}"]) for name in FIGURES}
        found.append(Wrong(row["code"], {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}))
    return found


def count_checked(session: CrmSession) -> tuple[int, int]:
    """How many customers and tickets a check looks at."""
    customers, tickets = (select(func.count()).select_from(model) for model in (Customer, Ticket))
    return session.execute(customers, execution_options=unscoped).scalar_one(), session.execute(
        tickets, execution_options=unscoped
    ).scalar_one()
