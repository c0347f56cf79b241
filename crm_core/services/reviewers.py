"""Who can review: the holders of the permission, and the heads above an author."""

from collections.abc import Collection

from sqlalchemy import select

from crm_core.db import CrmSession
from crm_core.models import Role, Team, User
from crm_core.permissions import Permission
from crm_core.services.roles import ADMINISTRATOR


def holders(session: CrmSession) -> dict[int, str]:
    """Everybody with an active account whose role reviews entries, with the code of that role, in the order of the accounts."""
    rows = session.execute(select(User.id, Role.code, Role.permissions).join(User.role).where(User.is_active).order_by(User.id))
    return {row.id: row.code for row in rows if Permission.CUSTOMER_REVIEW in row.permissions}


def heads_above(session: CrmSession, user_ids: Collection[int]) -> dict[int, list[int]]:
    """The heads of each one's team and of those above it, the nearest first, without themselves; two queries, however many they are."""
    teams = {row.id: row for row in session.execute(select(Team.id, Team.parent_id, Team.head_id))}
    places = {row.id: row.team_id for row in session.execute(select(User.id, User.team_id).where(User.id.in_(user_ids)))}
    heads: dict[int, list[int]] = {user_id: [] for user_id in user_ids}
    for user_id, found in heads.items():
        place = places.get(user_id)
        while place in teams:
            if teams[place].head_id not in (None, user_id):
                found.append(teams[place].head_id)
            place = teams[place].parent_id
    return heads


def nearest(session: CrmSession, author_id: int) -> list[int]:
    """Who reviews where nobody else does, never the author: the next head up the tree, else the administrators, else all who review."""
    able = {user_id: role for user_id, role in holders(session).items() if user_id != author_id}
    heads = [head for head in heads_above(session, [author_id])[author_id] if head in able]
    return heads[:1] or [user_id for user_id, role in able.items() if role == ADMINISTRATOR] or list(able)


def role_titles(session: CrmSession) -> dict[str, str]:
    """What every role is called, by its code."""
    return {role.code: role.title for role in session.execute(select(Role).order_by(Role.id)).scalars()}
