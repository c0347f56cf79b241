"""Results kept per (area, revision, key): fresh in every process at once, since the revision is read from the database."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import Pool
from sqlalchemy.orm import Session

from crm_core import numbering

T = TypeVar("T")

MAX_ENTRIES = 512
_stores: "WeakKeyDictionary[Pool, OrderedDict[Hashable, Any]]" = WeakKeyDictionary()
_lock = Lock()


def cached(session: Session, area: str | tuple[str, ...], key: Hashable, compute: Callable[[], T]) -> T:
    """The value of `compute()`, computed once per revision of `area`, or of each of several, and `key`."""
    areas = (area,) if isinstance(area, str) else area
    if any(numbering.is_bumped(session, one) for one in areas):
        return compute()
    full_key = (areas, tuple(numbering.revision(session, one) for one in areas), key)
    with _lock:
        store = _stores.setdefault(session.get_bind().engine.pool, OrderedDict())
        if full_key in store:
            store.move_to_end(full_key)
            found: T = store[full_key]
            return found
    value = compute()
    with _lock:
        store[full_key] = value
        while len(store) > MAX_ENTRIES:
            store.popitem(last=False)
    return value
