"""The robots of group chats to which somebody has messages sent: added, tried, switched off, removed. Their keys are never shown again."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from crm_core.db import CrmSession
from crm_core.errors import NotFound, ValidationFailed
from crm_core.i18n import _
from crm_core.models import ROBOTS, Robot
from crm_core.permissions import Actor
from crm_core.services.outbox import enqueue_robot
from crm_core.services.robot_lines import read_address
from crm_core.validation import clean_text

MOST = 5


@dataclass(frozen=True)
class RobotRow:
    """A robot as its owner sees it."""

    id: int
    program: str
    name: str
    is_active: bool
    created_at: datetime


def list_robots(session: CrmSession, actor: Actor) -> list[RobotRow]:
    """The actor's robots, the oldest first."""
    found = select(Robot.id, Robot.kind, Robot.name, Robot.is_active, Robot.created_at).where(Robot.user_id == actor.id)
    return [
        RobotRow(row.id, _(ROBOTS[row.kind]), row.name, row.is_active, row.created_at) for row in session.execute(found.order_by(Robot.id))
    ]


def add_robot(session: CrmSession, actor: Actor, *, name: str, address: str, secret: str = "") -> int:
    """Keep a robot by the address that the chat program shows; returns its number. Raises `ValidationFailed`."""
    errors: dict[str, list[str]] = {}
    if not (clean := clean_text(name)[:60]):
        errors["name"] = [_("Give the robot a name, such as that of its group.")]
    try:
        kind, kept = read_address(address, secret)
    except ValidationFailed as problem:
        errors |= problem.errors
    if not errors and len(list_robots(session, actor)) >= MOST:
        errors["name"] = [_("You have {count} robots already. Remove one first.").format(count=MOST)]
    if errors:
        raise ValidationFailed(errors)
    robot = Robot(user_id=actor.id, kind=kind, name=clean, address=kept)
    session.add(robot)
    session.flush()
    return robot.id


def send_test(session: CrmSession, actor: Actor, robot_id: int) -> None:
    """Have a robot say hello with the next round, in quiet hours too. Raises `NotFound`."""
    robot = _own(session, actor, robot_id)
    text = _("Kemai: {name} has messages sent to this group. This is a test.").format(name=actor.name)
    enqueue_robot(session, robot.id, subject=_("Test message"), body=text, user_id=actor.id)


def switch_robot(session: CrmSession, actor: Actor, robot_id: int, *, is_active: bool) -> None:
    """Switch a robot off or on again; what waits for it meanwhile is tried until it is given up. Raises `NotFound`."""
    _own(session, actor, robot_id).is_active = is_active


def remove_robot(session: CrmSession, actor: Actor, robot_id: int) -> None:
    """Forget a robot, with the messages that wait for it. Raises `NotFound`."""
    session.delete(_own(session, actor, robot_id))


def _own(session: CrmSession, actor: Actor, robot_id: int) -> Robot:
    robot = session.execute(select(Robot).where(Robot.id == robot_id, Robot.user_id == actor.id)).scalar_one_or_none()
    if robot is None:
        raise NotFound(_("This robot was removed meanwhile. Reload the page."))
    return robot
