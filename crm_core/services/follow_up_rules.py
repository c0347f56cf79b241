"""The rules of follow-ups and reminders: when a record counts as late, how long without contact is too long, when to remind."""

from dataclasses import asdict, dataclass, fields
from typing import Any

from crm_core.db import CrmSession
from crm_core.errors import ValidationFailed
from crm_core.i18n import N_, _
from crm_core.permissions import Actor
from crm_core.services.policies import get_policy, set_policy

AREA = "follow_ups"
LIMITS = {"late_hours": (1, 24 * 90), "quiet_days": (1, 3650), "remind_lead": (0, 60 * 24 * 30)}
LEADS = {
    0: N_("When it is due"),
    15: N_("15 minutes before"),
    60: N_("1 hour before"),
    60 * 24: N_("1 day before"),
    60 * 24 * 3: N_("3 days before"),
    60 * 24 * 7: N_("1 week before"),
}
"""How long before they are due people can be reminded of tasks, in minutes."""


@dataclass(frozen=True)
class FollowUpPolicy:
    """The rules in force."""

    late_hours: int = 24
    """Recorded later than so many hours after it happened, a follow-up is marked as late."""
    quiet_days: int = 30
    """A customer without contact for so many days is listed for its head."""
    remind_lead: int = 60 * 24
    """So many minutes before it is due people are reminded of a task, unless it says otherwise."""


def get_follow_up_policy(session: CrmSession) -> tuple[FollowUpPolicy, int]:
    """The rules in force and their version."""
    values, version = get_policy(session, AREA)
    known: dict[str, Any] = {name: value for name, value in values.items() if name in {one.name for one in fields(FollowUpPolicy)}}
    return FollowUpPolicy(**known), version


def save_follow_up_policy(session: CrmSession, actor: Actor, policy: FollowUpPolicy, *, version: int) -> None:
    """Keep the rules; they count for what is recorded from now on. Raises `NotAllowed`, `Conflict`, `ValidationFailed`."""
    errors = {
        name: [_("Enter a whole number from {least} to {most}.").format(least=least, most=most)]
        for name, (least, most) in LIMITS.items()
        if not least <= getattr(policy, name) <= most
    }
    if errors:
        raise ValidationFailed(errors)
    set_policy(session, actor, AREA, asdict(policy), version=version)
