"""Numbers without gaps or twins: customer codes, and revisions of data, both from counter rows."""

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crm_core import clock
from crm_core.db import insert_unless_there
from crm_core.models import Counter


def take(session: Session, name: str, count: int = 1) -> int:
    """Take `count` numbers from a counter and return the first; the row stays locked until the transaction ends."""
    insert_unless_there(session, Counter, name=name, value=0)
    last = session.execute(
        update(Counter).where(Counter.name == name).values(value=Counter.value + count).returning(Counter.value)
    ).scalar_one()
    return last - count + 1


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
    take(session, f"revision:{area}")
    session.info.setdefault("bumped", set()).add(area)


def is_bumped(session: Session, area: str) -> bool:
    """Whether this transaction counts up the area: what it reads there is its own until it is committed."""
    return area in session.info.get("bumped", ())


def revision(session: Session, area: str) -> int:
    """The present revision of an area; results computed from the data are cached under it."""
    # A session asks once for all areas. Somebody else's change during a transaction counts from its next one.
    if "revisions" not in session.info:
        rows = session.execute(select(Counter.name, Counter.value).where(Counter.name.startswith("revision:")))
        session.info["revisions"] = {row.name: row.value for row in rows}
    found: int = session.info["revisions"].get(f"revision:{area}", 0)
    return found
