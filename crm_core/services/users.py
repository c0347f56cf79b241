"""Accounts: creating, changing and listing users. Their passwords have a service of their own."""

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import joinedload

from crm_core import audit
from crm_core.cache import cached
from crm_core.config import settings
from crm_core.db import CrmSession
from crm_core.errors import NotFound, SignInRefused, ValidationFailed
from crm_core.i18n import LANGUAGES, _
from crm_core.models import Role, User, UserSession
from crm_core.numbering import bump
from crm_core.permissions import Actor, Permission, require
from crm_core.services.roles import ADMINISTRATOR, find_role, refuse_above
from crm_core.services.stale import NOTHING, refuse_changed
from crm_core.services.teams import list_teams, refuse_outside, teams_seen
from crm_core.validation import clean_name, clean_text

_USERNAME = re.compile(r"^[a-z0-9][a-z0-9._\-]{1,38}[a-z0-9]$")


def has_users(session: CrmSession) -> bool:
    """Whether the system has been set up."""
    return session.execute(select(User.id).limit(1)).first() is not None


def create_user(
    session: CrmSession,
    actor: Actor,
    *,
    username: str,
    name: str,
    password_hash: str,
    role: str,
    team_id: int | None = None,
    language: str | None = None,
    must_change_password: bool = True,
) -> User:
    """Add an account. Raises `NotAllowed`, `ValidationFailed`."""
    require(actor, Permission.USER_EDIT)
    refuse_outside(actor, team_id)
    errors: dict[str, list[str]] = {}
    username = _checked_username(session, errors, username)
    given = _checked_role(session, actor, errors, role)
    name = _checked_name(errors, name)
    _check_team(session, errors, team_id)
    if errors or given is None:
        raise ValidationFailed(errors)
    user = User(
        username=username,
        name=name,
        password_hash=password_hash,
        role_id=given.id,
        team_id=team_id,
        language=language if language in LANGUAGES else settings().language,
        must_change_password=must_change_password,
    )
    session.add(user)
    session.flush()
    bump(session, "users")
    return user


def _checked_username(session: CrmSession, errors: dict[str, list[str]], text: str) -> str:
    username = clean_text(text).lower()
    if not _USERNAME.match(username):
        errors["username"] = [_("An account has 3 to 40 lower-case letters, digits, dots or dashes.")]
    elif session.execute(select(User.id).where(User.username == username)).first():
        errors["username"] = [_("The account “{name}” exists already. Choose another one.").format(name=username)]
    return username


def _checked_role(session: CrmSession, actor: Actor, errors: dict[str, list[str]], code: str) -> Role | None:
    role = find_role(session, code)
    if role is None:
        errors["role"] = [_("Choose a role.")]
    else:
        refuse_above(actor, role)
    return role


def _checked_name(errors: dict[str, list[str]], text: str) -> str:
    try:
        return clean_name(text)
    except ValueError as problem:
        errors["name"] = [str(problem)]
        return ""


def _check_team(session: CrmSession, errors: dict[str, list[str]], team_id: int | None) -> None:
    if team_id is not None and team_id not in list_teams(session):
        errors["team_id"] = [_("This team was deleted meanwhile. Choose another one.")]


def update_user(
    session: CrmSession,
    actor: Actor,
    user_id: int,
    *,
    name: str,
    role: str,
    team_id: int | None,
    is_active: bool,
    seen: Mapping[str, Any] = NOTHING,
) -> None:
    """Change an account; disabling it ends its sessions. The last active administrator always remains.

    Raises `NotAllowed` also where the account's role or team, the present or the new one, allows or shows more than the actor's own;
    `Conflict` where the account is no longer as it was `seen`.
    """
    require(actor, Permission.USER_EDIT)
    _lock_with_administrators(session, user_id)
    user = get_manageable(session, actor, user_id)
    refuse_changed(user, seen)
    refuse_outside(actor, team_id)
    errors: dict[str, list[str]] = {}
    clean = _checked_name(errors, name)
    new_role = _checked_role(session, actor, errors, role)
    _check_team(session, errors, team_id)
    if user.role.code == ADMINISTRATOR and (role != ADMINISTRATOR or not is_active) and _is_last_administrator(session, user):
        errors["role"] = [_("This is the last administrator. Make somebody else administrator first.")]
    if errors or new_role is None:
        raise ValidationFailed(errors)
    if (user.role_id, user.team_id) != (new_role.id, team_id):
        bump(session, "customers")  # whose customers a team sees
    user.name, user.role_id, user.team_id, user.is_active = clean, new_role.id, team_id, is_active
    if not is_active and session.execute(delete(UserSession).where(UserSession.user_id == user.id).returning(UserSession.id)).first():
        audit.record(session, "session_ended", user)
    bump(session, "users")


def _lock_with_administrators(session: CrmSession, user_id: int) -> None:
    # In one order for everybody: of two administrators who demote each other at once, the second sees what the first did.
    ids = select(User.id).where(or_(User.id == user_id, User.role.has(Role.code == ADMINISTRATOR)))
    session.execute(ids.order_by(User.id).with_for_update(of=User))


def _is_last_administrator(session: CrmSession, user: User) -> bool:
    may_sign_in = (User.is_active, User.blocked_at.is_(None))
    active = select(User.id).where(User.role_id == user.role_id, *may_sign_in)
    return set(session.execute(active).scalars()) <= {user.id}


def set_language(session: CrmSession, actor: Actor, language: str) -> None:
    """Choose the language of one's own interface."""
    get_user(session, actor.id or 0).language = language if language in LANGUAGES else settings().language


def get_user(session: CrmSession, user_id: int) -> User:
    """An account with its role. Raises `NotFound`."""
    user = session.execute(select(User).options(joinedload(User.role)).where(User.id == user_id)).scalar_one_or_none()
    if user is None:
        raise NotFound
    return user


def get_manageable(session: CrmSession, actor: Actor, user_id: int) -> User:
    """An account that the actor may change: its role allows, and its teams show, no more than the actor's own.

    Raises `NotAllowed`, `NotFound`.
    """
    require(actor, Permission.USER_EDIT)
    user = get_user(session, user_id)
    refuse_above(actor, user.role)
    refuse_outside(actor, user.team_id, *teams_seen(session, user.id, user.team_id))
    return user


def list_users(session: CrmSession, actor: Actor) -> list[User]:
    """All accounts with role and team, for the administrator's page."""
    require(actor, Permission.USER_EDIT)
    return list(session.execute(select(User).options(joinedload(User.role), joinedload(User.team)).order_by(User.id)).scalars())


def user_names(session: CrmSession) -> dict[int, str]:
    """Names of all users by id, former ones included."""
    return cached(session, "users", "names", lambda: {row.id: row.name for row in session.execute(select(User.id, User.name))})


def administrator_names(session: CrmSession) -> list[str]:
    """Whom to ask for what one's own role does not allow: the active administrators."""

    def read() -> list[str]:
        statement = select(User.name).join(User.role).where(Role.code == ADMINISTRATOR, User.is_active).order_by(User.id)
        return list(session.execute(statement).scalars())

    return cached(session, "users", "administrators", read)


def refuse_if_set_up(session: CrmSession) -> None:
    """Raise `SignInRefused` once the first administrator exists."""
    if has_users(session):
        raise SignInRefused(_("The system is already set up. Sign in with your account."))
