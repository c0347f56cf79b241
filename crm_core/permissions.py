"""Who may do what: permissions, the built-in roles, and the frozen actor that every service receives."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from crm_core.errors import NotAllowed
from crm_core.i18n import N_


class Permission(StrEnum):
    """What a role can be granted, named `noun:verb`."""

    CUSTOMER_READ = "customer:read"
    CUSTOMER_CREATE = "customer:create"
    CUSTOMER_EDIT = "customer:edit"
    CUSTOMER_DELETE = "customer:delete"
    CUSTOMER_IMPORT = "customer:import"
    IDENTITY_READ = "identity:read"
    DASHBOARD_READ = "dashboard:read"
    LIBRARY_EDIT = "library:edit"
    USER_EDIT = "user:edit"


class Scope(StrEnum):
    """Whose customers a role sees."""

    OWN = "own"
    TEAM = "team"
    ALL = "all"


@dataclass(frozen=True)
class RoleTemplate:
    """A built-in role as it is created in a new database."""

    label: str
    scope: Scope
    permissions: frozenset[Permission]


_SALES = frozenset(
    {
        Permission.CUSTOMER_READ,
        Permission.CUSTOMER_CREATE,
        Permission.CUSTOMER_EDIT,
        Permission.DASHBOARD_READ,
    }
)
_MANAGER = _SALES | {Permission.CUSTOMER_DELETE, Permission.CUSTOMER_IMPORT, Permission.IDENTITY_READ}

BUILT_IN_ROLES = {
    "administrator": RoleTemplate(N_("Administrator"), Scope.ALL, frozenset(Permission)),
    "manager": RoleTemplate(N_("Manager"), Scope.TEAM, _MANAGER),
    "sales": RoleTemplate(N_("Sales"), Scope.OWN, _SALES),
}


@dataclass(frozen=True)
class Actor:
    """The person (or the system) on whose behalf something is done; holds no database object."""

    id: int | None
    name: str
    permissions: frozenset[str]
    scope: Scope = Scope.OWN
    team_ids: frozenset[int] = frozenset()
    language: str = "zh_CN"
    username: str = ""
    session_id: int | None = None
    session_used_at: datetime | None = field(default=None, compare=False)
    must_change_password: bool = False

    def can(self, permission: Permission) -> bool:
        """Whether the actor holds the permission."""
        return permission in self.permissions


SYSTEM = Actor(id=None, name="system", permissions=frozenset(Permission), scope=Scope.ALL)


def require(actor: Actor, permission: Permission) -> None:
    """Raise `NotAllowed` unless the actor holds the permission."""
    if not actor.can(permission):
        raise NotAllowed(permission)
