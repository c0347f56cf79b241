"""Numbers without gaps or twins: customer codes, and revisions of data, both from counter rows."""

from functools import cache
from typing import cast

from sqlalchemy import Table, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningInsert

from crm_core import clock
from crm_core.db import is_sqlite
from crm_core.models import Counter

_COUNTERS = cast(Table, Counter.__table__)
_REVISION = "revision:"
_REVISIONS = select(_COUNTERS.c.name, _COUNTERS.c.value).where(_COUNTERS.c.name.startswith(_REVISION))


def take(session: Session, name: str, count: int = 1) -> int:
    """Take `count` numbers from a counter and return the first; the row stays locked until the transaction ends."""
    last: int = session.execute(_counting(is_sqlite(session)), {"name": name, "value": count}).scalar_one()
    return last - count + 1


@cache
def _counting(is_on_sqlite: bool) -> ReturningInsert[int]:
    # Made once: every saving counts several times, and putting the statement together takes longer than what it does.
    new = sqlite.insert(_COUNTERS) if is_on_sqlite else postgresql.insert(_COUNTERS)
    counted = new.on_conflict_do_update(index_elements=["name"], set_={"value": _COUNTERS.c.value + new.excluded.value})
    return counted.returning(_COUNTERS.c.value)


def customer_codes(session: Session, count: int = 1) -> list[str]:
    """The next customer codes of this month: CUS + YYYYMM + at least three digits [003]."""
    return _monthly(session, "customer", "CUS", count)


def contract_number(session: Session) -> str:
    """The next contract number of this month: HT + YYYYMM + at least three digits."""
    return _monthly(session, "contract", "HT", 1)[0]


def ticket_code(session: Session) -> str:
    """The next ticket code of this month: TKT + YYYYMM + at least three digits."""
    return _monthly(session, "ticket", "TKT", 1)[0]


def campaign_code(session: Session) -> str:
    """The next campaign code of this month: CAM + YYYYMM + at least three digits."""
    return _monthly(session, "campaign", "CAM", 1)[0]


def opportunity_codes(session: Session, count: int = 1) -> list[str]:
    """The next opportunity codes of this month: OPP + YYYYMM + at least three digits."""
    return _monthly(session, "opportunity", "OPP", count)


def product_code(session: Session) -> str:
    """The next product code: PRD + at least four digits; products are numbered through, whatever the month."""
    return f"PRD{take(session, 'product'):04d}"


def _monthly(session: Session, name: str, prefix: str, count: int) -> list[str]:
    month = clock.today().strftime("%Y%m")
    first = take(session, f"{name}:{month}", count)
    return [f"{prefix}{month}{number:03d}" for number in range(first, first + count)]


def bump(session: Session, area: str) -> None:
    """Count up the revision of an area of data, in the transaction that changes it."""
    take(session, f"{_REVISION}{area}")
    session.info.setdefault("bumped", set()).add(area)


def is_bumped(session: Session, area: str) -> bool:
    """Whether this transaction counts up the area: what it reads there is its own until it is committed."""
    return area in session.info.get("bumped", ())


def revision(session: Session, area: str) -> int:
    """The present revision of an area; results computed from the data are cached under it."""
    # A session asks once for all areas. Somebody else's change during a transaction counts from its next one.
    if "revisions" not in session.info:
        session.info["revisions"] = {row.name: row.value for row in session.execute(_REVISIONS)}
    found: int = session.info["revisions"].get(f"{_REVISION}{area}", 0)
    return found
