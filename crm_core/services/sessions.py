"""Signed-in browsers of an account: which there are, and ending them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, select

from crm_core import audit, clock
from crm_core.config import settings
from crm_core.db import CrmSession
from crm_core.models import User, UserSession
from crm_core.permissions import Actor
from crm_core.services.users import get_manageable


@dataclass(frozen=True)
class Browser:
    """A signed-in browser as its owner sees it."""

    id: int
    device: str
    city: str
    address: str
    created_at: datetime
    last_used_at: datetime
    is_this: bool


def is_alive() -> ColumnElement[bool]:
    """The condition that a session is within the idle and the absolute limit."""
    now, limits = clock.now(), settings()
    return (UserSession.last_used_at > now - timedelta(hours=limits.session_idle_hours)) & (
        UserSession.created_at > now - timedelta(days=limits.session_absolute_days)
    )


def list_sessions(session: CrmSession, actor: Actor, user_id: int) -> list[Browser]:
    """The signed-in browsers of an account, last used first. Anybody's for administrators, else one's own."""
    _require_own(session, actor, user_id)
    rows = session.execute(
        select(UserSession).where(UserSession.user_id == user_id, is_alive()).order_by(UserSession.last_used_at.desc(), UserSession.id)
    ).scalars()
    return [
        Browser(row.id, row.device, row.city, row.address, row.created_at, row.last_used_at, is_this=row.id == actor.session_id)
        for row in rows
    ]


def end_session(session: CrmSession, actor: Actor, user_id: int, session_id: int) -> None:
    """End one session of an account; its browser is at the sign-in form with its next action."""
    _end(session, actor, user_id, UserSession.id == session_id)


def end_other_sessions(session: CrmSession, actor: Actor, user_id: int) -> None:
    """End all sessions of an account except the one the actor works in."""
    _end(session, actor, user_id, UserSession.id != (actor.session_id or 0))


def _end(session: CrmSession, actor: Actor, user_id: int, which: ColumnElement[bool]) -> None:
    _require_own(session, actor, user_id)
    ended = delete(UserSession).where(UserSession.user_id == user_id, which).returning(UserSession.id)
    if session.execute(ended).all():
        audit.record(session, "session_ended", session.get_one(User, user_id))


def _require_own(session: CrmSession, actor: Actor, user_id: int) -> None:
    if user_id != actor.id:
        get_manageable(session, actor, user_id)
