"""The outbox: messages that leave the house, written in the same transaction as their cause and sent afterwards.

A message is claimed, handed to the mail server or a robot outside any transaction, and marked. A process that ends in between leaves a
claim that runs out: the message is sent again then, a mail with the same Message-ID, so that the receiver's program can tell.
In the quiet hours of its receiver a message goes back until their end, unless it is urgent or asked for just now (`kind`).
"""

import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import make_msgid
from typing import Any

import httpx2
from sqlalchemy import select, update

from crm_core import audit, channels, clock
from crm_core.channels import MAIL, ROBOT
from crm_core.config import MailServer, settings
from crm_core.db import CrmSession, insert_unless_there, reading, transaction
from crm_core.errors import NotFound
from crm_core.i18n import _
from crm_core.models import OutboxMessage, Robot, User
from crm_core.permissions import SYSTEM, Actor, Permission, require
from crm_core.services import robot_lines
from crm_core.services.quiet_hours import end_of_quiet
from crm_core.services.robot_lines import RobotRefused
from crm_core.services.send_errors import code_of, tell

CLAIM = timedelta(minutes=10)
"""Longer than handing a message over can take, with every answer of the server as late as `PATIENCE` allows."""
PATIENCE = 20
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=6)
GIVEN_UP_AFTER = timedelta(days=3)
SHOWN = 100


@dataclass(frozen=True)
class Waiting:
    """A message that is not sent. Only a mail says to whom in itself; for a robot its name and owner do."""

    id: int
    channel: str
    recipient: str
    subject: str
    attempts: int
    created_at: datetime
    next_attempt_at: datetime | None
    last_error: str


@dataclass(frozen=True)
class Queue:
    """What waits and what was given up, newest first."""

    waiting: list[Waiting]
    given_up: list[Waiting]


def enqueue_mail(
    session: CrmSession,
    *,
    recipient: str,
    subject: str,
    body: str,
    user_id: int | None = None,
    kind: str | None = None,
    key: str | None = None,
) -> None:
    """Put a mail into the outbox; one with the key of an earlier one is left out. Without a kind it heeds no quiet hours."""
    _enqueue(session, channel=MAIL, recipient=recipient, subject=subject, body=body, user_id=user_id, kind=kind, key=key)


def enqueue_robot(
    session: CrmSession, robot_id: int, *, subject: str, body: str, user_id: int | None, kind: str | None = None, key: str | None = None
) -> None:
    """The same for what a robot is to say; the subject is for the list of messages alone."""
    where = {"channel": ROBOT, "recipient": "", "robot_id": robot_id}
    _enqueue(session, subject=subject, body=body, user_id=user_id, kind=kind, key=key, **where)


def _enqueue(session: CrmSession, *, subject: str, **values: Any) -> None:
    subject = " ".join(subject.split())[:200]
    insert_unless_there(session, OutboxMessage, subject=subject, message_id=make_msgid(domain="kemai"), **values)


def send_next() -> bool:
    """Try to send the message that is due first, claimed so that no other process sends it too; returns whether there was one."""
    message = _claim()
    if message is None:
        return False
    if until := _held_until(message):
        _update(message, attempts=message.attempts - 1, next_attempt_at=until, last_error=message.last_error)
        return True
    try:
        _HAND_OVER[message.channel](message)
    except (OSError, smtplib.SMTPException, httpx2.HTTPError, RobotRefused, ValueError) as problem:
        _put_off(message, code_of(problem))
    else:
        _mark_sent(message)
    return True


def _claim() -> OutboxMessage | None:
    now = clock.now()
    usable = [MAIL, ROBOT] if settings().mail.host else [ROBOT]
    due = select(OutboxMessage.id).where(OutboxMessage.sent_at.is_(None), OutboxMessage.next_attempt_at <= now)
    due = due.where(OutboxMessage.channel.in_(usable))
    with reading() as session:  # nearly always there is nothing, and a writer would hold SQLite's lock
        if session.execute(due.limit(1)).first() is None:
            return None
    first = due.order_by(OutboxMessage.next_attempt_at).limit(1).with_for_update(skip_locked=True)
    with transaction() as session:
        return session.execute(
            update(OutboxMessage)
            .where(OutboxMessage.id == first.scalar_subquery())
            .values(attempts=OutboxMessage.attempts + 1, next_attempt_at=now + CLAIM)
            .returning(OutboxMessage)
        ).scalar_one_or_none()


def _held_until(message: OutboxMessage) -> datetime | None:
    """The end of the receiver's quiet hours, for a message that has to heed them now."""
    if message.kind is None or channels.KINDS[message.kind].is_urgent or message.user_id is None:
        return None
    with reading(SYSTEM) as session:
        return end_of_quiet(session, message.user_id)


def _send_mail(message: OutboxMessage) -> None:
    server, mail = settings().mail, EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = server.sender, message.recipient, message.subject
    mail["Date"], mail["Message-ID"] = message.created_at, message.message_id
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.body)
    with _connected(server) as connection:
        connection.send_message(mail)


@contextmanager
def _connected(server: MailServer) -> Iterator[smtplib.SMTP]:
    context = ssl.create_default_context()
    if server.tls == "ssl":
        connection: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=PATIENCE, context=context)
    else:
        connection = smtplib.SMTP(server.host, server.port, timeout=PATIENCE)
    try:
        if server.tls == "starttls":
            connection.starttls(context=context)
        if server.user:
            connection.login(server.user, server.password)
        yield connection
    finally:
        connection.close()  # without a farewell: one that goes wrong after the message was taken must not look like a failure


def _have_said(message: OutboxMessage) -> None:
    with reading(SYSTEM) as session:
        robot = session.get(Robot, message.robot_id)
    if robot is None or not robot.is_active:
        raise RobotRefused(_("The robot is switched off."))
    robot_lines.say(robot.kind, robot.address, message.body)


_HAND_OVER: dict[str, Callable[[OutboxMessage], None]] = {MAIL: _send_mail, ROBOT: _have_said}


def _mark_sent(message: OutboxMessage) -> None:
    _update(message, sent_at=clock.now(), next_attempt_at=None, last_error=None)


def _put_off(message: OutboxMessage, error: str) -> None:
    following = clock.now() + min(FIRST_WAIT * 2 ** min(message.attempts - 1, 10), LONGEST_WAIT)
    is_over = following > message.created_at + GIVEN_UP_AFTER
    _update(message, next_attempt_at=None if is_over else following, last_error=error[:500])


def _update(message: OutboxMessage, **values: Any) -> None:
    with transaction() as session:
        session.execute(update(OutboxMessage).where(OutboxMessage.id == message.id).values(values))


def give_up_late(session: CrmSession) -> None:
    """Give up what is too old to be news: without a mail server nothing would ever end the waiting."""
    late = OutboxMessage.created_at < clock.now() - GIVEN_UP_AFTER
    is_waiting = OutboxMessage.sent_at.is_(None) & (OutboxMessage.next_attempt_at < clock.now())
    session.execute(update(OutboxMessage).where(late, is_waiting).values(next_attempt_at=None))


def get_queue(session: CrmSession, actor: Actor) -> Queue:
    """The newest messages that are not sent, for the administrator."""
    require(actor, Permission.USER_EDIT)
    unsent = select(OutboxMessage, Robot.name, User.name.label("owner")).outerjoin(Robot, Robot.id == OutboxMessage.robot_id)
    unsent = unsent.outerjoin(User, User.id == Robot.user_id).where(OutboxMessage.sent_at.is_(None))
    unsent = unsent.order_by(OutboxMessage.id.desc()).limit(SHOWN)
    waiting = session.execute(unsent.where(OutboxMessage.next_attempt_at.is_not(None)))
    given_up = session.execute(unsent.where(OutboxMessage.next_attempt_at.is_(None)))
    return Queue([_waiting(*row) for row in waiting], [_waiting(*row) for row in given_up])


def _waiting(message: OutboxMessage, robot: str | None, owner: str | None) -> Waiting:
    return Waiting(
        message.id,
        message.channel,
        _("{robot}, by {name}").format(robot=robot, name=owner) if robot else message.recipient,
        message.subject,
        message.attempts,
        message.created_at,
        message.next_attempt_at,
        tell(message.last_error or ""),
    )


def retry(session: CrmSession, actor: Actor, message_id: int) -> None:
    """Send a message that waits or was given up with the next round. Raises `NotFound` for one that was sent meanwhile."""
    require(actor, Permission.USER_EDIT)
    again = update(OutboxMessage).where(OutboxMessage.id == message_id, OutboxMessage.sent_at.is_(None))
    message = session.execute(again.values(next_attempt_at=clock.now()).returning(OutboxMessage)).scalar_one_or_none()
    if message is None:
        raise NotFound
    audit.record(session, "retried", message)
