"""Passwords: their rule and their hashes, changing one's own, and one-time passwords.

bcrypt is slow on purpose and a writer holds SQLite's only lock, so passwords are checked and hashed before the transaction
that keeps them: services that write take the hash.
"""

import secrets
from dataclasses import dataclass

import bcrypt
from sqlalchemy import delete

from crm_core import audit
from crm_core.db import CrmSession
from crm_core.errors import ValidationFailed
from crm_core.i18n import _
from crm_core.models import User, UserSession
from crm_core.permissions import Actor
from crm_core.services.users import get_manageable, get_user

MIN_PASSWORD = 8
MAX_PASSWORD_BYTES = 72


@dataclass(frozen=True)
class PasswordChange:
    """A checked change of one's own password: the hash that was compared, and the one that takes its place."""

    old_hash: str
    new_hash: str


def check_password(password: str) -> str:
    """Letters, digits and special characters, at least 8 [001]; at most 72 bytes, which is what bcrypt reads.

    Raises `ValueError` with a sentence.
    """
    kinds = (str.isalpha, str.isdigit, lambda one: not one.isalnum() and not one.isspace())
    if len(password) < MIN_PASSWORD or not all(any(kind(one) for one in password) for kind in kinds):
        raise ValueError(_("A password has at least 8 characters, with letters, digits and special characters such as ! or #."))
    if password != password.strip():
        raise ValueError(_("A password cannot begin or end with a blank. Leave it out."))
    if len(password.encode()) > MAX_PASSWORD_BYTES:
        raise ValueError(_("This password is too long. Use at most 72 characters."))
    return password


def hash_password(password: str) -> str:
    """The hash of a password that keeps the rule, as streamlit-authenticator checks it. Raises `ValidationFailed`."""
    try:
        return _hash(check_password(password))
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
    """Give an account a one-time password; its sessions end and a lock is lifted."""
    user = get_manageable(session, actor, user_id)
    _set_password(session, user, password_hash, must_change=True)
    user.locked_until, user.failed_sign_ins = None, 0


def check_change(session: CrmSession, actor: Actor, *, old: str, new: str) -> PasswordChange:
    """Check a change of one's own password; it is made by `change_password`. Raises `ValidationFailed`."""
    present = get_user(session, actor.id or 0).password_hash
    errors: dict[str, list[str]] = {}
    if not bcrypt.checkpw(old.encode()[:MAX_PASSWORD_BYTES], present.encode()):
        errors["old"] = [_wrong_password()]
    try:
        check_password(new)
    except ValueError as problem:
        errors["new"] = [str(problem)]
    if old == new:
        errors["new"] = [_("Choose a password that differs from the present one.")]
    if errors:
        raise ValidationFailed(errors)
    return PasswordChange(present, _hash(new))


def _wrong_password() -> str:
    return _("This is not your present password. Enter it again.")


def change_password(session: CrmSession, actor: Actor, change: PasswordChange) -> None:
    """Change one's own password; all other sessions of the account end.

    Raises `ValidationFailed` if the password became another one since the change was checked.
    """
    user = get_user(session, actor.id or 0)
    if user.password_hash != change.old_hash:
        raise ValidationFailed({"old": [_wrong_password()]})
    _set_password(session, user, change.new_hash, must_change=False, keep_session=actor.session_id)


def _set_password(session: CrmSession, user: User, password_hash: str, *, must_change: bool, keep_session: int | None = None) -> None:
    user.password_hash = password_hash
    user.must_change_password = must_change
    audit.record(session, "password_set", user)
    session.execute(delete(UserSession).where(UserSession.user_id == user.id, UserSession.id != (keep_session or 0)))
