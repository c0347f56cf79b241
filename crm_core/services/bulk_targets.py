"""The customers that a bulk action is meant for: some by their codes, or all that a query of the list finds."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from crm_core.db import CrmSession
from crm_core.errors import ValidationFailed
from crm_core.i18n import _
from crm_core.models import Customer
from crm_core.services.customer_list import CustomerQuery, select_found

MOST = 20_000
"""So many customers at once: one transaction, in which nobody else can write into a SQLite database."""
PART = 5_000
"""So many ids one statement can name on either database."""

_COLUMNS = (Customer.id, Customer.code, Customer.name, Customer.kind, Customer.stage, Customer.place, Customer.pooled_at, Customer.owner_id)

Target = Row[*tuple[Any, ...]]


@dataclass(frozen=True)
class Selection:
    """Customers by their codes, or, with a query, all that it finds when the action runs."""

    codes: tuple[str, ...] = ()
    query: CustomerQuery | None = None


def in_parts(ids: Iterable[int]) -> Iterator[list[int]]:
    """The ids in parts that one statement can name."""
    ordered = sorted(ids)
    yield from (ordered[start : start + PART] for start in range(0, len(ordered), PART))


def read_targets(session: CrmSession, selection: Selection, *, lock: bool = False) -> list[Target]:
    """The selected customers within the actor's scope, wherever they lie. Raises `ValidationFailed` for none and for too many."""
    if selection.query is not None:
        statement = select_found(session, selection.query, *_COLUMNS)
    else:
        statement = select(*_COLUMNS).where(Customer.code.in_(selection.codes[: MOST + 1]))
    statement = statement.order_by(Customer.id).limit(MOST + 1)
    found = list(session.execute(statement.with_for_update(of=Customer) if lock else statement))
    if not found and not selection.codes:
        raise ValidationFailed({"customers": [_("Choose at least one customer.")]})
    if len(found) > MOST:
        sentence = _("These are more than {count} customers, which is the most that one action can change. Narrow the filters.")
        raise ValidationFailed({"customers": [sentence.format(count=f"{MOST:,}")]})
    return found


def read_by_ids(session: CrmSession, ids: Sequence[int], *, lock: bool = False) -> list[Target]:
    """These customers, as far as they are within the actor's scope."""
    found: list[Target] = []
    for part in in_parts(ids):
        own = select(*_COLUMNS).where(Customer.id.in_(part)).order_by(Customer.id)
        found += session.execute(own.with_for_update() if lock else own)
    return found
