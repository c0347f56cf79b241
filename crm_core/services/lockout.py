"""Under what a sign-in counts while it may fail, and lifting an account's lock.

A browser known for the account has a counter of its own, so that a stranger's failures never keep the owner out for good. Any other
browser counts for the account name (existing or not, so that the answer never tells) and for its network address.
"""

from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy import select

from crm_core.clients import Client
from crm_core.db import CrmSession
from crm_core.errors import SignInRefused
from crm_core.i18n import _
from crm_core.models import User
from crm_core.permissions import Actor, Permission, require
from crm_core.services import attempts, devices
from crm_core.services.attempts import Counter, Limit, counter
from crm_core.validation import clean_text

PASSWORD_LIMIT = Limit(5, timedelta(minutes=1), timedelta(hours=1))
ADDRESS_LIMIT = Limit(50, timedelta(minutes=1), timedelta(minutes=15), memory=timedelta(hours=1))
"""Generous, since a whole office shares one address."""


def account_name(username: str) -> str:
    """An account as it was typed, in the spelling in which accounts are kept."""
    return clean_text(username).lower()


def claim(session: CrmSession, username: str, client: Client) -> bool:
    """Count one attempt to sign in; False, and nothing is counted, while it has to wait."""
    person, address = _counters(session, username, client)
    return attempts.claim(session, person + address)


def take_back(session: CrmSession, username: str, client: Client) -> None:
    """What was entered was right, but the sign-in is not complete: the failures before it stay."""
    person, address = _counters(session, username, client)
    attempts.take_back(session, person + address)


def forget(session: CrmSession, username: str, client: Client) -> None:
    """The person signed in: their failures are forgotten, those of others at the same address stay."""
    person, address = _counters(session, username, client)
    attempts.take_back(session, address)
    attempts.forget(session, person)


def claim_confirmation(session: CrmSession, actor: Actor) -> None:
    """Count one attempt to confirm with a password or code who is signed in already, in a transaction of its own.

    Whoever finds an open session must not guess there. Raises `SignInRefused` while there were too many.
    """
    if not attempts.claim(session, [_of_confirmations(actor)]):
        raise SignInRefused(_("There were too many wrong entries. Wait some minutes and try again."))


def take_back_confirmation(session: CrmSession, actor: Actor) -> None:
    """What was entered was right, so it counts no more; earlier failures stay.

    Else somebody at an open session could set up an app of their own and, with a right code between, guess the password without end.
    """
    attempts.take_back(session, [_of_confirmations(actor)])


def lift(session: CrmSession, user: User) -> None:
    """Forget the failures of an account, under its name and in its known browsers."""
    known = [_of_browser(user.id, browser_hash) for browser_hash in devices.known_hashes(session, user.id)]
    attempts.forget(session, [_of_name(user.username), *known])


def locked_accounts(session: CrmSession, actor: Actor, names: Iterable[str]) -> set[str]:
    """Those of some account names that are locked at this moment. Raises `NotAllowed`."""
    require(actor, Permission.USER_EDIT)
    locked = attempts.locked_keys(session)
    return {name for name in names if _of_name(name).key in locked} if locked else set()


def _counters(session: CrmSession, username: str, client: Client) -> tuple[list[Counter], list[Counter]]:
    """The counters of the person and of the network address, which does not count for a known browser."""
    if user_id := _known_to(session, username, client):
        return [_of_browser(user_id, devices.hash_of(client.browser))], []
    return [_of_name(account_name(username))], attempts.of_address("address", client.address, ADDRESS_LIMIT)


def _known_to(session: CrmSession, username: str, client: Client) -> int | None:
    """The id of the account, where this browser is known for it."""
    user_id = session.execute(select(User.id).where(User.username == account_name(username))).scalar()
    return user_id if user_id is not None and devices.is_known(session, user_id, client.browser) else None


def _of_confirmations(actor: Actor) -> Counter:
    return counter("confirm", actor.id, PASSWORD_LIMIT)


def _of_name(username: str) -> Counter:
    return counter("account", username, PASSWORD_LIMIT)


def _of_browser(user_id: int, browser_hash: str) -> Counter:
    return counter("browser", f"{user_id}:{browser_hash}", PASSWORD_LIMIT)
