"""Browsers in which an account was signed in before, each known by the hash of its random cookie."""

from datetime import timedelta
from typing import Any

from sqlalchemy import select, update

from crm_core import clock, crypto
from crm_core.config import settings
from crm_core.db import CrmSession
from crm_core.models import KnownDevice


def hash_of(browser: str) -> str:
    """What is kept of a browser's cookie."""
    return crypto.token_hash(browser)


def is_known(session: CrmSession, user_id: int, browser: str) -> bool:
    """Whether the account was signed in before in this browser."""
    return bool(browser) and _find(session, user_id, browser) is not None


def known_hashes(session: CrmSession, user_id: int) -> list[str]:
    """The hashes of all browsers of an account."""
    return list(session.execute(select(KnownDevice.browser_hash).where(KnownDevice.user_id == user_id)).scalars())


def is_trusted(session: CrmSession, user_id: int, browser: str) -> bool:
    """Whether this browser is not asked for the second factor for now."""
    found = _find(session, user_id, browser) if browser and settings().trust_days else None
    return found is not None and found.trusted_until is not None and found.trusted_until > clock.now()


def trust(session: CrmSession, user_id: int, browser: str) -> None:
    """Ask this browser, which is known, no more for the second factor for as many days as the settings allow."""
    until = clock.now() + timedelta(days=settings().trust_days)
    session.execute(_this(update(KnownDevice), user_id, browser).values(trusted_until=until))


def end_trust(session: CrmSession, user_id: int) -> None:
    """Ask every browser of the account for the second factor again."""
    session.execute(update(KnownDevice).where(KnownDevice.user_id == user_id).values(trusted_until=None))


def _find(session: CrmSession, user_id: int, browser: str) -> KnownDevice | None:
    return session.execute(_this(select(KnownDevice), user_id, browser)).scalar_one_or_none()


def _this(statement: Any, user_id: int, browser: str) -> Any:
    return statement.where(KnownDevice.user_id == user_id, KnownDevice.browser_hash == hash_of(browser))
