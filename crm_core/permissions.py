"""Who may do what: permissions, the built-in roles, and the frozen actor that every service receives."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from functools import lru_cache

from crm_core.errors import NotAllowed
from crm_core.i18n import N_, _


class Permission(StrEnum):
    """What a role can be granted, named `noun:verb`."""

    CUSTOMER_READ = "customer:read"
    CUSTOMER_CREATE = "customer:create"
    CUSTOMER_EDIT = "customer:edit"
    CUSTOMER_DELETE = "customer:delete"
    CUSTOMER_RESTORE = "customer:restore"
    CUSTOMER_ARCHIVE = "customer:archive"
    CUSTOMER_MERGE = "customer:merge"
    CUSTOMER_TRANSFER = "customer:transfer"
    CUSTOMER_REVIEW = "customer:review"
    CUSTOMER_IMPORT = "customer:import"
    CUSTOMER_EXPORT = "customer:export"
    CONTRACT_READ = "contract:read"
    CONTRACT_WRITE = "contract:write"
    TARGET_EDIT = "target:edit"
    FOLLOW_UP_WRITE = "follow_up:write"
    FOLLOW_UP_DELETE = "follow_up:delete"
    TICKET_READ = "ticket:read"
    TICKET_WRITE = "ticket:write"
    TICKET_ASSIGN = "ticket:assign"
    POOL_CLAIM = "pool:claim"
    OPPORTUNITY_READ = "opportunity:read"
    OPPORTUNITY_WRITE = "opportunity:write"
    PRODUCT_EDIT = "product:edit"
    CAMPAIGN_READ = "campaign:read"
    CAMPAIGN_WRITE = "campaign:write"
    SENSITIVE_REVEAL = "sensitive:reveal"
    DASHBOARD_READ = "dashboard:read"
    CHURN_READ = "churn:read"
    LIBRARY_EDIT = "library:edit"
    RULE_EDIT = "rule:edit"
    USER_EDIT = "user:edit"
    ROLE_EDIT = "role:edit"
    AUDIT_READ = "audit:read"


PERMISSIONS = {
    Permission.CUSTOMER_READ: N_("See customers"),
    Permission.CUSTOMER_CREATE: N_("Enter customers"),
    Permission.CUSTOMER_EDIT: N_("Edit customers"),
    Permission.CUSTOMER_DELETE: N_("Delete customers"),
    Permission.CUSTOMER_RESTORE: N_("Restore customers"),
    Permission.CUSTOMER_ARCHIVE: N_("Archive customers"),
    Permission.CUSTOMER_MERGE: N_("Merge customers"),
    Permission.CUSTOMER_TRANSFER: N_("Transfer customers"),
    Permission.CUSTOMER_REVIEW: N_("Review entries"),
    Permission.CUSTOMER_IMPORT: N_("Import data"),
    Permission.CUSTOMER_EXPORT: N_("Export data"),
    Permission.CONTRACT_READ: N_("See contracts and payments"),
    Permission.CONTRACT_WRITE: N_("Sign and edit contracts"),
    Permission.TARGET_EDIT: N_("Set sales targets"),
    Permission.FOLLOW_UP_WRITE: N_("Write follow-ups"),
    Permission.FOLLOW_UP_DELETE: N_("Delete follow-ups"),
    Permission.TICKET_READ: N_("See tickets"),
    Permission.TICKET_WRITE: N_("Work on tickets"),
    Permission.TICKET_ASSIGN: N_("Assign tickets"),
    Permission.POOL_CLAIM: N_("Claim customers from the pool"),
    Permission.OPPORTUNITY_READ: N_("See opportunities"),
    Permission.OPPORTUNITY_WRITE: N_("Work on opportunities"),
    Permission.PRODUCT_EDIT: N_("Edit the product catalogue"),
    Permission.CAMPAIGN_READ: N_("See campaigns"),
    Permission.CAMPAIGN_WRITE: N_("Run campaigns"),
    Permission.SENSITIVE_REVEAL: N_("Reveal masked values"),
    Permission.DASHBOARD_READ: N_("See dashboards"),
    Permission.CHURN_READ: N_("See churn warnings"),
    Permission.LIBRARY_EDIT: N_("Edit the preset library"),
    Permission.RULE_EDIT: N_("Set rules and fields"),
    Permission.USER_EDIT: N_("Manage accounts and teams"),
    Permission.ROLE_EDIT: N_("Edit roles"),
    Permission.AUDIT_READ: N_("Read the audit log"),
}
"""What each permission is called."""

AREAS = {
    "customer": N_("Customer management"),
    "follow_up": N_("Customer management"),
    "ticket": N_("Customer service"),
    "pool": N_("Customer management"),
    "opportunity": N_("Sales"),
    "product": N_("Sales"),
    "campaign": N_("Marketing"),
    "sensitive": N_("Customer management"),
    "contract": N_("Sales"),
    "target": N_("Sales"),
    "dashboard": N_("Insight"),
    "churn": N_("Insight"),
    "library": N_("Administration"),
    "rule": N_("Administration"),
    "user": N_("Administration"),
    "role": N_("Administration"),
    "audit": N_("Administration"),
}
"""Where a permission is used, by its noun."""


def area_of(permission: Permission) -> str:
    """The part of the system in which a permission is used, in the language in force."""
    return _(AREAS[permission.partition(":")[0]])


class Scope(StrEnum):
    """Whose customers a role sees."""

    OWN = "own"
    TEAM = "team"
    ALL = "all"


SCOPES = {Scope.OWN: N_("Own customers"), Scope.TEAM: N_("Own team and below"), Scope.ALL: N_("All customers")}


class Access(IntEnum):
    """What a role may do with values of a sensitive kind; each includes the ones before."""

    HIDDEN = 0
    MASKED = 1
    READABLE = 2
    EDITABLE = 3


ACCESS = {
    Access.HIDDEN: N_("Hidden"),
    Access.MASKED: N_("Masked"),
    Access.READABLE: N_("Readable"),
    Access.EDITABLE: N_("Editable"),
}

SENSITIVE = {"phone": N_("Phone"), "email": N_("Email"), "identity_number": N_("Identity number"), "address": N_("Street address")}
"""The kinds of values that a role may be kept from; fields name theirs in their declaration."""


@dataclass(frozen=True)
class RoleTemplate:
    """A built-in role as it is created in a new database."""

    label: str
    scope: Scope
    permissions: frozenset[Permission]
    access: Mapping[str, Access]


_READING = frozenset({Permission.CUSTOMER_READ, Permission.DASHBOARD_READ})
_SERVING = {Permission.TICKET_READ, Permission.TICKET_WRITE}
_SEEING_SALES = _READING | {Permission.OPPORTUNITY_READ, Permission.CONTRACT_READ, Permission.CAMPAIGN_READ}
"""All but 客服, who see neither opportunities nor what was agreed [000]."""
_WORKING = _SEEING_SALES | {
    Permission.CUSTOMER_CREATE,
    Permission.CUSTOMER_EDIT,
    Permission.FOLLOW_UP_WRITE,
    Permission.POOL_CLAIM,
    Permission.TICKET_READ,
    Permission.OPPORTUNITY_WRITE,
    Permission.CONTRACT_WRITE,
    Permission.CHURN_READ,
}
_PROMOTING = _SEEING_SALES | {Permission.CAMPAIGN_WRITE}
_LEADING = _WORKING | {
    Permission.TICKET_WRITE,
    Permission.TICKET_ASSIGN,
    Permission.CAMPAIGN_WRITE,
    Permission.CUSTOMER_DELETE,
    Permission.CUSTOMER_RESTORE,
    Permission.CUSTOMER_ARCHIVE,
    Permission.CUSTOMER_MERGE,
    Permission.CUSTOMER_TRANSFER,
    Permission.CUSTOMER_REVIEW,
    Permission.CUSTOMER_IMPORT,
    Permission.CUSTOMER_EXPORT,
    Permission.FOLLOW_UP_DELETE,
    Permission.SENSITIVE_REVEAL,
    Permission.TARGET_EDIT,
}


def _access(usual: Access, identity_number: Access) -> dict[str, Access]:
    return {kind: identity_number if kind == "identity_number" else usual for kind in SENSITIVE}


BUILT_IN_ROLES = {
    "administrator": RoleTemplate(N_("Administrator"), Scope.ALL, frozenset(Permission), _access(Access.EDITABLE, Access.EDITABLE)),
    "manager": RoleTemplate(N_("Manager"), Scope.TEAM, _LEADING, _access(Access.EDITABLE, Access.MASKED)),
    "sales": RoleTemplate(N_("Sales"), Scope.OWN, _WORKING, _access(Access.EDITABLE, Access.MASKED)),
    "service": RoleTemplate(N_("Service"), Scope.ALL, _READING | _SERVING, _access(Access.READABLE, Access.HIDDEN)),
    "marketing": RoleTemplate(N_("Marketing"), Scope.ALL, _PROMOTING, _access(Access.MASKED, Access.HIDDEN)),
    "viewer": RoleTemplate(N_("Read only"), Scope.TEAM, _SEEING_SALES | {Permission.TICKET_READ}, _access(Access.MASKED, Access.HIDDEN)),
}


@dataclass(frozen=True)
class Actor:
    """The person (or the system) on whose behalf something is done; holds no database object."""

    id: int | None
    name: str
    permissions: frozenset[str]
    scope: Scope = Scope.OWN
    team_ids: frozenset[int] = frozenset()
    access: frozenset[tuple[str, int]] = frozenset()
    entry_stages: frozenset[str] | None = None
    """The lifecycle stages in which the role may enter customers; None for all."""
    language: str = "zh_CN"
    username: str = ""
    avatar: str = ""
    """The digest of the picture, or nothing."""
    address: str = ""
    """The network address of the session."""
    session_id: int | None = None
    session_used_at: datetime | None = field(default=None, compare=False)
    must_change_password: bool = False
    must_enrol: bool = False
    """The role demands a second factor and the account has none yet."""
    needs_second_factor: bool = False
    """The role demands a second factor."""

    @property
    def is_held_up(self) -> bool:
        """Something has to be done in the personal settings before anything else: a new password, or enrolling a second factor."""
        return self.must_change_password or self.must_enrol

    def can(self, permission: Permission) -> bool:
        """Whether the actor holds the permission."""
        return permission in self.permissions

    def access_to(self, kind: str) -> Access:
        """What the actor may do with values of a sensitive kind; hidden where the role does not say."""
        return _levels(self.access).get(kind, Access.HIDDEN)


@lru_cache(maxsize=256)
def _levels(access: frozenset[tuple[str, int]]) -> dict[str, Access]:
    """By kind; where two levels stand for one, the higher."""
    return {kind: Access(level) for kind, level in sorted(access)}


SYSTEM = Actor(
    id=None,
    name="system",
    permissions=frozenset(Permission),
    scope=Scope.ALL,
    access=frozenset((kind, Access.EDITABLE) for kind in SENSITIVE),
)


def require(actor: Actor, permission: Permission) -> None:
    """Raise `NotAllowed`, with the name of the permission, unless the actor holds it."""
    if not actor.can(permission):
        label = _(PERMISSIONS[permission])
        raise NotAllowed(
            permission, _("Your role lacks the permission “{permission}”. Ask an administrator for it.").format(permission=label)
        )
