"""Passwords: their hashes, changing one's own, and one-time passwords.

bcrypt is slow on purpose and a writer holds SQLite's only lock, so passwords are checked and hashed before the transaction
that keeps them: services that write take the hash.
"""

import secrets
from dataclasses import dataclass

import bcrypt
from sqlalchemy import delete, select

from crm_core import audit, clock
from crm_core.checks.passwords import MAX_PASSWORD_BYTES, check_password
from crm_core.config import settings
from crm_core.db import CrmSession
from crm_core.errors import ValidationFailed
from crm_core.i18n import _
from crm_core.models import OldPassword, User, UserSession
from crm_core.permissions import Actor
from crm_core.services import account_links, devices, lockout
from crm_core.services.account_links import FORGOTTEN
from crm_core.services.users import get_manageable, get_user


@dataclass(frozen=True)
class PasswordChange:
    """A checked change of one's own password: the hash that was compared, and the one that takes its place."""

    old_hash: str
    new_hash: str


def hash_password(password: str, *, username: str = "") -> str:
    """The hash of a password that keeps the rule, as streamlit-authenticator checks it. Raises `ValidationFailed`."""
    try:
        return _hash(check_password(password, username=username))
    except ValueError as problem:
        raise ValidationFailed({"password": [str(problem)]}) from problem


def _hash(password: str) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt()).decode()


def random_password() -> str:
    """A one-time password that keeps the rule and is easy to type."""
    letters = "".join(secrets.choice("abcdefghjkmnpqrstuvwxyz") for _place in range(7))
    digits = "".join(secrets.choice("23456789") for _place in range(4))
    return f"{letters.capitalize()}{secrets.choice('#%+=!')}{digits}"


def reset_password(session: CrmSession, actor: Actor, user_id: int, *, password_hash: str) -> None:
    """Give an account a one-time password; its sessions end, and a lock and a block are lifted."""
    user = get_manageable(session, actor, user_id)
    set_password(session, user, password_hash, must_change=True)
    user.blocked_at = None
    lockout.lift(session, user)


def check_change(session: CrmSession, actor: Actor, *, old: str, new: str) -> PasswordChange:
    """Check a change of one's own password; it is made by `change_password`. Raises `ValidationFailed`."""
    user = get_user(session, actor.id or 0)
    errors: dict[str, list[str]] = {}
    if not is_password(user, old):
        errors["old"] = [_wrong_password()]
    if old == new:
        errors["new"] = [_("Choose a password that differs from the present one.")]
    elif problem := refused_password(session, user, new):
        errors["new"] = [problem]
    if errors:
        raise ValidationFailed(errors)
    return PasswordChange(user.password_hash, _hash(new))


def refused_password(session: CrmSession, user: User, new: str) -> str | None:
    """Why an account cannot have this new password: it breaks the rule, or was one of the last; None where it can."""
    try:
        check_password(new, username=user.username)
    except ValueError as problem:
        return str(problem)
    used = [user.password_hash, *_old_hashes(session, user, settings().password_history - 1)]
    if any(_matches(new, one) for one in used):
        return _("You had this password before. Choose another one.")
    return None


def _old_hashes(session: CrmSession, user: User, count: int) -> list[str]:
    statement = select(OldPassword.password_hash).where(OldPassword.user_id == user.id).order_by(OldPassword.id.desc())
    return list(session.execute(statement.limit(max(count, 0))).scalars())


def _matches(password: str, password_hash: str) -> bool:
    return bcrypt.checkpw(password.encode()[:MAX_PASSWORD_BYTES], password_hash.encode())


def is_password(user: User, password: str) -> bool:
    """Whether this is the account's present password."""
    return _matches(password, user.password_hash)


def _wrong_password() -> str:
    return _("This is not your present password. Enter it again.")


def check_own_password(session: CrmSession, actor: Actor, password: str) -> None:
    """Check one's own password, before the transaction that asked for it. Raises `ValidationFailed`."""
    if not _matches(password, get_user(session, actor.id or 0).password_hash):
        raise ValidationFailed({"password": [_wrong_password()]})


def change_password(session: CrmSession, actor: Actor, change: PasswordChange) -> None:
    """Change one's own password; all other sessions of the account end.

    Raises `ValidationFailed` if the password became another one since the change was checked.
    """
    user = get_user(session, actor.id or 0)
    if user.password_hash != change.old_hash:
        raise ValidationFailed({"old": [_wrong_password()]})
    set_password(session, user, change.new_hash, must_change=False, keep_session=actor.session_id)
    lockout.take_back_confirmation(session, actor)


def set_password(session: CrmSession, user: User, password_hash: str, *, must_change: bool, keep_session: int | None = None) -> None:
    """Replace a password that was checked: the old one is kept for comparison; other sessions, the trust in browsers and links
    that would set another one end.
    """
    _keep_old(session, user)
    user.password_hash, user.password_changed_at = password_hash, clock.now()
    user.must_change_password = must_change
    devices.end_trust(session, user.id)
    account_links.end_links(session, user.id, purpose=FORGOTTEN)
    audit.record(session, "password_reset" if must_change else "password_changed", user)
    session.execute(delete(UserSession).where(UserSession.user_id == user.id, UserSession.id != (keep_session or 0)))


def _keep_old(session: CrmSession, user: User) -> None:
    session.add(OldPassword(user_id=user.id, password_hash=user.password_hash))
    session.flush()
    compared = select(OldPassword.id).where(OldPassword.user_id == user.id).order_by(OldPassword.id.desc())
    kept = session.execute(compared.limit(max(settings().password_history - 1, 0))).scalars().all()
    session.execute(delete(OldPassword).where(OldPassword.user_id == user.id, OldPassword.id.not_in(kept)))
