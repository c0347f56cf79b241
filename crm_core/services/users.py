"""Accounts: creating, changing and listing users, roles and teams. Their passwords have a service of their own."""

import re

from sqlalchemy import delete, select
from sqlalchemy.orm import joinedload

from crm_core import audit
from crm_core.cache import cached
from crm_core.config import settings
from crm_core.db import CrmSession
from crm_core.errors import NotFound, SignInRefused, ValidationFailed
from crm_core.i18n import LANGUAGES, _
from crm_core.models import Role, Team, User, UserSession
from crm_core.numbering import bump
from crm_core.permissions import BUILT_IN_ROLES, Actor, Permission, require
from crm_core.validation import check_length, clean_text

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
    errors: dict[str, list[str]] = {}
    username = _checked_username(session, errors, username)
    role_id = session.execute(select(Role.id).where(Role.code == role)).scalar()
    if role_id is None:
        errors["role"] = [_("Choose a role.")]
    name = _checked(errors, "name", name)
    if errors:
        raise ValidationFailed(errors)
    user = User(
        username=username,
        name=name,
        password_hash=password_hash,
        role_id=role_id,
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


def _checked(errors: dict[str, list[str]], field: str, text: str) -> str:
    clean = clean_text(text)
    try:
        check_length(clean, 60)
    except ValueError as problem:
        errors[field] = [str(problem)]
    if not clean:
        errors[field] = [_("Enter a name.")]
    return clean


def update_user(session: CrmSession, actor: Actor, user_id: int, *, name: str, role: str, team_id: int | None, is_active: bool) -> None:
    """Change an account; disabling it ends its sessions. The last active administrator always remains."""
    require(actor, Permission.USER_EDIT)
    user = get_user(session, user_id)
    new_role = session.execute(select(Role).where(Role.code == role)).scalar_one_or_none()
    errors: dict[str, list[str]] = {}
    clean = _checked(errors, "name", name)
    if new_role is None:
        errors["role"] = [_("Choose a role.")]
    elif user.role.code == "administrator" and (role != "administrator" or not is_active) and _is_last_administrator(session, user):
        errors["role"] = [_("This is the last administrator. Make somebody else administrator first.")]
    if errors or new_role is None:
        raise ValidationFailed(errors)
    if (user.role_id, user.team_id) != (new_role.id, team_id):
        bump(session, "customers")  # whose customers a team sees
    user.name, user.role_id, user.team_id, user.is_active = clean, new_role.id, team_id, is_active
    if not is_active and session.execute(delete(UserSession).where(UserSession.user_id == user.id).returning(UserSession.id)).first():
        audit.record(session, "session_ended", user)
    bump(session, "users")


def _is_last_administrator(session: CrmSession, user: User) -> bool:
    # All of them are locked: of two administrators who demote each other at once, the second sees what the first did.
    active = select(User.id).where(User.role_id == user.role_id, User.is_active).order_by(User.id).with_for_update()
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


def list_users(session: CrmSession, actor: Actor) -> list[User]:
    """All accounts with role and team, for the administrator's page."""
    require(actor, Permission.USER_EDIT)
    return list(session.execute(select(User).options(joinedload(User.role), joinedload(User.team)).order_by(User.id)).scalars())


def user_names(session: CrmSession) -> dict[int, str]:
    """Names of all users by id, former ones included."""
    return cached(session, "users", "names", lambda: {row.id: row.name for row in session.execute(select(User.id, User.name))})


def list_teams(session: CrmSession) -> dict[int, str]:
    """Names of all teams by id."""
    return {row.id: row.name for row in session.execute(select(Team.id, Team.name).order_by(Team.name))}


def create_team(session: CrmSession, actor: Actor, *, name: str, parent_id: int | None = None) -> int:
    """Add a team and return its id. Raises `ValidationFailed` for an empty or existing name."""
    require(actor, Permission.USER_EDIT)
    errors: dict[str, list[str]] = {}
    clean = _checked(errors, "name", name)
    if session.execute(select(Team.id).where(Team.name == clean)).first():
        errors["name"] = [_("“{name}” is already in the list. Choose another name.").format(name=clean)]
    if errors:
        raise ValidationFailed(errors)
    team = Team(name=clean, parent_id=parent_id)
    session.add(team)
    session.flush()
    return team.id


def ensure_roles(session: CrmSession) -> None:
    """Create the built-in roles that a database lacks, and give administrators what a new version brings."""
    present = {role.code: role for role in session.execute(select(Role)).scalars()}
    for code, template in BUILT_IN_ROLES.items():
        if code not in present:
            session.add(
                Role(
                    code=code,
                    name=template.label,
                    scope=template.scope,
                    permissions=sorted(template.permissions),
                    access=dict(template.access),
                )
            )
    if administrator := present.get("administrator"):
        administrator.permissions = sorted(BUILT_IN_ROLES["administrator"].permissions)


def list_roles(session: CrmSession) -> list[Role]:
    """All roles."""
    return list(session.execute(select(Role).order_by(Role.id)).scalars())


def teams_seen(session: CrmSession, user_id: int, team_id: int | None) -> frozenset[int]:
    """The teams whose customers a user with team scope sees: the own one, those that the user heads, and all below them."""
    below = select(Team.id).where((Team.id == team_id) | (Team.head_id == user_id)).cte("below", recursive=True)
    below = below.union(select(Team.id).where(Team.parent_id == below.c.id))
    return frozenset(session.execute(select(below.c.id)).scalars())


def refuse_if_set_up(session: CrmSession) -> None:
    """Raise `SignInRefused` once the first administrator exists."""
    if has_users(session):
        raise SignInRefused(_("The system is already set up. Sign in with your account."))
