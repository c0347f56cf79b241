"""Signing in and out: failures and lockout, server-side sessions, and the one-time ticket that becomes a cookie."""

import secrets
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import joinedload

from crm_core import audit, clock, crypto
from crm_core.config import settings
from crm_core.db import CrmSession
from crm_core.errors import SignInRefused
from crm_core.i18n import _
from crm_core.models import SignInTicket, User, UserSession
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import users
from crm_core.services.actors import ACTOR_COLUMNS, actor_of
from crm_core.validation import clean_text

FAILURES_BEFORE_LOCK = 5
FIRST_LOCK = timedelta(minutes=1)
LONGEST_LOCK = timedelta(hours=1)
TICKET_LIFE = timedelta(minutes=1)
LAST_USE_STEP = timedelta(minutes=5)
"""`last_used_at` is written at most this often, so that reading pages stays reading."""


def _account(username: str) -> str:
    return clean_text(username).lower()


def claim_attempt(session: CrmSession, username: str) -> User | None:
    """The account whose password may be checked now; None for an unknown, disabled or locked one.

    The attempt is counted before the check, so that guesses sent at once do not outrun the count: with the fifth the account is
    locked, each further time twice as long, at most an hour. Signing in forgets the count.
    """
    statement = select(User).where(User.username == _account(username)).with_for_update()
    user = session.execute(statement).scalar_one_or_none()
    if user is None or not user.is_active or user.is_locked():
        return None
    user.failed_sign_ins += 1
    over = user.failed_sign_ins - FAILURES_BEFORE_LOCK
    if over >= 0:
        user.locked_until = clock.now() + min(FIRST_LOCK * 2 ** min(over, 10), LONGEST_LOCK)
    return user


def refuse(session: CrmSession, username: str, *, address: str = "") -> SignInRefused:
    """Log that somebody was not let in, and what to tell them: how long a locked account stays so, otherwise the same for every reason.

    The name that was entered is logged only where it is an account's: it may be a password in the wrong field.
    """
    user = session.execute(select(User).where(User.username == _account(username))).scalar_one_or_none()
    nobody = replace(SYSTEM, name="", address=address)
    if user:
        audit.record(session, "sign_in_failed", user, new=user.username, actor=nobody)
    else:
        audit.record_event(session, "sign_in_failed", User.__tablename__, actor=nobody)
    if user and user.is_locked() and user.locked_until:
        minutes = int((user.locked_until - clock.now()).total_seconds() // 60) + 1
        return SignInRefused(
            _("Too many failed attempts. Try again in {minutes} minutes, or ask an administrator for a new password.").format(
                minutes=minutes
            )
        )
    return SignInRefused(_("Account or password is not right. After five failures the account is locked for a while."))


def open_session(session: CrmSession, username: str, *, browser: str = "", address: str = "") -> str:
    """Begin a session for an account whose password was checked, and return a ticket with which this browser collects it.

    `browser` is the random cookie of the browser, so that a link with somebody's ticket signs nobody else in.
    """
    user = session.execute(select(User).where(User.username == _account(username), User.is_active)).scalar_one()
    user.failed_sign_ins, user.locked_until, user.last_sign_in_at = 0, None, clock.now()
    token, ticket = crypto.token(), crypto.token()
    session.add(UserSession(token_hash=crypto.token_hash(token), user_id=user.id, address=address))
    audit.record(session, "signed_in", user, actor=replace(SYSTEM, id=user.id, name=user.name, address=address))
    session.execute(delete(SignInTicket).where(SignInTicket.expires_at < clock.now()))
    session.add(
        SignInTicket(
            ticket_hash=crypto.token_hash(ticket),
            session_token=crypto.encrypt(token),
            browser_hash=crypto.token_hash(browser),
            expires_at=clock.now() + TICKET_LIFE,
        )
    )
    return ticket


def language_of(session: CrmSession, username: str) -> str:
    """The interface language of an account."""
    return session.execute(select(User.language).where(User.username == _account(username))).scalar_one()


def redeem_ticket(session: CrmSession, ticket: str, *, browser: str = "") -> str | None:
    """Trade a ticket for the session token, once; None if it is unknown, used, older than a minute or another browser's."""
    row = session.execute(
        delete(SignInTicket)
        .where(
            SignInTicket.ticket_hash == crypto.token_hash(ticket),
            SignInTicket.browser_hash == crypto.token_hash(browser),
            SignInTicket.expires_at > clock.now(),
        )
        .returning(SignInTicket.session_token)
    ).scalar_one_or_none()
    return crypto.decrypt(row) if row else None


def find_actor(session: CrmSession, token: str | None) -> Actor | None:
    """Who holds this session token; None once the session ended, idled out, or the account was disabled. One query."""
    if not token:
        return None
    now, limits = clock.now(), settings()
    found = session.execute(
        select(UserSession.id.label("session_id"), UserSession.last_used_at, UserSession.address, *ACTOR_COLUMNS)
        .join(UserSession.user)
        .join(User.role)
        .where(
            UserSession.token_hash == crypto.token_hash(token),
            UserSession.last_used_at > now - timedelta(hours=limits.session_idle_hours),
            UserSession.created_at > now - timedelta(days=limits.session_absolute_days),
            User.is_active,
        )
    ).one_or_none()
    if found is None:
        return None
    return replace(actor_of(session, found), address=found.address, session_id=found.session_id, session_used_at=found.last_used_at)


def is_use_stale(actor: Actor) -> bool:
    """Whether the last use of the actor's session should be written again."""
    return actor.session_used_at is not None and actor.session_used_at < clock.now() - LAST_USE_STEP


def note_use(session: CrmSession, session_id: int) -> None:
    """Remember that a session is in use, so that it does not idle out."""
    row = session.get(UserSession, session_id)
    if row is not None:
        row.last_used_at = clock.now()


def close_session(session: CrmSession, token: str) -> None:
    """Sign out: the session ends on the server."""
    ended = session.execute(
        select(UserSession).options(joinedload(UserSession.user)).where(UserSession.token_hash == crypto.token_hash(token))
    ).scalar_one_or_none()
    if ended:
        audit.record(
            session, "signed_out", ended.user, actor=replace(SYSTEM, id=ended.user_id, name=ended.user.name, address=ended.address)
        )
        session.delete(ended)


def setup_code() -> str:
    """The code that the first administrator must know; made once, kept in the data folder, shown on the console."""
    path = settings().setup_code_file
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text("-".join("".join(secrets.choice("ABCDEFGHJKLMNPQRSTUVWXYZ23456789") for _p in range(4)) for _g in range(3)))
    return path.read_text()


def forget_setup_code() -> None:
    """Remove the code once the administrator exists."""
    settings().setup_code_file.unlink(missing_ok=True)


def set_up(session: CrmSession, *, code: str, username: str, name: str, password_hash: str, language: str) -> User:
    """Create the first administrator. Raises `SignInRefused` for a wrong code or a second time, `ValidationFailed`."""
    users.refuse_if_set_up(session)
    if not secrets.compare_digest(code.strip().upper().encode(), setup_code().encode()):
        raise SignInRefused(_("The code is not right. It is printed on the console where the server was started."))
    return users.create_user(
        session,
        SYSTEM,
        username=username,
        name=name,
        password_hash=password_hash,
        role="administrator",
        language=language,
        must_change_password=False,
    )
