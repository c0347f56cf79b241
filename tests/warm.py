"""What stays warm from test to test: statements that are compiled, and the preset library that every database begins with."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import make_url

from crm_core import config, db
from crm_core.db import CrmSession
from crm_core.numbering import is_bumped, revision
from crm_core.permissions import SYSTEM
from crm_core.services import library
from crm_core.services.library import Library

_read_library = library._load
_preset: dict[str, tuple[int, Library]] = {}
"""The library of the template of each kind and its revision."""


@pytest.fixture(scope="session", autouse=True)
def warm_engines() -> Iterator[None]:
    """One engine of each kind for all tests, pointed to the database of the moment: statements are compiled once, not in every test.

    Each database has connections of its own, since the engine begins with an empty pool wherever it points to another one.
    """
    engines: dict[str, Engine] = {}
    targets: dict[str, tuple[list[Any], dict[str, Any]]] = {}
    make = db.make_engine

    def make_engine(url: str) -> Engine:
        kind = make_url(url).get_backend_name()
        config.settings().data_dir.mkdir(parents=True, exist_ok=True)
        if kind not in engines:
            engines[kind] = make(url)
            event.listen(engines[kind], "do_connect", partial(point, kind))
        arguments, named = engines[kind].dialect.create_connect_args(make_url(url))
        if kind == "sqlite" or targets.get(kind) != (list(arguments), named):
            engines[kind].dispose(close=False)
        targets[kind] = list(arguments), named
        return engines[kind]

    def point(kind: str, _dialect: Any, _record: Any, arguments: list[Any], named: dict[str, Any]) -> None:
        arguments[:], more = targets[kind]
        named.update(more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(db, "make_engine", make_engine)
        patch.setattr(db, "create_engine", partial(create_engine, query_cache_size=5_000))
        yield


def note_library() -> None:
    """Read the library of a template once for all its copies."""
    with db.reading(SYSTEM) as session:
        _preset[session.get_bind().dialect.name] = revision(session, "library"), _read_library(session)


def know_library(patch: pytest.MonkeyPatch) -> None:
    """Let the database in use, a copy of a template, have its library without reading it, until somebody changes that."""
    patch.setattr(library, "_load", _load_library)


def _load_library(session: CrmSession) -> Library:
    known, preset = _preset[session.get_bind().dialect.name]
    return _read_library(session) if is_bumped(session, "library") or revision(session, "library") != known else preset
