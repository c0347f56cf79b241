"""A forgotten password: a link by mail, good once and for half an hour, that sets a new one."""

from dataclasses import dataclass
from datetime import timedelta

import bcrypt
from sqlalchemy import select

from crm_core import clock
from crm_core.clients import Client
from crm_core.config import settings
from crm_core.db import CrmSession
from crm_core.errors import NotFound, ValidationFailed
from crm_core.i18n import _, in_language
from crm_core.models import AccountLink, User
from crm_core.services import account_links, attempts, lockout, outbox, passwords
from crm_core.services.account_links import FORGOTTEN
from crm_core.services.attempts import Limit, counter

PARAMETER = "new_password"
LINK_LIFE = timedelta(minutes=30)
ACCOUNT_LIMIT = Limit(3, timedelta(minutes=30), timedelta(hours=4))
ADDRESS_LIMIT = Limit(20, timedelta(minutes=10), timedelta(hours=1))


@dataclass(frozen=True)
class NewPassword:
    """A checked new password for whoever holds a link."""

    token: str
    password_hash: str


def request_link(session: CrmSession, username: str, client: Client) -> None:
    """Send a link to the account's mailbox, if there is such an account with a mailbox and it may sign in.

    Nothing tells the caller whether there was. Older links of the account end. Too many requests are passed over.
    """
    name = lockout.account_name(username)
    asked = [counter("link", name, ACCOUNT_LIMIT), *attempts.of_address("link address", client.address, ADDRESS_LIMIT)]
    if not settings().links_by_mail or not attempts.claim(session, asked):
        return
    may_have_one = (User.username == name, User.is_active, User.blocked_at.is_(None), User.email.is_not(None))
    user = session.execute(select(User).where(*may_have_one)).scalar_one_or_none()
    if user is not None and user.email:
        _send(session, user, user.email)


def _send(session: CrmSession, user: User, mailbox: str) -> None:
    account_links.end_links(session, user.id, purpose=FORGOTTEN)
    token = account_links.make_link(session, user.id, purpose=FORGOTTEN, life=LINK_LIFE)
    with in_language(user.language):
        asked = _("{name}, somebody asked for a new password for your account. If it was you, open this link within {minutes} minutes:")
        otherwise = _("If it was not you, leave this mail alone: your password stays as it is.")
        asked = asked.format(name=user.name, minutes=int(LINK_LIFE.total_seconds() // 60))
        body = "\n\n".join((asked, account_links.address_of(f"/?{PARAMETER}={token}"), otherwise))
        outbox.enqueue_mail(session, recipient=mailbox, subject=_("Kemai: set a new password"), body=body, user_id=user.id)


def check_link(session: CrmSession, token: str, password: str) -> NewPassword:
    """Check a new password for the holder of a link; `use_link` sets it. Raises `NotFound` for a dead link, `ValidationFailed`."""
    user, _link = _holder(session, token)
    if problem := passwords.refused_password(session, user, password):
        raise ValidationFailed({"password": [problem]})
    return NewPassword(token, bcrypt.hashpw(password.encode(), bcrypt.gensalt()).decode())


def is_good(session: CrmSession, token: str) -> bool:
    """Whether a link can still be used."""
    try:
        account_links.get_link(session, token, purpose=FORGOTTEN)
    except NotFound:
        return False
    return True


def use_link(session: CrmSession, new: NewPassword) -> None:
    """Set the new password: the link is used up, all sessions of the account and the trust in its browsers end, a lock is lifted.

    Raises `NotFound` if the link was used meanwhile.
    """
    user, link = _holder(session, new.token)
    link.used_at = clock.now()
    passwords.set_password(session, user, new.password_hash, must_change=False)
    lockout.lift(session, user)


def _holder(session: CrmSession, token: str) -> tuple[User, AccountLink]:
    link = account_links.get_link(session, token, purpose=FORGOTTEN)
    may_have_one = (User.id == link.user_id, User.is_active, User.blocked_at.is_(None))
    user = session.execute(select(User).where(*may_have_one)).scalar_one_or_none()
    if user is None:
        raise account_links.dead_link()
    return user, link
