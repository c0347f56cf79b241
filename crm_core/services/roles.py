"""Roles: what each allows, changing that in the browser, and nobody granting what they do not have themselves."""

import secrets
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import func, select

from crm_core.db import CrmSession
from crm_core.errors import Conflict, IllegalTransition, NotAllowed, NotFound, ValidationFailed
from crm_core.i18n import N_, _, plural
from crm_core.models import STAGES, Role, User
from crm_core.numbering import bump
from crm_core.permissions import BUILT_IN_ROLES, SENSITIVE, Access, Actor, Permission, Scope, require
from crm_core.validation import clean_name

ADMINISTRATOR = "administrator"


@dataclass(frozen=True)
class Terms:
    """All that can be changed about a role. `entry_stages` are the customer types in which it enters customers; None for all."""

    name: str
    scope: str = Scope.OWN
    permissions: frozenset[str] = frozenset()
    access: tuple[tuple[str, int], ...] = tuple((kind, int(Access.HIDDEN)) for kind in SENSITIVE)
    entry_stages: frozenset[str] | None = None
    needs_second_factor: bool = False

    def rebased(self, base: "Terms", theirs: "Terms") -> "Terms":
        """What somebody else saved meanwhile, with the changes that turned `base` into these terms made to it."""
        added, removed = self.permissions - base.permissions, base.permissions - self.permissions
        mine = {name: value for name, value in vars(self).items() if name not in ("permissions", "access") and value != getattr(base, name)}
        access = dict(theirs.access) | dict(set(self.access) - set(base.access))
        return replace(theirs, **mine, permissions=theirs.permissions - removed | added, access=_in_order(access))


def _in_order(access: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple((kind, int(access.get(kind, Access.HIDDEN))) for kind in SENSITIVE)


def terms_of(role: Role) -> Terms:
    """What a role allows now."""
    return Terms(
        name=role.title,
        scope=role.scope,
        permissions=frozenset(role.permissions),
        access=_in_order(role.access),
        entry_stages=None if role.entry_stages is None else frozenset(role.entry_stages),
        needs_second_factor=role.needs_second_factor,
    )


def list_roles(session: CrmSession) -> list[Role]:
    """All roles, the built-in ones first."""
    return list(session.execute(select(Role).order_by(Role.id)).scalars())


def count_accounts(session: CrmSession) -> dict[int, int]:
    """How many accounts use each role, disabled ones included."""
    counted = select(User.role_id, func.count()).group_by(User.role_id)
    return dict(session.execute(counted).all())


def find_role(session: CrmSession, code: str) -> Role | None:
    """A role by code."""
    return session.execute(select(Role).where(Role.code == code)).scalar_one_or_none()


def create_role(session: CrmSession, actor: Actor, *, name: str, copy_of: int | None = None) -> Role:
    """Add a role that allows nothing yet, or what another one allows. Raises `ValidationFailed`, `NotAllowed`, `NotFound`."""
    require(actor, Permission.ROLE_EDIT)
    terms = replace(terms_of(_get_role(session, copy_of)) if copy_of else Terms(""), name=name)
    role = Role(code=f"role.{secrets.token_hex(6)}", name="")
    _write(session, actor, role, terms)
    session.add(role)
    session.flush()
    return role


def update_role(session: CrmSession, actor: Actor, role_id: int, terms: Terms, *, version: int) -> None:
    """Change a role; it counts from the next action of everybody who has it.

    Of the administrator's role only the second factor can be changed. Raises `Conflict` with the present terms if somebody saved
    after `version`, `ValidationFailed`, `NotAllowed`, `NotFound`, `IllegalTransition`.
    """
    require(actor, Permission.ROLE_EDIT)
    role = _get_role(session, role_id)
    before = terms_of(role)
    if role.version != version:
        raise Conflict(version=role.version, theirs=asdict(before))
    if role.code == ADMINISTRATOR and replace(terms, needs_second_factor=before.needs_second_factor) != before:
        raise IllegalTransition(_("The administrator's role always keeps every permission. Change another role, or make a copy of one."))
    refuse_above(actor, role)
    _write(session, actor, role, terms)
    session.flush()


def delete_role(session: CrmSession, actor: Actor, role_id: int) -> None:
    """Remove a role that nobody has. Raises `IllegalTransition` for a built-in one and while accounts use it."""
    require(actor, Permission.ROLE_EDIT)
    role = _get_role(session, role_id)
    refuse_above(actor, role)
    if is_built_in(role):
        raise IllegalTransition(_("“{name}” is a built-in role and stays. Take from it what it should not allow.").format(name=role.title))
    if used := count_accounts(session).get(role.id):
        raise IllegalTransition(
            plural(
                used,
                N_("{count} account has the role “{name}”. Give it another role first."),
                N_("{count} accounts have the role “{name}”. Give them another role first."),
            ).format(count=used, name=role.title)
        )
    session.delete(role)
    bump(session, "users")


def refuse_above(actor: Actor, role: Role) -> None:
    """Raise `NotAllowed` for a role that allows more than the actor may: nobody grants, changes or takes what they do not have."""
    if not is_within(actor, role):
        raise NotAllowed(
            Permission.ROLE_EDIT,
            _("The role “{name}” allows more than your own. Ask an administrator to do this.").format(name=role.title),
        )


def is_built_in(role: Role) -> bool:
    """Whether a role came with the system and stays."""
    return role.code in BUILT_IN_ROLES


def is_within(actor: Actor, role: Role) -> bool:
    """Whether a role allows no more than the actor may."""
    terms = terms_of(role)
    stages = terms.entry_stages or frozenset(STAGES)
    scopes = list(Scope)
    return (
        terms.permissions <= actor.permissions
        and scopes.index(Scope(terms.scope)) <= scopes.index(actor.scope)
        and all(level <= actor.access_to(kind) for kind, level in terms.access)
        and (actor.entry_stages is None or stages <= actor.entry_stages)
    )


def _get_role(session: CrmSession, role_id: int) -> Role:
    role = session.execute(select(Role).where(Role.id == role_id).with_for_update()).scalar_one_or_none()
    if role is None:
        raise NotFound(_("This role was deleted meanwhile. Go back to the list of roles."))
    return role


def _write(session: CrmSession, actor: Actor, role: Role, terms: Terms) -> None:
    errors = _errors(terms)
    try:
        name = clean_name(terms.name)
        _refuse_taken(session, name, besides=role.id)
    except ValueError as problem:
        errors["name"] = [str(problem)]
    if errors:
        raise ValidationFailed(errors)
    template = BUILT_IN_ROLES.get(role.code)
    role.name = template.label if template and name == _(template.label) else name
    role.scope, role.permissions, role.access = terms.scope, sorted(terms.permissions), dict(terms.access)
    role.entry_stages = None if terms.entry_stages is None else [stage for stage in STAGES if stage in terms.entry_stages]
    role.needs_second_factor = terms.needs_second_factor
    refuse_above(actor, role)
    bump(session, "users")
    bump(session, "customers")  # whose customers are seen


def _refuse_taken(session: CrmSession, name: str, *, besides: int | None) -> None:
    if any(role.title.casefold() == name.casefold() for role in list_roles(session) if role.id != besides):
        raise ValueError(_("“{name}” is already in the list. Choose another name.").format(name=name))


def _errors(terms: Terms) -> dict[str, list[str]]:
    errors: dict[str, list[str]] = {}
    checks: dict[str, tuple[Collection[Any], Collection[Any]]] = {
        "permissions": (terms.permissions, frozenset(Permission)),
        "scope": ([terms.scope], frozenset(Scope)),
        "access": ([kind for kind, _level in terms.access], SENSITIVE),
        "access_level": ([level for _kind, level in terms.access], frozenset(Access)),
        "entry_stages": (terms.entry_stages or (), STAGES),
    }
    for field, (given, known) in checks.items():
        if unknown := [str(one) for one in given if one not in known]:
            errors[field] = [_("“{value}” is not known here. Reload the page and choose again.").format(value=unknown[0][:40])]
    if terms.entry_stages is not None and not terms.entry_stages:
        errors["entry_stages"] = [_("Choose the customer types in which the role enters customers.")]
    return errors


def ensure_roles(session: CrmSession) -> None:
    """Create the built-in roles that a database lacks, and give administrators what a new version brings."""
    present = {role.code: role for role in list_roles(session)}
    for code, template in BUILT_IN_ROLES.items():
        if code not in present:
            values = {"permissions": sorted(template.permissions), "access": dict(template.access)}
            session.add(Role(code=code, name=template.label, scope=template.scope, **values))
    if administrator := present.get(ADMINISTRATOR):
        everything = BUILT_IN_ROLES[ADMINISTRATOR]
        administrator.permissions, administrator.access = sorted(everything.permissions), dict(everything.access)
