"""Handing a message to the outbox by the ways that its receiver chose for its kind."""

from dataclasses import dataclass

from sqlalchemy import select

from crm_core.channels import MAIL, ROBOT, ways_for
from crm_core.db import CrmSession
from crm_core.i18n import N_, _
from crm_core.models import Robot, User
from crm_core.services.account_links import address_of
from crm_core.services.outbox import enqueue_mail, enqueue_robot


@dataclass(frozen=True)
class Letter:
    """A message in the language of its receiver; masked already, since it leaves the house."""

    subject: str
    paragraphs: tuple[str, ...]


SETTINGS_PATH = "/settings"
_WHY = N_("You get this since you chose so under Personal settings, Messages.")


def deliver(session: CrmSession, user: User, letter: Letter, *, kind: str, ways: tuple[str, ...], key: str) -> None:
    """Put a letter into the outbox for each of these ways that can reach somebody; with one key once. The caller set the language."""
    if MAIL in ways and user.email:
        why = "\n".join((_(_WHY), address_of(SETTINGS_PATH))).strip()
        body = "\n\n".join((*letter.paragraphs, why))
        subject = _("Kemai: {subject}").format(subject=letter.subject)
        enqueue_mail(session, recipient=user.email, subject=subject, body=body, user_id=user.id, kind=kind, key=f"{key}:{MAIL}")
    if ROBOT in ways:
        body = "\n\n".join((" · ".join((_("Kemai"), user.name, letter.subject)), *letter.paragraphs))
        active = select(Robot.id).where(Robot.user_id == user.id, Robot.is_active).order_by(Robot.id)
        for robot_id in session.execute(active).scalars():
            enqueue_robot(session, robot_id, subject=letter.subject, body=body, user_id=user.id, kind=kind, key=f"{key}:{robot_id}")


def ways_of(user: User, kind: str) -> tuple[str, ...]:
    """The ways that somebody chose for a kind of message."""
    return ways_for(user.channels, kind)
