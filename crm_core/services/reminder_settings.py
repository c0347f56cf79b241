"""What somebody set about being told: the ways for each kind of message, quiet hours, and digests."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import time

from sqlalchemy import select

from crm_core import audit, clock
from crm_core.channels import KINDS, ways_for
from crm_core.db import CrmSession, insert_unless_there
from crm_core.errors import ValidationFailed
from crm_core.i18n import _
from crm_core.models import Customer, ReminderSetting, Team, User
from crm_core.permissions import Actor, Permission
from crm_core.scope import unscoped
from crm_core.services.users import get_user


@dataclass(frozen=True)
class Choices:
    """Everything that somebody chooses. Times are those where the team works; without them there are no quiet hours, and no digest."""

    channels: Mapping[str, Sequence[str]]
    quiet_from: time | None = None
    quiet_until: time | None = None
    digest_at: time | None = None


def get_choices(session: CrmSession, actor: Actor) -> Choices:
    """What is in force for the actor."""
    user = get_user(session, actor.id or 0)
    kept = session.get(ReminderSetting, user.id) or ReminderSetting()
    times = {name: _time(getattr(kept, name)) for name in ("quiet_from", "quiet_until", "digest_at")}
    return Choices({kind: ways_for(user.channels, kind) for kind in KINDS}, **times)


def kinds_for(session: CrmSession, actor: Actor) -> list[str]:
    """The kinds of messages that can reach the actor: what their role gets, what heads of teams get, and what owners of customers get."""
    is_head = session.execute(select(Team.id).where(Team.head_id == actor.id).limit(1)).first() is not None
    owned = select(Customer.id).where(Customer.owner_id == actor.id).limit(1)
    # Whoever owned customers before their role was changed still does.
    is_owner = session.execute(owned, execution_options=unscoped).first() is not None
    held = {*actor.permissions, Permission.CUSTOMER_EDIT} if is_owner else actor.permissions
    return [code for code, kind in KINDS.items() if kind.reaches(held, is_head=is_head)]


def save_choices(session: CrmSession, actor: Actor, choices: Choices) -> None:
    """Keep what somebody chose; it counts for what is not sent yet, too. Raises `ValidationFailed`."""
    if errors := _errors(choices):
        raise ValidationFailed(errors)
    insert_unless_there(session, ReminderSetting, user_id=actor.id)
    user, kept = get_user(session, actor.id or 0), session.get_one(ReminderSetting, actor.id)
    ways = {kind: [way for way in KINDS[kind].ways if way in choices.channels.get(kind, ())] for kind in KINDS}
    _log_ways(session, user, ways)
    user.channels = ways
    digest_at = _text(choices.digest_at)
    if digest_at and digest_at != kept.digest_at and digest_at <= clock.time_of_day(clock.now()):
        kept.digested_on = clock.today()  # the first one comes when that time comes
    kept.quiet_from, kept.quiet_until, kept.digest_at = _text(choices.quiet_from), _text(choices.quiet_until), digest_at
    kept.has_weekly = bool(ways["weekly"])


def _log_ways(session: CrmSession, user: User, ways: Mapping[str, list[str]]) -> None:
    before = {kind: list(ways_for(user.channels, kind)) for kind in KINDS}
    if changed := [kind for kind in KINDS if before[kind] != ways[kind]]:
        old, new = (json.dumps({kind: those[kind] for kind in changed}) for those in (before, ways))
        audit.record_change(session, user, field="channels", old=old, new=new)


def _errors(choices: Choices) -> dict[str, list[str]]:
    if (choices.quiet_from is None) is not (choices.quiet_until is None):
        name = "quiet_from" if choices.quiet_from is None else "quiet_until"
        return {name: [_("Quiet hours have a beginning and an end. Enter both, or neither.")]}
    if choices.quiet_from is not None and _text(choices.quiet_from) == _text(choices.quiet_until):
        return {"quiet_until": [_("Quiet hours end at another time than they begin.")]}
    return {}


def _time(text: str | None) -> time | None:
    return time.fromisoformat(text) if text else None


def _text(moment: time | None) -> str | None:
    return f"{moment:%H:%M}" if moment else None
