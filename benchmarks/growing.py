"""The data of a run made larger or smaller: copies of all customers with everything that hangs on them, or only the first of them.

A copy has codes and numbers of its own and otherwise the same texts: among ten times as many customers a search finds ten times as
many, and everybody has ten times as many. It is made inside the database, so that nothing is ever held here.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from sqlalchemy import Column, Table, UniqueConstraint

from crm_core import db
from crm_core.config import settings
from crm_core.models import Customer
from crm_core.scope import belonging_models

SEARCH = "customer_search"
TABLES: tuple[Table, ...] = (Customer.__table__, *(model.__table__ for model in belonging_models()))


def resize(customers: int) -> None:
    """Let the present SQLite database hold so many customers: fewer than it has, or a multiple of them."""
    db.engine().dispose()
    with closing(sqlite3.connect(settings().data_dir / "crm.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = OFF")  # whoever breaks off begins anew with another copy of the data
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -262144")
        last = {table.name: _last(connection, table) for table in TABLES}
        present = last[Customer.__tablename__]
        with _without_indexes(connection):
            if customers < present:
                _keep_first(connection, customers)
            for copy in range(1, customers // present):
                _copy(connection, copy, last)


@contextmanager
def _without_indexes(connection: sqlite3.Connection) -> Iterator[None]:
    """They are made anew afterwards, which takes far less time than keeping them up with each row."""
    indexes = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL").fetchall()
    for name, _sql in indexes:
        connection.execute(f"DROP INDEX {name}")
    yield
    for _name, sql in indexes:
        connection.execute(sql)


def _last(connection: sqlite3.Connection, table: Table) -> int:
    number: int = connection.execute(f'SELECT coalesce(max(rowid), 0) FROM "{table.name}"').fetchone()[0]
    return number


def _keep_first(connection: sqlite3.Connection, customers: int) -> None:
    for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {trigger}")  # the log refuses to forget
    for table in TABLES:
        key = "id" if table is Customer.__table__ else "customer_id"
        connection.execute(f'DELETE FROM "{table.name}" WHERE {key} > {customers}')
    (made,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (SEARCH,)).fetchone()
    connection.execute(f"CREATE TEMP TABLE kept AS SELECT rowid AS id, tokens, phones FROM {SEARCH} WHERE rowid <= {customers}")
    connection.execute(f"DROP TABLE {SEARCH}")
    connection.execute(made)
    connection.execute(f"INSERT INTO {SEARCH} (rowid, tokens, phones) SELECT id, tokens, phones FROM kept")
    connection.execute("VACUUM")


def _copy(connection: sqlite3.Connection, copy: int, last: dict[str, int]) -> None:
    """The rows of the beginning once more, their keys moved behind those of all copies before."""
    for table in TABLES:
        names = ", ".join(f'"{column.name}"' for column in table.columns)
        values = ", ".join(_value(table, column, copy, last) for column in table.columns)
        where = f"rowid <= {last[table.name]}"
        connection.execute(f'INSERT INTO "{table.name}" ({names}) SELECT {values} FROM "{table.name}" WHERE {where}')
    step = copy * last[Customer.__tablename__]
    rows = f"SELECT rowid + {step}, tokens, phones FROM {SEARCH} WHERE rowid <= {last[Customer.__tablename__]}"
    connection.execute(f"INSERT INTO {SEARCH} (rowid, tokens, phones) {rows}")


def _value(table: Table, column: Column, copy: int, last: dict[str, int]) -> str:
    of = _keys_of(table, column)
    if of in last:
        return f'"{column.name}" + {copy * last[of]}'
    is_unique = any(isinstance(one, UniqueConstraint) and column.name in one.columns for one in table.constraints)
    return f"\"{column.name}\" || '-{copy}'" if is_unique else f'"{column.name}"'


def _keys_of(table: Table, column: Column) -> str:
    """The table whose keys a column holds."""
    if column is table.autoincrement_column:
        return table.name
    if column.name == "customer_id":
        return Customer.__tablename__
    return next((key.column.table.name for key in column.foreign_keys), "")
