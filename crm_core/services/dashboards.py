"""Figures for dashboards: SQL aggregates within the actor's scope, computed once per revision of the customers."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Integer, String, cast, func, select

from crm_core import clock
from crm_core.cache import cached
from crm_core.config import settings
from crm_core.db import CrmSession, is_sqlite
from crm_core.models import Customer
from crm_core.permissions import Actor, Permission, require

MONTHS = 12


@dataclass(frozen=True)
class Overview:
    """The first dashboard: customers by stage, section of industry, source and month of entry.

    `months` are the last twelve, oldest first, as YYYY-MM; other keys are codes, "" for none.
    """

    total: int
    incomplete: int
    new_this_month: int
    stages: dict[str, int]
    industries: dict[str, int]
    sources: dict[str, int]
    months: dict[str, int]


def get_overview(session: CrmSession, actor: Actor) -> Overview:
    """Counts of all customers the actor may see."""
    require(actor, Permission.DASHBOARD_READ)
    month = clock.today().strftime("%Y-%m")
    key = ("overview", actor.scope, actor.id, actor.team_ids, month)
    return cached(session, "customers", key, lambda: _compute(session, month))


def _compute(session: CrmSession, month: str) -> Overview:
    live = Customer.deleted_at.is_(None)
    # One object each in the columns and in the grouping: PostgreSQL must see the same parameters in both.
    section = func.coalesce(func.substr(Customer.industry, 1, 1), "")
    source_code = func.coalesce(Customer.source, "")
    grouped = session.execute(
        select(Customer.stage, section, source_code, func.count(), func.sum(cast(Customer.is_incomplete, Integer)))
        .where(live)
        .group_by(Customer.stage, section, source_code)
    ).all()
    stages: dict[str, int] = {}
    industries: dict[str, int] = {}
    sources: dict[str, int] = {}
    for stage, industry, source, count, _incomplete in grouped:
        for totals, key in ((stages, stage), (industries, industry), (sources, source)):
            totals[key] = totals.get(key, 0) + count
    months = _by_month(session, month)
    return Overview(
        total=sum(stages.values()),
        incomplete=sum(row[4] or 0 for row in grouped),
        new_this_month=months[month],
        stages=stages,
        industries=industries,
        sources=sources,
        months=months,
    )


def _by_month(session: CrmSession, month: str) -> dict[str, int]:
    year, number = (int(part) for part in month.split("-"))
    names = [f"{year + (number - back - 1) // 12}-{(number - back - 1) % 12 + 1:02d}" for back in range(MONTHS - 1, -1, -1)]
    first = datetime.strptime(names[0], "%Y-%m").replace(tzinfo=settings().timezone)
    if is_sqlite(session):
        offset = int((clock.now().astimezone(settings().timezone).utcoffset() or first - first).total_seconds() // 60)
        local = func.strftime("%Y-%m", Customer.created_at, f"{offset:+d} minutes")
    else:
        local = func.to_char(func.timezone(str(settings().timezone), Customer.created_at), "YYYY-MM")
    rows = session.execute(
        select(cast(local, String), func.count()).where(Customer.deleted_at.is_(None), Customer.created_at >= first).group_by(local)
    )
    counts = {name: count for name, count in rows}
    return {name: counts.get(name, 0) for name in names}
