"""The score put to the proof on the team's own past: who would have been flagged on past days, and who was lost afterwards.

Beside it stands the naive rule: who had no contact for longest, as many customers of each day as the score flags. A customer counts once
for each of the days. What it says holds for the customers within the actor's scope.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from crm_core.cache import cached
from crm_core.db import CrmSession
from crm_core.models import ChurnScore
from crm_core.permissions import Actor, Permission, require
from crm_core.scope import key_of
from crm_core.services.churn.accuracy import Hits, area_under_curve, count_hits, flag_highest
from crm_core.services.churn.policy import get_churn_policy

LEAST_LOST, LEAST_STAYED = 5, 5
"""With fewer that were lost or that stayed, any figure would be chance."""


@dataclass(frozen=True)
class Judged:
    """How one rule did: what it flagged, and its ROC AUC."""

    hits: Hits
    area: float | None


@dataclass(frozen=True)
class OnDay:
    """One past day."""

    day: date
    score: Hits
    naive: Hits


@dataclass(frozen=True)
class Proof:
    """All past days together."""

    within: int
    """Lost within so many days."""
    counted: int
    lost: int
    days: list[OnDay]
    score: Judged | None
    naive: Judged | None
    """Both are none where there is too little history."""


_Row = tuple[date, float, str, int, bool]


def get_proof(session: CrmSession, actor: Actor) -> Proof:
    """The figures, kept until scores are reckoned anew. Raises `NotAllowed`."""
    require(actor, Permission.CHURN_READ)
    return cached(session, "churn", ("proof", key_of(session)), lambda: _prove(session))


def _prove(session: CrmSession) -> Proof:
    columns = (ChurnScore.day, ChurnScore.score, ChurnScore.band, ChurnScore.quiet_days, ChurnScore.was_lost)
    past = select(*columns).where(ChurnScore.was_lost.is_not(None)).order_by(ChurnScore.day.desc(), ChurnScore.customer_id)
    by_day: defaultdict[date, list[_Row]] = defaultdict(list)
    for day, score, band, quiet_days, was_lost in session.execute(past):
        by_day[day].append((day, score, band, quiet_days, bool(was_lost)))
    return prove(by_day, within=get_churn_policy(session)[0].lost_within)


def prove(by_day: dict[date, list[_Row]], *, within: int) -> Proof:
    """The figures of rows by day; each row has day, score, band, days without contact, and whether the customer was lost."""
    days, flags, quietest, rows = [], list[bool](), list[bool](), list[_Row]()
    for day, some in by_day.items():
        outcomes = [row[4] for row in some]
        high = [row[2] == "high" for row in some]
        naive = flag_highest([row[3] for row in some], sum(high))
        days.append(OnDay(day, count_hits(high, outcomes), count_hits(naive, outcomes)))
        flags, quietest, rows = flags + high, quietest + naive, rows + some
    outcomes = [row[4] for row in rows]
    lost = sum(outcomes)
    if lost < LEAST_LOST or len(rows) - lost < LEAST_STAYED:
        return Proof(within, len(rows), lost, days, None, None)
    score = Judged(count_hits(flags, outcomes), area_under_curve([row[1] for row in rows], outcomes))
    naive_one = Judged(count_hits(quietest, outcomes), area_under_curve([row[3] for row in rows], outcomes))
    return Proof(within, len(rows), lost, days, score, naive_one)
