"""The database: engines for SQLite and PostgreSQL, and the two ways to work with it, `reading` and `transaction`.

A session carries its actor in `session.info["actor"]`; row scope and the change log take it from there.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, FromClause, create_engine, event, inspect
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from crm_core.config import settings

if TYPE_CHECKING:
    from crm_core.permissions import Actor

SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=NORMAL",
    # A new customer with its search tokens writes about 70 pages: with the usual 1,000 one of 15 savings waits for a checkpoint.
    "PRAGMA wal_autocheckpoint=4000",
    "PRAGMA foreign_keys=ON",
    "PRAGMA busy_timeout=15000",
    "PRAGMA cache_size=-65536",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA mmap_size=268435456",
)


class CrmSession(Session):
    """The session class of this project; scope and audit listen to it."""


class _Compiler(SQLiteCompiler):
    """Writes hints of `with_hint`, such as INDEXED BY, which SQLAlchemy leaves out for SQLite."""

    def get_from_hint_text(self, _table: FromClause, text: str | None) -> str | None:
        return text


def make_engine(url: str) -> Engine:
    """An engine for `url` with the settings this project relies on."""
    if make_url(url).get_backend_name() != "sqlite":
        return create_engine(url, pool_size=10, max_overflow=20, pool_pre_ping=True)
    settings().data_dir.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, pool_size=10, max_overflow=20)
    engine.dialect.statement_compiler = _Compiler
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we begin transactions ourselves, see _begin_sqlite
    for pragma in SQLITE_PRAGMAS:
        connection.execute(pragma)


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes its lock at the start: upgrading a read transaction fails at once when another writer was first.
    if connection.get_execution_options().get("writing"):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:  # takes no lock, so it cannot fail; five times in a page's run, straight to the driver
        connection.connection.cursor().execute("BEGIN")


@cache
def engine() -> Engine:
    """The engine of this process."""
    return make_engine(settings().url)


def is_sqlite(session: Session) -> bool:
    """Whether the session speaks to SQLite."""
    return session.get_bind().dialect.name == "sqlite"


def insert_unless_there(session: Session, model: type[Any], **values: Any) -> bool:
    """Insert a row unless one with the same key exists, and say whether it was; safe when two transactions try at once."""
    insert = (sqlite if is_sqlite(session) else postgresql).insert
    statement = insert(model).values(**values).on_conflict_do_nothing()
    return session.execute(statement.returning(*inspect(model).primary_key)).first() is not None


def insert_all_unless_there(session: Session, model: type[Any], rows: Sequence[Mapping[str, Any]]) -> None:
    """The same for many rows in one go, all with the same columns."""
    if rows:
        insert = (sqlite if is_sqlite(session) else postgresql).insert
        session.execute(insert(inspect(model).local_table).on_conflict_do_nothing(), list(rows))


@contextmanager
def reading(actor: "Actor | None" = None) -> Iterator[CrmSession]:
    """A session for reading only: nothing is ever committed."""
    with CrmSession(engine(), autoflush=False, expire_on_commit=False, info={"actor": actor}) as session:
        yield session


@contextmanager
def transaction(actor: "Actor | None" = None, *, reason: str | None = None) -> Iterator[CrmSession]:
    """One user action: everything in the block is committed together, or nothing is.

    `reason` is the user's own word for the change; the change log keeps it.
    """
    writer = engine().execution_options(writing=True)
    with CrmSession(writer, expire_on_commit=False, info={"actor": actor, "reason": reason}) as session, session.begin():
        yield session
