"""Teams: a tree in which a head sees the own team and all below it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from crm_core.db import CrmSession
from crm_core.errors import IllegalTransition, NotAllowed, NotFound, ValidationFailed
from crm_core.i18n import _
from crm_core.models import Team, User
from crm_core.numbering import bump
from crm_core.permissions import Actor, Permission, Scope, require
from crm_core.services.stale import NOTHING, refuse_changed
from crm_core.validation import clean_name


@dataclass(frozen=True)
class TeamNode:
    """A team in its place in the tree."""

    id: int
    name: str
    parent_id: int | None
    head_id: int | None
    depth: int
    members: int
    """Active accounts in the team itself."""


def list_teams(session: CrmSession) -> dict[int, str]:
    """Names of all teams by id."""
    return {row.id: row.name for row in session.execute(select(Team.id, Team.name).order_by(Team.name))}


def list_tree(session: CrmSession, actor: Actor) -> list[TeamNode]:
    """All teams, each one followed by those below it."""
    require(actor, Permission.USER_EDIT)
    counted = select(User.team_id, func.count()).where(User.is_active, User.team_id.is_not(None)).group_by(User.team_id)
    members = dict(session.execute(counted).all())
    below: dict[int | None, list[Team]] = {}
    for team in session.execute(select(Team).order_by(Team.name)).scalars():
        below.setdefault(team.parent_id, []).append(team)

    def branch(parent_id: int | None, depth: int) -> list[TeamNode]:
        nodes = []
        for team in below.get(parent_id, ()):
            nodes.append(TeamNode(team.id, team.name, team.parent_id, team.head_id, depth, members.get(team.id, 0)))
            nodes += branch(team.id, depth + 1)
        return nodes

    return branch(None, 0)


def create_team(session: CrmSession, actor: Actor, *, name: str, parent_id: int | None = None, head_id: int | None = None) -> int:
    """Add a team and return its id. Raises `ValidationFailed` for an empty or existing name, or an unknown place or head, `NotAllowed`."""
    require(actor, Permission.USER_EDIT)
    refuse_outside(actor, parent_id)
    team = Team(name="")
    _write(session, team, name=name, parent_id=parent_id, head_id=head_id)
    session.add(team)
    session.flush()
    bump(session, "customers")
    return team.id


def update_team(
    session: CrmSession,
    actor: Actor,
    team_id: int,
    *,
    name: str,
    parent_id: int | None,
    head_id: int | None,
    seen: Mapping[str, Any] = NOTHING,
) -> None:
    """Rename or move a team, or give it another head; what its people see follows at once.

    Raises `ValidationFailed`, also for a place below itself, `NotFound` and `NotAllowed`, `Conflict` where it is no longer as `seen`.
    """
    require(actor, Permission.USER_EDIT)
    team = _lock_teams(session).get(team_id)
    if team is None:
        raise _gone()
    refuse_outside(actor, team_id, *({parent_id} - {team.parent_id}))
    refuse_changed(team, seen)
    _write(session, team, name=name, parent_id=parent_id, head_id=head_id)
    bump(session, "customers")


def delete_team(session: CrmSession, actor: Actor, team_id: int) -> None:
    """Remove a team without members and teams below it. Raises `IllegalTransition`, `NotFound`, `NotAllowed`."""
    require(actor, Permission.USER_EDIT)
    teams = _lock_teams(session)
    if team_id not in teams:
        raise _gone()
    refuse_outside(actor, team_id)
    members = session.execute(select(func.count()).select_from(User).where(User.team_id == team_id)).scalar_one()
    if members or any(team.parent_id == team_id for team in teams.values()):
        raise IllegalTransition(_("Only an empty team can be deleted. Move its people, disabled ones too, and the teams below it first."))
    session.delete(teams[team_id])
    bump(session, "customers")


def teams_seen(session: CrmSession, user_id: int, team_id: int | None) -> frozenset[int]:
    """The teams whose customers a user with team scope sees: the own one, those that the user heads, and all below them."""
    below = select(Team.id).where((Team.id == team_id) | (Team.head_id == user_id)).cte("below", recursive=True)
    below = below.union(select(Team.id).where(Team.parent_id == below.c.id))
    return frozenset(session.execute(select(below.c.id)).scalars())


def teams_in_view(session: CrmSession, actor: Actor) -> dict[int, str]:
    """The teams to filter by: those whose customers the actor sees; none for somebody who sees only their own."""
    return {id: name for id, name in list_teams(session).items() if actor.scope is Scope.ALL or id in actor.team_ids}


def refuse_outside(actor: Actor, *team_ids: int | None) -> None:
    """Raise `NotAllowed` for a team whose customers the actor does not see, and for no team: whoever moves people or teams there,
    or takes over an account there, would see more than their role shows them.
    """
    if actor.scope is not Scope.ALL and not actor.team_ids.issuperset(team_ids):
        raise NotAllowed(
            Permission.USER_EDIT,
            _("You manage only teams whose customers you see yourself, and their people. Ask an administrator to do this."),
        )


def _lock_teams(session: CrmSession) -> dict[int, Team]:
    # All of them: two moves at once could otherwise close a circle that neither makes alone.
    return {team.id: team for team in session.execute(select(Team).order_by(Team.id).with_for_update()).scalars()}


def _write(session: CrmSession, team: Team, *, name: str, parent_id: int | None, head_id: int | None) -> None:
    teams, errors = _lock_teams(session), {}
    try:
        clean = clean_name(name)
    except ValueError as problem:
        errors["name"] = [str(problem)]
        clean = ""
    if any(other.name == clean for other in teams.values() if other is not team):
        errors["name"] = [_("“{name}” is already in the list. Choose another name.").format(name=clean)]
    if parent_id is not None and parent_id not in teams:
        errors["parent_id"] = [_("This team was deleted meanwhile. Choose another one.")]
    elif _is_within(teams, parent_id, team.id):
        errors["parent_id"] = [_("A team cannot belong to itself or to a team below it. Choose another place.")]
    is_kept = head_id is None or head_id == team.head_id
    if not is_kept and not session.execute(select(User.id).where(User.id == head_id, User.is_active)).first():
        errors["head_id"] = [_("The head of a team needs an active account. Choose somebody else.")]
    if errors:
        raise ValidationFailed(errors)
    team.name, team.parent_id, team.head_id = clean, parent_id, head_id


def _is_within(teams: dict[int, Team], place: int | None, team_id: int | None) -> bool:
    """Whether a place is the team itself or lies below it."""
    while place is not None and place != team_id:
        place = teams[place].parent_id
    return place is not None


def _gone() -> NotFound:
    return NotFound(_("This team was deleted meanwhile. Go back to the list of teams."))
