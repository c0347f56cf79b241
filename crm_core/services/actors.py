"""Actors as the services receive them: an account with what its role and its place in the teams allow at this moment."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, select

from crm_core import clock
from crm_core.config import settings
from crm_core.db import CrmSession
from crm_core.models import Customer, Role, User
from crm_core.permissions import Actor, Permission, Scope
from crm_core.services.teams import teams_seen

# Bare columns: every rerun of every page asks for them, and making mapped objects took most of the answer.
ACTOR_COLUMNS = (
    User.id,
    User.name,
    User.username,
    User.avatar,
    User.team_id,
    User.language,
    User.must_change_password,
    User.password_changed_at,
    User.totp_confirmed_at,
    Role.scope,
    Role.permissions,
    Role.access,
    Role.entry_stages,
    Role.needs_second_factor,
)


def actor_of(session: CrmSession, row: Any) -> Actor:
    """The actor described by a row of `ACTOR_COLUMNS`."""
    return Actor(
        id=row.id,
        name=row.name,
        username=row.username,
        avatar=row.avatar or "",
        permissions=frozenset(row.permissions),
        scope=Scope(row.scope),
        team_ids=teams_seen(session, row.id, row.team_id) if row.scope == Scope.TEAM else frozenset(),
        access=frozenset(row.access.items()),
        entry_stages=None if row.entry_stages is None else frozenset(row.entry_stages),
        language=row.language,
        must_change_password=row.must_change_password or _is_too_old(row.password_changed_at),
        needs_second_factor=row.needs_second_factor,
        must_enrol=row.needs_second_factor and row.totp_confirmed_at is None,
    )


def _is_too_old(changed_at: datetime) -> bool:
    days = settings().password_days
    return bool(days) and changed_at < clock.now() - timedelta(days=days)


def list_actors(session: CrmSession, *conditions: ColumnElement[bool]) -> list[Actor]:
    """The accounts that match conditions on `User` and `Role`, in the order in which they were made."""
    rows = session.execute(select(*ACTOR_COLUMNS).join(User.role).where(*conditions).order_by(User.id)).all()
    return [actor_of(session, row) for row in rows]


def names_of_able(session: CrmSession, permission: Permission, *conditions: ColumnElement[bool]) -> dict[int, str]:
    """Who holds a permission, by id, in the order in which the accounts were made: names alone, where a list is to choose from."""
    rows = session.execute(select(User.id, User.name, Role.permissions).join(User.role).where(*conditions).order_by(User.id))
    return {row.id: row.name for row in rows if permission in row.permissions}


def people_seeing(session: CrmSession, customer_id: int) -> list[Actor]:
    """The active people who read this customer; nobody where the session's own actor does not."""
    owned = select(Customer.owner_id, User.team_id).outerjoin(User, User.id == Customer.owner_id).where(Customer.id == customer_id)
    owner = session.execute(owned).one_or_none()
    if owner is None:
        return []
    return [one for one in list_actors(session, User.is_active.is_(True)) if would_see(one, owner.owner_id, owner.team_id)]


def would_see(person: Actor, owner_id: int | None, team_id: int | None) -> bool:
    """Whether somebody reads the customers of this owner, who is in this team."""
    is_own = person.id == owner_id or (person.scope is Scope.TEAM and team_id in person.team_ids)
    return person.can(Permission.CUSTOMER_READ) and (person.scope is Scope.ALL or is_own)


@contextmanager
def acting_as(session: CrmSession, actor: Actor) -> Iterator[None]:
    """Let row scope and change log take somebody else for the author, for content that is made on behalf of people."""
    before = {name: session.info.get(name) for name in ("actor", "reason")}
    session.info["actor"] = actor
    try:
        yield
    finally:
        session.info.update(before)
