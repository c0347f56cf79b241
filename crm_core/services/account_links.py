"""Links sent by mail that act on an account: made with a purpose, good once and for a time."""

from datetime import timedelta

from sqlalchemy import delete, select

from crm_core import clock, crypto
from crm_core.config import settings
from crm_core.db import CrmSession
from crm_core.errors import NotFound
from crm_core.i18n import _
from crm_core.models import AccountLink

FORGOTTEN = "password"
"""The purpose of a link for a forgotten password; it ends when the password or the mailbox becomes another one."""


def make_link(session: CrmSession, user_id: int, *, purpose: str, life: timedelta) -> str:
    """A new link; returns its token, of which only the hash is kept."""
    token = crypto.token()
    session.add(AccountLink(user_id=user_id, purpose=purpose, token_hash=crypto.token_hash(token), expires_at=clock.now() + life))
    return token


def end_links(session: CrmSession, user_id: int, *, purpose: str) -> None:
    """End the links of an account that are still open for a purpose."""
    session.execute(
        delete(AccountLink).where(AccountLink.user_id == user_id, AccountLink.purpose == purpose, AccountLink.used_at.is_(None))
    )


def get_link(session: CrmSession, token: str, *, purpose: str) -> AccountLink:
    """A link that is still good; locked, so that of two who follow it at once the second finds it used. Raises `NotFound`."""
    link = session.execute(
        select(AccountLink)
        .where(
            AccountLink.token_hash == crypto.token_hash(token),
            AccountLink.purpose == purpose,
            AccountLink.used_at.is_(None),
            AccountLink.expires_at > clock.now(),
        )
        .with_for_update()
    ).scalar_one_or_none()
    if link is None:
        raise dead_link()
    return link


def dead_link() -> NotFound:
    """What to say of a link that cannot be used."""
    return NotFound(_("This link was used already or is too old. Ask an administrator if you still need help."))


def address_of(path: str) -> str:
    """A path as a link in a mail; empty where the system does not know under which address users reach it."""
    return f"{settings().base_url}{path}" if settings().base_url else ""
