"""Seals: each transaction that wrote lines into the change log ends with one, chained to the seal before it.

A seal holds the id and a digest of each line, and a digest over all of that and the seal before. Digests are keyed, and
the key lies outside the database: who can write there only cannot make a line or a seal that fits. The newest seal is
also noted outside; without that nobody would miss the last ones of the chain.
"""

import hmac
import json
import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from sqlalchemy import ColumnElement, Connection, Row, Select, String, Table, bindparam, event, func, insert, select, type_coerce
from sqlalchemy.orm import Session, SessionTransaction

from crm_core import clock, crypto
from crm_core.config import settings
from crm_core.db import CrmSession
from crm_core.models import ChangeLog, LogSeal

log = logging.getLogger(__name__)

LINES_PER_SEAL = 1000
START = ""
"""What stands for the digest before the first seal."""

_EXPECTED, _MADE = "lines_to_seal", "newest_seal"
_ADVISORY_LOCK = 20_240_501
_AT = "%Y-%m-%d %H:%M:%S.%f"
_as_text = json.JSONEncoder(ensure_ascii=False, sort_keys=True, default=str).encode
_LINES, _SEALS = cast(Table, ChangeLog.__table__), cast(Table, LogSeal.__table__)
_NEWEST = select(_SEALS.c.id, _SEALS.c.digest).order_by(_SEALS.c.id.desc()).limit(1)
_TURN = select(func.pg_advisory_xact_lock(_ADVISORY_LOCK))

Database = Session | Connection


@dataclass(frozen=True)
class Seal:
    """One link of the chain; `lines` are digests by id, as `id:digest` separated by blanks."""

    number: int
    at: str
    lines: str
    digest: str

    @property
    def head(self) -> str:
        """The seal as it is noted elsewhere."""
        return f"{self.number}:{self.digest}"

    @property
    def line_digests(self) -> dict[int, str]:
        """The digests of the lines by id; only those of a seal that holds can be read."""
        pairs = (line.partition(":") for line in self.lines.split())
        return {int(number): digest for number, _colon, digest in pairs}

    def holds(self, before: str) -> bool:
        """Whether the seal is the one that was put after the digest `before`."""
        return self.digest == _seal_digest(before, self.number, self.at, self.lines)


def expect(session: Session, ids: Iterable[int]) -> None:
    """Lines that this transaction wrote and has to seal at its end."""
    session.info.setdefault(_EXPECTED, []).extend(ids)


def seal_all(connection: Connection) -> None:
    """Seal the lines of a database from before there were seals, in the transaction that brings them."""
    _take_turn(connection)
    last = 0
    while (
        ids := connection.execute(select(_LINES.c.id).where(_LINES.c.id > last).order_by(_LINES.c.id).limit(LINES_PER_SEAL)).scalars().all()
    ):
        last = ids[-1]
        _add_seal(connection, ids)


def read_seals(database: Database, *, after: int, limit: int) -> list[Seal]:
    """The next seals of the chain."""
    at = _moment(_SEALS.c.at, is_on_sqlite=_is_sqlite(database))
    statement = select(_SEALS.c.id, at, _SEALS.c.lines, _SEALS.c.digest).where(_SEALS.c.id > after)
    return [Seal(*row) for row in database.execute(statement.order_by(_SEALS.c.id).limit(limit))]


def read_digests(database: Database, ids: Sequence[int]) -> Iterator[tuple[int, str]]:
    """The id and the digest of each of these lines as it stands in the database now."""
    key = _key()  # once: thousands of lines are sealed together
    statement = _lines(_is_sqlite(database))
    for start in range(0, len(ids), LINES_PER_SEAL):
        rows = database.execute(statement, {"ids": ids[start : start + LINES_PER_SEAL]})
        yield from ((row.id, _line_digest(key, row)) for row in rows)


@cache
def _lines(is_on_sqlite: bool) -> Select[*tuple[Any, ...]]:
    # Made once: every saving reads its lines, and putting the statement together takes longer than reading them.
    columns = [_moment(column, is_on_sqlite=is_on_sqlite) if column is _LINES.c.at else column for column in _LINES.c]
    return select(*columns).where(_LINES.c.id.in_(bindparam("ids", expanding=True)))


def noted_head() -> str:
    """The newest seal as it was noted in the data folder; empty where none was."""
    path = settings().seal_file
    return path.read_text().strip() if path.exists() else ""


def forget_head() -> None:
    """Begin to note anew, after another database took the place of this one."""
    settings().seal_file.unlink(missing_ok=True)


def _line_digest(key: bytes, row: Row[*tuple[Any, ...]]) -> str:
    # Without what is empty, so that a column that a later version adds leaves the digests of older lines as they are.
    stored = {name: value for name, value in row._mapping.items() if value is not None}
    return _digest(key, _as_text(stored))[:32]


def _seal_digest(before: str, number: int, at: str, lines: str) -> str:
    return _digest(_key(), _as_text([before, number, at, lines]))


def _key() -> bytes:
    return crypto.derived_key("change log")


def _digest(key: bytes, text: str) -> str:
    return hmac.digest(key, text.encode(), "sha256").hex()


def _moment(column: ColumnElement[Any], *, is_on_sqlite: bool) -> ColumnElement[str]:
    # As a text that both databases give alike; read as a time, one that somebody made unreadable would stop the reader.
    if is_on_sqlite:
        return type_coerce(column, String).label(column.key)
    return func.to_char(func.timezone("UTC", column), "YYYY-MM-DD HH24:MI:SS.US").label(column.key)


def _is_sqlite(database: Database) -> bool:
    bind = database.get_bind() if isinstance(database, Session) else database
    return bind.dialect.name == "sqlite"


def _take_turn(database: Database) -> None:
    # SQLite has one writer at a time anyway. Taken last and held to the end, so it cannot be part of a deadlock.
    if not _is_sqlite(database):
        database.execute(_TURN)


def _add_seal(database: Database, ids: Sequence[int]) -> Seal:
    newest = database.execute(_NEWEST).first()
    number, before = (newest.id + 1, newest.digest) if newest else (1, START)
    now = clock.now()
    at, lines = now.strftime(_AT), " ".join(f"{id}:{digest}" for id, digest in read_digests(database, ids))
    seal = Seal(number, at, lines, _seal_digest(before, number, at, lines))
    database.execute(insert(_SEALS), {"id": number, "at": now, "lines": lines, "digest": seal.digest})
    return seal


def _seal(session: Session) -> None:
    if session.in_nested_transaction():
        return  # what it wrote is sealed with the whole
    session.flush()
    ids = session.info.pop(_EXPECTED, [])
    if ids:
        _take_turn(session)
    for start in range(0, len(ids), LINES_PER_SEAL):
        session.info[_MADE] = _add_seal(session, ids[start : start + LINES_PER_SEAL])


def _note_head(session: Session) -> None:
    seal: Seal | None = session.info.pop(_MADE, None)
    if seal is None:
        return
    path = settings().seal_file
    temporary = path.with_suffix(f".{os.getpid()}-{seal.number}.tmp")
    try:
        if seal.number > int(noted_head().partition(":")[0] or 0):
            temporary.write_text(seal.head)
            os.replace(temporary, path)
    except (OSError, ValueError):
        # The action itself is committed and cannot be undone here; the next one tries again.
        log.exception("the newest seal of the change log could not be noted in %s", path)


def _forget(session: Session, ended: SessionTransaction) -> None:
    if ended.parent is not None:
        return  # a part of the transaction; which of its lines there still are is seen when they are read to be sealed
    for name in (_EXPECTED, _MADE):
        session.info.pop(name, None)


event.listen(CrmSession, "before_commit", _seal)
event.listen(CrmSession, "after_commit", _note_head)
event.listen(CrmSession, "after_soft_rollback", _forget)
