"""The migrations and the models describe one database, and the way back down is open."""

from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select

from crm_core import db
from crm_core.models import Base, Team
from crm_core.permissions import Actor
from crm_core.schema import alembic_config
from tests import factories


def differences(database: str) -> Any:
    with db.engine().connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_name": _is_compared})
        found = compare_metadata(context, Base.metadata)
    # SQLite keeps no name for a reference that was added to a table that was there.
    widened = ("attachment", "contract", "draft", "outbox_message", "task")
    return [one for one in found if not (one[0] in ("add_fk", "remove_fk") and one[1].table.name in widened and "sqlite" in database)]


def _is_compared(name: str | None, kind: str, _parents: object) -> bool:
    return not (kind == "table" and (name or "").startswith("customer_search"))  # the full-text index has no model


def test_a_migrated_database_is_the_one_of_the_models(database: str) -> None:
    assert differences(database) == []


def test_the_last_migration_goes_down_and_up_again(database: str) -> None:
    with db.engine().execution_options(writing=True).connect() as connection:
        config = alembic_config(connection)
        command.downgrade(config, "-1")
        command.upgrade(config, "head")
        connection.commit()
    assert differences(database) == []


def test_a_database_in_use_goes_down_to_the_first_migrations_and_up_again(database: str, sales: Actor) -> None:
    factories.make_customer(sales)
    with db.engine().execution_options(writing=True).connect() as connection:
        config = alembic_config(connection)
        command.downgrade(config, "0003")
        command.upgrade(config, "head")
        connection.commit()
    assert differences(database) == []
    with db.engine().connect() as connection:
        assert connection.execute(select(Team.__table__.c.name)).scalars().all()
