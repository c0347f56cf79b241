"""Digests: what one has to do today, and for heads of teams how the week went. On working days, each once, at the time chosen.

The job composes in a session that only reads, then claims and hands over: a day, or week, has one digest of a person however often
it runs. One that was missed because no process ran is sent as soon as one does, on the same day; that of the week within it.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import or_, select, update

from crm_core import clock
from crm_core.db import CrmSession, insert_unless_there
from crm_core.i18n import in_language
from crm_core.models import ReminderSetting, Team, User
from crm_core.permissions import Actor
from crm_core.scope import unscoped
from crm_core.services.actors import acting_as, list_actors
from crm_core.services.delivery import Letter, deliver, ways_of
from crm_core.services.digest_words import daily_letter, weekly_letter
from crm_core.services.tasks import leads
from crm_core.workdays import is_workday

log = logging.getLogger("kemai")

AT_ONCE = 20
"""So many are composed in one run; the next one follows at once."""
WEEKLY_AT = "08:30"
"""When the digest of the week goes out to those who chose no time for a daily one."""


@dataclass(frozen=True)
class Digest:
    """One that is ready; without a letter there is nothing to tell, and that is noted."""

    user_id: int
    kind: str
    day: date
    letter: Letter | None


def compose_due(session: CrmSession) -> list[Digest]:
    """The digests that have to go out now, at most `AT_ONCE`."""
    today = clock.today()
    if not is_workday(today):
        return []
    due = [("daily", user_id) for user_id in _due_daily(session, today)] + [("weekly", user_id) for user_id in _due_weekly(session, today)]
    return [digest for kind, user_id in due[:AT_ONCE] if (digest := _compose(session, kind, user_id, today))]


def _due_daily(session: CrmSession, today: date) -> Sequence[int]:
    has_come = ReminderSetting.digest_at <= clock.time_of_day(clock.now())
    is_new = or_(ReminderSetting.digested_on.is_(None), ReminderSetting.digested_on < today)
    due = select(ReminderSetting.user_id).join(User, User.id == ReminderSetting.user_id).where(has_come, is_new, User.is_active)
    return session.execute(due.order_by(ReminderSetting.user_id), execution_options=unscoped).scalars().all()


def _due_weekly(session: CrmSession, today: date) -> list[int]:
    monday = today - timedelta(days=today.weekday())
    kept = select(User.id, ReminderSetting.digest_at, ReminderSetting.weekly_on)
    kept = kept.outerjoin(ReminderSetting, ReminderSetting.user_id == User.id)
    is_wanted = or_(ReminderSetting.has_weekly.is_(None), ReminderSetting.has_weekly)
    heads = kept.where(User.is_active, User.id.in_(select(Team.head_id)), is_wanted).order_by(User.id)
    begins = not any(is_workday(monday + timedelta(days=days)) for days in range(today.weekday()))
    present = clock.time_of_day(clock.now())
    return [
        row.id
        for row in session.execute(heads, execution_options=unscoped)
        # Whoever never had one gets the first at the beginning of a week.
        if (row.weekly_on < monday if row.weekly_on else begins) and present >= (row.digest_at or WEEKLY_AT)
    ]


def _compose(session: CrmSession, kind: str, user_id: int, today: date) -> Digest | None:
    (actor,) = list_actors(session, User.id == user_id)
    try:
        # Within a savepoint: after an error PostgreSQL answers nothing more in a transaction.
        with session.begin_nested(), acting_as(session, actor), in_language(actor.language):
            return Digest(user_id, kind, today, _WORDS[kind](session, actor, today))
    except Exception:
        # What cannot be told one person keeps nobody else from their digest; it is tried again.
        log.exception("the %s digest of the account %s could not be composed", kind, user_id)
        return None


def _weekly(session: CrmSession, actor: Actor, today: date) -> Letter | None:
    return weekly_letter(session, actor, today) if leads(actor) else None


_WORDS: dict[str, Callable[[CrmSession, Actor, date], Letter | None]] = {"daily": daily_letter, "weekly": _weekly}


def send_digests(session: CrmSession, digests: Sequence[Digest]) -> bool:
    """Put these into the outbox unless another process did; returns whether there may be more."""
    for digest in digests:
        user = session.get_one(User, digest.user_id)
        if _claim(session, digest) and digest.letter:
            with in_language(user.language):
                key, ways = f"{digest.kind}:{user.id}:{digest.day}", ways_of(user, digest.kind)
                deliver(session, user, digest.letter, kind=digest.kind, ways=ways, key=key)
    return len(digests) == AT_ONCE


def _claim(session: CrmSession, digest: Digest) -> bool:
    insert_unless_there(session, ReminderSetting, user_id=digest.user_id)
    column: Any = ReminderSetting.digested_on if digest.kind == "daily" else ReminderSetting.weekly_on
    mine = (ReminderSetting.user_id == digest.user_id, or_(column.is_(None), column < digest.day))
    claimed = update(ReminderSetting).where(*mine).values({column: digest.day}).returning(ReminderSetting.user_id)
    return session.execute(claimed, execution_options={"synchronize_session": False}).first() is not None
