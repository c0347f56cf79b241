"""Signing in and out: the password, then the code where one is asked for; server-side sessions, and the ticket that becomes a cookie."""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import joinedload

from crm_core import audit, clock, crypto
from crm_core.clients import Client
from crm_core.config import settings
from crm_core.db import CrmSession
from crm_core.errors import SignInRefused
from crm_core.i18n import _
from crm_core.models import SignInTicket, User, UserSession
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import devices, lockout, second_factor, users
from crm_core.services.actors import ACTOR_COLUMNS, actor_of
from crm_core.services.arrivals import note_arrival
from crm_core.services.lockout import account_name
from crm_core.services.sessions import is_alive

TICKET_LIFE = timedelta(minutes=1)
PROOF_LIFE = timedelta(minutes=5)
LAST_USE_STEP = timedelta(minutes=5)
"""`last_used_at` is written at most this often, so that reading pages stays reading."""


@dataclass(frozen=True)
class Proof:
    """The right password was entered for an account; the code may still be missing. It is kept on the server for some minutes."""

    username: str
    password_hash: str
    at: datetime


def claim_attempt(session: CrmSession, username: str, client: Client = Client()) -> User | None:
    """The account whose password may be checked now; None for an unknown, disabled, blocked or locked one.

    The attempt is counted before the check. With the fifth the account is locked for a minute, each further time twice as long,
    at most an hour; signing in forgets the count.
    """
    if not lockout.claim(session, username, client):
        return None
    return session.execute(select(User).where(User.username == account_name(username), *_may_sign_in())).scalar_one_or_none()


def _may_sign_in() -> tuple[Any, ...]:
    return User.is_active, User.blocked_at.is_(None)


def refusal() -> SignInRefused:
    """What to tell somebody who was not let in: the same for every reason, so that it says nothing of the account."""
    return SignInRefused(
        _("Account and password do not let you in. Check both; after five failures wait some minutes, or ask an administrator.")
    )


def refuse(session: CrmSession, username: str | None, client: Client) -> SignInRefused:
    """Log that somebody was not let in, and say what to tell them.

    The name that was entered is logged only where it is an account's: it may be a password in the wrong field.
    """
    nobody = replace(SYSTEM, name="", address=client.address)
    user = session.execute(select(User).where(User.username == account_name(username or ""))).scalar_one_or_none()
    if user:
        audit.record(session, "sign_in_failed", user, new=user.username, actor=nobody)
    else:
        audit.record_event(session, "sign_in_failed", User.__tablename__, actor=nobody)
    return refusal()


def accept_password(session: CrmSession, proof: Proof, client: Client = Client()) -> str | None:
    """Go on after the right password: a ticket, or None where a code has to be entered first.

    The attempt counts no more as a failure, but earlier ones stay until the sign-in is complete: else the password would open
    endless guesses at the code.
    """
    user = _proven(session, proof)
    if second_factor.is_asked(session, user, client.browser):
        lockout.take_back(session, proof.username, client)
        return None
    return open_session(session, user.username, client=client)


def claim_code(session: CrmSession, proof: Proof, client: Client = Client()) -> None:
    """Count an attempt at the code, in a transaction of its own. Raises `SignInRefused` while there were too many."""
    if not lockout.claim(session, proof.username, client):
        raise wrong_code()


def accept_code(session: CrmSession, proof: Proof, code: str, *, client: Client = Client(), is_trusted: bool = False) -> str:
    """Complete a sign-in with a code or recovery code; returns a ticket. `is_trusted`: this browser is not asked again for some time.

    Raises `SignInRefused` for a wrong or used code, after five minutes, and when the account changed meanwhile.
    """
    user = _proven(session, proof)
    if not second_factor.accept(session, user, code):
        raise wrong_code()
    ticket = open_session(session, user.username, client=client)
    if is_trusted:
        devices.trust(session, user.id, client.browser)
    return ticket


def wrong_code() -> SignInRefused:
    """What to tell somebody whose code does not let them in."""
    return SignInRefused(_("This code does not let you in. Enter the one your app shows now; after five failures wait some minutes."))


def _proven(session: CrmSession, proof: Proof) -> User:
    statement = select(User).where(User.username == proof.username, User.password_hash == proof.password_hash, *_may_sign_in())
    user = session.execute(statement).scalar_one_or_none()
    if user is None or proof.at < clock.now() - PROOF_LIFE:
        raise SignInRefused(_("The sign-in took too long or the account changed meanwhile. Begin again."))
    return user


def open_session(session: CrmSession, username: str, *, client: Client = Client()) -> str:
    """Begin a session for an account that proved itself, and return a ticket with which this browser collects it.

    The ticket is bound to the client's random cookie, so that a link with somebody's ticket signs nobody else in.
    """
    user = session.execute(select(User).where(User.username == account_name(username), *_may_sign_in())).scalar_one()
    lockout.forget(session, username, client)
    user.last_sign_in_at = clock.now()
    token, ticket = crypto.token(), crypto.token()
    begun = UserSession(token_hash=crypto.token_hash(token), user_id=user.id)
    session.add(begun)
    session.flush()
    note_arrival(session, begun, client)
    audit.record(session, "signed_in", user, actor=replace(SYSTEM, id=user.id, name=user.name, address=client.address))
    session.execute(delete(SignInTicket).where(SignInTicket.expires_at < clock.now()))
    session.add(
        SignInTicket(
            ticket_hash=crypto.token_hash(ticket),
            session_token=crypto.encrypt(token),
            browser_hash=crypto.token_hash(client.browser),
            expires_at=clock.now() + TICKET_LIFE,
        )
    )
    return ticket


def language_of(session: CrmSession, username: str) -> str:
    """The interface language of an account."""
    return session.execute(select(User.language).where(User.username == account_name(username))).scalar_one()


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
    """Who holds this session token; None once the session ended, idled out, or the account was disabled or blocked. One query."""
    if not token:
        return None
    found = session.execute(
        select(UserSession.id.label("session_id"), UserSession.last_used_at, UserSession.address, *ACTOR_COLUMNS)
        .join(UserSession.user)
        .join(User.role)
        .where(
            UserSession.token_hash == crypto.token_hash(token),
            is_alive(),
            *_may_sign_in(),
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
