"""The secret link under which somebody's own calendar program reads their tasks and plans: made, renewed, ended, and what it gives out.

The link is a password to what it shows, so only its hash is stored and it is shown once. What it gives out follows the account as it
is at that moment: its rows, its permission to read customers, and nothing for an account that may not sign in.
"""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache

from icalendar import Calendar, Event, Timezone
from sqlalchemy import delete, select

from crm_core import audit, clock, crypto
from crm_core.config import settings
from crm_core.db import CrmSession
from crm_core.i18n import _, in_language
from crm_core.masking import mask, mask_text
from crm_core.models import TASK_KINDS, CalendarFeed, Task, TaskState, User
from crm_core.permissions import Actor, Permission, require
from crm_core.services import attempts
from crm_core.services.account_links import address_of
from crm_core.services.actors import acting_as, list_actors
from crm_core.services.attempts import Limit
from crm_core.services.task_rows import IS_ALIVE, Listed, read_listed, select_listed
from crm_core.services.tasks import end_of, path_of

DONE_DAYS = 30
"""What was done stays in the feed for so many days."""
MOST_OPEN, MOST_DONE = 2_000, 500
LENGTH = timedelta(minutes=30)
"""A task that is due at a moment takes so long in a calendar."""
REFRESH = timedelta(hours=1)
READ_STEP = timedelta(minutes=5)
"""`read_at` is written at most this often."""
UNKNOWN_LIMIT = Limit(30, timedelta(minutes=10), timedelta(hours=1))
PRIORITY_NUMBERS = {"high": 1, "normal": 5, "low": 9}
"""As RFC 5545 counts them."""


@dataclass(frozen=True)
class Feed:
    """What its owner sees of the link once it was shown."""

    created_at: datetime
    read_at: datetime | None


@dataclass(frozen=True)
class Reading:
    """The answer to whoever asks with a token: a calendar, or nothing; `is_refused` after too many unknown ones."""

    content: bytes = b""
    is_refused: bool = False


def get_feed(session: CrmSession, actor: Actor) -> Feed | None:
    """The actor's link, if there is one."""
    feed = session.get(CalendarFeed, actor.id)
    return Feed(feed.created_at, feed.read_at) if feed else None


def renew_feed(session: CrmSession, actor: Actor) -> str:
    """Make the actor's link, or a new one in place of the old, which ends; returns its token, which nobody can read again.

    Raises `NotAllowed`.
    """
    require(actor, Permission.CUSTOMER_READ)
    token = crypto.token()
    session.execute(delete(CalendarFeed).where(CalendarFeed.user_id == actor.id))
    session.add(CalendarFeed(user_id=actor.id, token_hash=crypto.token_hash(token)))
    audit.record(session, "calendar_link_made", session.get_one(User, actor.id))
    session.flush()
    return token


def end_feed(session: CrmSession, actor: Actor) -> None:
    """End the actor's link; nothing where there is none."""
    feed = session.get(CalendarFeed, actor.id)
    if feed:
        session.delete(feed)
        audit.record(session, "calendar_link_ended", session.get_one(User, actor.id))


def feed_path(token: str) -> str:
    """The path under which the server gives a feed out."""
    return f"/calendar/{token}.ics"


def read_feed(session: CrmSession, token: str, *, address: str = "") -> Reading:
    """What a calendar program gets for a token; the same nothing for an unknown or ended one, and for an account that may not sign in.

    Only unknown tokens are counted against an address: programs go on asking for a link that was ended, and those of their
    colleagues behind the same address must not be shut out by it.
    """
    owner = _owner(session, token)
    if owner is None:
        asked = attempts.of_address("calendar", address, UNKNOWN_LIMIT)
        return Reading(is_refused=not attempts.claim(session, asked))
    with acting_as(session, owner), in_language(owner.language):
        return Reading(_calendar(_tasks_of(session, owner)).to_ical())


def _owner(session: CrmSession, token: str) -> Actor | None:
    digest = crypto.token_hash(token)
    feed = session.execute(select(CalendarFeed).where(CalendarFeed.token_hash == digest)).scalar_one_or_none()
    if feed is None or not hmac.compare_digest(feed.token_hash, digest):
        return None
    owner = next(iter(list_actors(session, User.id == feed.user_id, User.is_active.is_(True), User.blocked_at.is_(None))), None)
    if owner is None or owner.is_held_up or not owner.can(Permission.CUSTOMER_READ):
        return None
    if feed.read_at is None or feed.read_at < clock.now() - READ_STEP:
        feed.read_at = clock.now()
    return owner


def _tasks_of(session: CrmSession, owner: Actor) -> list[Listed]:
    """What the owner has to do, plans among it, and what they did lately."""
    own = select_listed().where(Task.assignee_id == owner.id, IS_ALIVE)
    waiting = own.where(Task.done_at.is_(None)).order_by(Task.due_at, Task.id).limit(MOST_OPEN)
    since = clock.now() - timedelta(days=DONE_DAYS)
    done = own.where(Task.state == TaskState.DONE, Task.done_at >= since).order_by(Task.done_at.desc(), Task.id).limit(MOST_DONE)
    return [*read_listed(session, waiting), *read_listed(session, done)]


def _calendar(rows: Iterable[Listed]) -> Calendar:
    calendar = Calendar()
    calendar.add("prodid", "-//Kemai//Kemai CRM//ZH")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", _("Kemai: my tasks"))
    calendar.add("x-wr-timezone", settings().timezone.key)
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", REFRESH)
    calendar.add_component(_zone(settings().timezone.key))
    for row in rows:
        calendar.add_component(_event(row))
    return calendar


@lru_cache
def _zone(name: str) -> Timezone:
    # Reckoned once: it looks through all changes of the clock of that zone.
    return Timezone.from_tzid(name, first_date=date(2020, 1, 1))


def _event(task: Listed) -> Event:
    """A task as an event, which every calendar program shows; of tasks in a feed most show nothing."""
    event = Event()
    event.add("uid", f"task-{task.id}-{_installation()}@kemai")
    event.add("dtstamp", task.updated_at)
    event.add("created", task.created_at)
    event.add("last-modified", task.updated_at)
    event.add("sequence", task.version - 1)
    event.add("summary", _summary(task))
    event.add("categories", [_(TASK_KINDS[task.kind])])
    event.add("priority", PRIORITY_NUMBERS[task.priority])
    link = address_of(path_of(task.id))
    if text := "\n".join(part for part in (_customer(task), _masked(task, task.description), _masked(task, task.done_note), link) if part):
        event.add("description", text)
    if link:
        event.add("url", link)
    _add_times(event, task.due_at)
    return event


def _summary(task: Listed) -> str:
    named = " · ".join(part for part in (_masked(task, task.title), _customer(task)) if part)
    return f"✓ {named}" if task.done_at else named


def _customer(task: Listed) -> str:
    return mask("name", task.customer)


def _masked(task: Listed, text: str) -> str:
    """A calendar program may keep what it reads anywhere: who a customer is leaves the house masked, as in mails and messages."""
    return mask_text(text, [task.customer])


def _add_times(event: Event, due_at: datetime) -> None:
    """What is due at the end of a day takes the day and leaves its owner free."""
    day = clock.day_of(due_at)
    if due_at == end_of(day):
        event.add("dtstart", day)
        event.add("dtend", day + timedelta(days=1))
        event.add("transp", "TRANSPARENT")
    else:
        begin = due_at.astimezone(settings().timezone)
        event.add("dtstart", begin)
        event.add("dtend", begin + LENGTH)


def _installation() -> str:
    """What tells this system's tasks from those of another one; it stays through a rotation of keys."""
    return crypto.derived_key("calendar").hex()[:16]
