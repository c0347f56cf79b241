"""The scores of all customers of high value, reckoned once a day and on demand, and those of past days for the proof."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, cast

from dateutil.relativedelta import relativedelta
from sqlalchemy import Table, delete, insert, select

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.models import ChurnScore, Customer, LifecycleStage, StageChange
from crm_core.numbering import bump
from crm_core.permissions import Actor, Permission, require
from crm_core.scope import unscoped
from crm_core.services.churn.days import day_before, latest_day
from crm_core.services.churn.facts import Known, read_facts
from crm_core.services.churn.plans import end_lost_plans
from crm_core.services.churn.policy import ChurnPolicy, get_churn_policy, make_due
from crm_core.services.churn.score import assess, band_of
from crm_core.services.notices import Message, notify_each

PROOF_DAYS, MONTHS_BETWEEN = 4, 3
"""The proof looks at so many past days, the first of every third month; the latest of them long enough ago to know what came."""
CHUNK = 5_000
_SCORES = cast(Table, ChurnScore.__table__)
_BULK: dict[str, Any] = {**unscoped, "synchronize_session": False}

Row = dict[str, Any]


@dataclass(frozen=True)
class Reckoned:
    """The scores of today and of the past days."""

    day: date
    rows: list[Row]


def reckon(session: CrmSession) -> Reckoned:
    """The part of the job that only reads: all scores, none of them kept yet."""
    policy, _version = get_churn_policy(session)
    today = clock.today()
    rows = scores_of(session, policy, today)
    for day in proof_days(policy, today):
        lost = _lost_after(session, day, policy.lost_within)
        rows += ({**row, "was_lost": row["customer_id"] in lost} for row in scores_of(session, policy, day))
    return Reckoned(today, rows)


def proof_days(policy: ChurnPolicy, today: date) -> list[date]:
    """The past days of the proof, the latest first."""
    latest = (today - timedelta(days=policy.lost_within)).replace(day=1)
    return [latest - relativedelta(months=MONTHS_BETWEEN * place) for place in range(PROOF_DAYS)]


def _lost_after(session: CrmSession, day: date, within: int) -> set[int]:
    """Who was lost within so many days after a day."""
    since, until = (clock.start_of_day(day + timedelta(days=days)) for days in (1, within + 1))
    within_days = (StageChange.at >= since, StageChange.at < until)
    lost = select(StageChange.customer_id).where(StageChange.to_stage == LifecycleStage.CHURNED, *within_days)
    return set(session.execute(lost, execution_options=unscoped).scalars())


def scores_of(session: CrmSession, policy: ChurnPolicy, day: date) -> list[Row]:
    """The scores of all customers of high value at the end of a day, as rows of their table."""
    known = read_facts(session, policy, day)
    return list(_scores(known, policy))


def _scores(known: Known, policy: ChurnPolicy) -> Iterator[Row]:
    for customer_id, facts in known.facts.items():
        found = assess(facts, known.usual)
        yield {
            "customer_id": customer_id,
            "day": known.day,
            "score": found.score,
            "band": band_of(found.score, medium_from=policy.medium_from, high_from=policy.high_from),
            "reasons": [[code, numbers] for code, numbers in found.reasons],
            "quiet_days": (known.day - (facts.last_contact or known.entered[customer_id])).days,
            "was_lost": None,
        }


def keep(session: CrmSession, reckoned: Reckoned) -> None:
    """The part of the job that writes: the scores in the place of those before, what follows for plans, and notices to owners.

    Kept besides today's are those of about a week ago, so that the list can tell what changed since.
    """
    earlier = day_before(session, reckoned.day)
    before = _high_at(session, reckoned.day)
    gone = (ChurnScore.was_lost.is_not(None)) | (ChurnScore.day >= reckoned.day) | (ChurnScore.day < (earlier or date.min))
    session.execute(delete(ChurnScore).where(gone), execution_options=_BULK)
    rows = [row for start in range(0, len(reckoned.rows), CHUNK) for row in _keep_rows(session, reckoned.rows[start : start + CHUNK])]
    end_lost_plans(session)
    if before is not None:
        _tell_owners(session, {row["customer_id"]: row for row in rows if row["was_lost"] is None and row["band"] == "high"}, before)
    bump(session, "churn")


def _keep_rows(session: CrmSession, rows: Sequence[Row]) -> list[Row]:
    """Those of customers that were not removed for good since they were read."""
    present = select(Customer.id).where(Customer.id.in_({row["customer_id"] for row in rows}))
    alive = set(session.execute(present, execution_options=unscoped).scalars())
    kept = [row for row in rows if row["customer_id"] in alive]
    if kept:
        session.execute(insert(_SCORES), kept)
    return kept


def _high_at(session: CrmSession, today: date) -> set[int] | None:
    """Who was at high risk when scores were reckoned last; nothing where none ever were."""
    latest = latest_day(session)
    if latest is None:
        return None
    high = select(ChurnScore.customer_id).where(ChurnScore.day == latest, ChurnScore.band == "high", ChurnScore.was_lost.is_(None))
    return set(session.execute(high, execution_options=unscoped).scalars()) if latest <= today else set()


def _tell_owners(session: CrmSession, high: Mapping[int, Row], before: set[int]) -> None:
    entered = sorted(high.keys() - before)
    for start in range(0, len(entered), CHUNK):
        some = select(Customer.id, Customer.code, Customer.name, Customer.owner_id).where(
            Customer.id.in_(entered[start : start + CHUNK]), Customer.owner_id.is_not(None)
        )
        messages = [
            Message(
                row.owner_id,
                {"customer": row.name, "count": round(high[row.id]["score"])},
                path=f"/customer?code={row.code}",
                customer_id=row.id,
                key=f"churn:{row.id}:{high[row.id]['day']}",
            )
            for row in session.execute(some, execution_options=unscoped)
        ]
        notify_each(session, "churn_high", messages)


def ask(session: CrmSession, actor: Actor) -> None:
    """Have the scores reckoned with the next round of jobs. Raises `NotAllowed`."""
    require(actor, Permission.RULE_EDIT)
    make_due(session)


def reckon_past(session: CrmSession, day: date) -> None:
    """Scores of a day that has passed, for demo content: as the job would have kept them on that day."""
    session.execute(insert(_SCORES), scores_of(session, get_churn_policy(session)[0], day))
    bump(session, "churn")


def reckon_now(session: CrmSession) -> None:
    """The whole job at once, for demo content."""
    keep(session, reckon(session))
