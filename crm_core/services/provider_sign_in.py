"""Signing in through the company's OpenID Connect provider: whose account a verified mailbox is, and new accounts.

What the provider says is good once and for five minutes: afterwards only our own session counts, so ending it ends it.
"""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from crm_core import audit, clock, crypto
from crm_core.clients import Client
from crm_core.config import settings
from crm_core.db import CrmSession
from crm_core.errors import SignInRefused
from crm_core.i18n import _, language
from crm_core.models import Role, SignInTicket, User
from crm_core.permissions import SYSTEM
from crm_core.services import sign_in, users

log = logging.getLogger("kemai")

FRESH = timedelta(minutes=5)
CLOCKS_DIFFER = timedelta(minutes=2)


@dataclass(frozen=True)
class Identity:
    """Whom the provider signed in just now."""

    email: str
    name: str
    account: str
    """The provider's own short name of the person, if it has one."""
    proof: str
    """Names this one statement of the provider, so that it is used once."""


def identity_of(claims: Mapping[str, Any]) -> Identity | None:
    """The person of whom these claims speak; None where they are older than five minutes.

    Raises `SignInRefused` unless the provider verified the mailbox.
    """
    issued_at = datetime.fromtimestamp(int(claims.get("iat") or 0), UTC)
    if not -CLOCKS_DIFFER < clock.now() - issued_at < FRESH:
        return None
    email = str(claims.get("email") or "").strip()
    if not email or claims.get("email_verified") is not True:
        raise SignInRefused(
            _("{provider} did not confirm a mailbox for you. Ask your administrator.").format(provider=settings().oidc_label)
        )
    proof = " ".join(str(claims.get(name)) for name in ("iss", "sub", "iat", "nonce"))
    return Identity(email, str(claims.get("name") or ""), str(claims.get("preferred_username") or ""), crypto.token_hash(proof))


def needs_account(session: CrmSession, identity: Identity) -> bool:
    """Whether nobody has this mailbox yet and new people get an account by themselves."""
    return bool(settings().oidc_auto_create) and not _holders(session, identity)


def create_account(session: CrmSession, identity: Identity, *, password_hash: str) -> None:
    """An account for a new person with the role that the settings name. Raises `SignInRefused`.

    Its password is known to nobody until an administrator gives one.
    """
    role = settings().oidc_auto_create
    if session.execute(select(Role.id).where(Role.code == role)).first() is None:
        log.warning("CRM_OIDC_AUTO_CREATE names the role %r, which does not exist", role)
        raise _nobody(identity)
    username = _free_username(session, identity.account or identity.email)
    user = users.create_user(
        session,
        SYSTEM,
        username=username,
        name=identity.name[:60] or username,
        password_hash=password_hash,
        role=role,
        language=language(),
        must_change_password=False,
    )
    user.email = identity.email


def open_session(session: CrmSession, identity: Identity, *, client: Client) -> tuple[str, str] | None:
    """Begin a session for the account with this mailbox: its ticket and the account; None where the identity was used before.

    Raises `SignInRefused` unless exactly one active account, not blocked, has the mailbox.
    """
    holders = _holders(session, identity)
    active = [user for user in holders if user.is_active]
    if len(active) != 1:
        raise _nobody(identity)
    user = active[0]
    if user.blocked_at:
        raise SignInRefused(_("This account is blocked. Ask an administrator for a new one-time password."))
    if not _use_once(session, identity):
        return None
    audit.record(session, "signed_in_by_provider", user, new=settings().oidc_label)
    return sign_in.open_session(session, user.username, client=client), user.username


def _holders(session: CrmSession, identity: Identity) -> list[User]:
    return list(session.execute(select(User).where(func.lower(User.email) == identity.email.lower())).scalars())


def _use_once(session: CrmSession, identity: Identity) -> bool:
    # A ticket that no browser can redeem; tickets are removed once they expired, and by then the identity is no longer fresh.
    if session.execute(select(SignInTicket.id).where(SignInTicket.ticket_hash == identity.proof)).first():
        return False
    expires_at = clock.now() + FRESH + CLOCKS_DIFFER
    session.add(SignInTicket(ticket_hash=identity.proof, session_token="", browser_hash="", expires_at=expires_at))
    session.flush()
    return True


def _free_username(session: CrmSession, wish: str) -> str:
    plain = re.sub(r"[^a-z0-9._\-]", "", wish.partition("@")[0].lower()).strip("._-")[:34]
    stem = plain if len(plain) >= 3 else f"user{plain}"
    taken = set(session.execute(select(User.username).where(User.username.startswith(stem, autoescape=True))).scalars())
    return next(name for name in (stem, *(f"{stem}{number}" for number in range(2, len(taken) + 3))) if name not in taken)


def _nobody(identity: Identity) -> SignInRefused:
    return SignInRefused(
        _("No account here has the mailbox {email}. Ask your administrator to enter it with your account.").format(email=identity.email)
    )
