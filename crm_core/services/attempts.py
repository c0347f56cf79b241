"""Attempts that may fail, counted before they are checked, so that guesses sent at once do not outrun the count.

Each counter has a key of its own: an account name (whether or not there is such an account, so that the answer never tells), a
network address, or a browser in which the account was signed in before. Counts are rows, so a lock survives a restart.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from sqlalchemy import delete, select

from crm_core import clock, crypto
from crm_core.db import CrmSession, insert_unless_there
from crm_core.models import SignInFailure

LONGEST_MEMORY = timedelta(days=1)


@dataclass(frozen=True)
class Limit:
    """After how many failures a counter locks, for how long at first and at most; each further failure locks twice as long."""

    failures: int
    first: timedelta
    longest: timedelta
    memory: timedelta = LONGEST_MEMORY
    """After so long without a failure the count begins anew."""

    def lock(self, count: int) -> timedelta | None:
        """How long to lock at this count; None for not yet."""
        over = count - self.failures
        return min(self.first * 2 ** min(over, 20), self.longest) if over >= 0 else None


@dataclass(frozen=True)
class Counter:
    """One counter: its key and its limit."""

    key: str
    limit: Limit


def counter(kind: str, name: object, limit: Limit) -> Counter:
    """The counter for something; the key is a hash, since a password may have been typed as the name."""
    return Counter(crypto.keyed_hash(f"{kind}:{name}"), limit)


def of_address(kind: str, address: str, limit: Limit) -> list[Counter]:
    """The counter of a network address; none where the address is not known.

    A network of IPv6 counts as one, since whoever has one of its addresses has all.
    """
    try:
        found = ip_address(address)
    except ValueError:
        return []
    if isinstance(found, IPv6Address):
        mapped = found.ipv4_mapped
        return [counter(kind, mapped or ip_network((int(found), 64), strict=False), limit)]
    return [counter(kind, found, limit)]


def claim(session: CrmSession, counters: Iterable[Counter]) -> bool:
    """Count one attempt under all counters; False, and nothing is counted, where one of them is locked."""
    now, limits = clock.now(), {one.key: one.limit for one in counters}
    for key in sorted(limits):
        insert_unless_there(session, SignInFailure, key=key, count=0, last_at=now)
    rows = _rows(session, limits)
    if any(row.locked_until and row.locked_until > now for row in rows):
        return False
    for row in rows:
        limit = limits[row.key]
        row.count = row.count + 1 if row.last_at > now - limit.memory else 1
        row.last_at = now
        lock = limit.lock(row.count)
        row.locked_until = now + lock if lock else None
    return True


def take_back(session: CrmSession, counters: Iterable[Counter]) -> None:
    """The attempt that was counted last was none that failed."""
    for row in _rows(session, [one.key for one in counters]):
        row.count, row.locked_until = max(row.count - 1, 0), None


def forget(session: CrmSession, counters: Iterable[Counter]) -> None:
    """Begin to count anew, and lift a lock; what is too old to count goes too."""
    for row in _rows(session, [one.key for one in counters]):
        session.delete(row)
    old = select(SignInFailure.key).where(SignInFailure.last_at < clock.now() - LONGEST_MEMORY).with_for_update(skip_locked=True)
    session.execute(delete(SignInFailure).where(SignInFailure.key.in_(old)), execution_options={"synchronize_session": False})


def locked_keys(session: CrmSession) -> set[str]:
    """The keys that are locked at this moment."""
    return set(session.execute(select(SignInFailure.key).where(SignInFailure.locked_until > clock.now())).scalars())


def _rows(session: CrmSession, keys: Iterable[str]) -> list[SignInFailure]:
    # Locked in one order by everybody, so that two attempts never wait for each other.
    statement = select(SignInFailure).where(SignInFailure.key.in_(keys)).order_by(SignInFailure.key).with_for_update()
    return list(session.execute(statement).scalars())
