"""Figures for dashboards: SQL aggregates within the actor's scope, computed once per revision of the customers."""

from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from sqlalchemy import Integer, cast, func, select

from crm_core import clock
from crm_core.cache import cached
from crm_core.db import CrmSession
from crm_core.models import Customer
from crm_core.permissions import Actor, Permission, require
from crm_core.scope import key_of

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
    key = ("overview", key_of(session), month)
    return cached(session, "customers", key, lambda: _compute(session, month))


def _compute(session: CrmSession, month: str) -> Overview:
    # Grouped by the bare columns, in the order of an index: the database counts as it reads, and sorts nothing.
    grouped = session.execute(
        select(Customer.stage, Customer.industry, Customer.source, func.count(), func.sum(cast(Customer.is_incomplete, Integer)))
        .where(Customer.is_listed)
        .group_by(Customer.stage, Customer.industry, Customer.source)
    ).all()
    stages: dict[str, int] = {}
    industries: dict[str, int] = {}
    sources: dict[str, int] = {}
    for stage, industry, source, count, _incomplete in grouped:
        for totals, key in ((stages, stage), (industries, (industry or "")[:1]), (sources, source or "")):
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
    # Months begin at midnight where the team works; each is a range in an index.
    first_days = [date(year + (number - back - 1) // 12, (number - back - 1) % 12 + 1, 1) for back in range(MONTHS - 1, -2, -1)]
    return {
        first.isoformat()[:7]: session.execute(
            select(func.count(Customer.id)).where(
                Customer.is_listed,
                Customer.created_at >= clock.start_of_day(first),
                Customer.created_at < clock.start_of_day(following),
            )
        ).scalar_one()
        for first, following in pairwise(first_days)
    }
