"""Notices in the app: sending them, and what their receiver reads and marks as read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, select, update

from crm_core import clock
from crm_core.db import CrmSession, insert_all_unless_there, insert_unless_there
from crm_core.i18n import _, plural
from crm_core.masking import mask_text
from crm_core.models import Notice
from crm_core.permissions import Actor
from crm_core.services.notice_kinds import KINDS

SHOWN = 10
COUNTED = 100
"""More unread notices than these are not counted: the bell shows 99+."""


@dataclass(frozen=True)
class Told:
    """A notice in the reader's language."""

    id: int
    title: str
    sentence: str
    icon: str
    path: str
    created_at: datetime
    is_read: bool


@dataclass(frozen=True)
class Message:
    """A notice to one person, to be sent with others of its kind."""

    user_id: int
    data: Mapping[str, Any]
    path: str = ""
    customer_id: int | None = None
    key: str | None = None


def notify(
    session: CrmSession,
    user_ids: Iterable[int],
    kind: str,
    data: Mapping[str, Any],
    *,
    path: str = "",
    customer_id: int | None = None,
    key: str | None = None,
) -> None:
    """Send a notice; whoever got one with this key before is left out. `path` is where a click leads."""
    for user_id in user_ids:
        message = Message(user_id, data, path=path, customer_id=customer_id, key=key)
        insert_unless_there(session, Notice, **_row(kind, message))


def notify_each(session: CrmSession, kind: str, messages: Sequence[Message]) -> None:
    """Send many notices of one kind, each with its own values; whoever got one with the same key before is left out."""
    insert_all_unless_there(session, Notice, [_row(kind, message) for message in messages])


def _row(kind: str, message: Message) -> dict[str, Any]:
    is_waiting = KINDS[kind].message is not None
    return {**vars(message), "data": dict(message.data), "kind": kind, "created_at": clock.now(), "is_waiting": is_waiting}


# Put together once: every run of every page asks it.
_UNREAD = select(func.count()).select_from(
    select(Notice.id).where(Notice.user_id == bindparam("reader"), Notice.read_at.is_(None)).limit(COUNTED).subquery()
)


def count_unread(session: CrmSession, actor: Actor) -> int:
    """How many notices the actor has not read, counted to `COUNTED`; one look into an index."""
    return session.execute(_UNREAD, {"reader": actor.id}).scalar_one()


def list_latest(session: CrmSession, actor: Actor) -> list[Told]:
    """The newest notices of the actor, in the language in force."""
    newest = select(Notice).where(Notice.user_id == actor.id).order_by(Notice.id.desc()).limit(SHOWN)
    return [_told(notice, _words(notice)) for notice in session.execute(newest).scalars()]


def told_outside(notice: Notice, customer: str) -> Told:
    """A notice as it leaves the house: customers' names, phones, mailboxes and identity numbers masked, in what people wrote too.

    `customer` is the name of the customer it is about; empty for none.
    """
    names = [customer, *(str(notice.data[name]) for name in KINDS[notice.kind].names if name in notice.data)]
    masked = {name: mask_text(value, names) if isinstance(value, str) else value for name, value in _words(notice).items()}
    return _told(notice, masked)


def _words(notice: Notice) -> dict[str, Any]:
    shown = KINDS[notice.kind].shown
    return {name: shown[name](value) if name in shown else value for name, value in notice.data.items()}


def _told(notice: Notice, words: Mapping[str, Any]) -> Told:
    kind = KINDS[notice.kind]
    return Told(
        id=notice.id,
        title=_(kind.title),
        sentence=plural(words.get("count", 0), kind.one or kind.sentence, kind.sentence).format(**words),
        icon=kind.icon,
        path=notice.path,
        created_at=notice.created_at,
        is_read=notice.read_at is not None,
    )


def mark_read(session: CrmSession, actor: Actor, notice_id: int | None = None) -> None:
    """Mark one notice of the actor as read; without a number all of them."""
    unread = update(Notice).where(Notice.user_id == actor.id, Notice.read_at.is_(None))
    session.execute((unread if notice_id is None else unread.where(Notice.id == notice_id)).values(read_at=clock.now()))
