"""The seals of the change log: whatever is done to the tables behind the program's back is found."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import inspect, text
from sqlalchemy.exc import DatabaseError

from crm_core import audit, config, crypto, db, seals
from crm_core.db import reading, transaction
from crm_core.errors import ValidationFailed
from crm_core.models import ChangeLog, Customer, LogSeal
from crm_core.permissions import SYSTEM, Actor
from crm_core.schema import alembic_config, upgrade_database
from crm_core.seals import Seal
from crm_core.services.customers import delete_customer, restore_customer
from crm_core.services.log_check import Fault, LogCheck, check_log
from crm_core.services.tags import set_tags
from tests import factories

ADDED_LINE = (
    "INSERT INTO change_log (id, at, actor_name, action, entity, entity_id, subject) "
    "VALUES (9999, '2026-01-01 00:00:00', 'system', 'deleted', 'customer', '1', 'x')"
)
ADDED_SEAL = "INSERT INTO log_seal (id, at, lines, digest) SELECT max(id) + 1, max(at), '9999:00', 'x' FROM log_seal"
A_LINE = "id = (SELECT max(id) FROM change_log) - 1"
A_SEAL = "id = (SELECT max(id) FROM log_seal) - 1"

BREAKS: dict[str, tuple[str, Fault]] = {
    "a reason is rewritten": (f"UPDATE change_log SET reason = 'x' WHERE {A_LINE}", Fault.LINE_CHANGED),
    "a remark of the customer is added": (f"UPDATE change_log SET feedback = 'x' WHERE {A_LINE}", Fault.LINE_CHANGED),
    "somebody else did it": (f"UPDATE change_log SET actor_name = 'x', actor_id = NULL WHERE {A_LINE}", Fault.LINE_CHANGED),
    "it was at another time": (f"UPDATE change_log SET at = '2020-01-01 00:00:00' WHERE {A_LINE}", Fault.LINE_CHANGED),
    "it came from elsewhere": (f"UPDATE change_log SET address = '10.0.0.1' WHERE {A_LINE}", Fault.LINE_CHANGED),
    "a line is removed": (f"DELETE FROM change_log WHERE {A_LINE}", Fault.LINE_MISSING),
    "a line is moved": (f"UPDATE change_log SET id = 9999 WHERE {A_LINE}", Fault.LINE_MISSING),
    "all lines are removed": ("DELETE FROM change_log", Fault.LINE_MISSING),
    "a line is slipped in": (ADDED_LINE, Fault.LINE_UNSEALED),
    "a seal is removed": (f"DELETE FROM log_seal WHERE {A_SEAL}", Fault.SEAL_MISSING),
    "a seal leaves a line out": (f"UPDATE log_seal SET lines = '' WHERE {A_SEAL}", Fault.SEAL_CHANGED),
    "a seal is later": (f"UPDATE log_seal SET at = '2030-01-01 00:00:00' WHERE {A_SEAL}", Fault.SEAL_CHANGED),
    "a digest is made up": (f"UPDATE log_seal SET digest = 'x' WHERE {A_SEAL}", Fault.SEAL_CHANGED),
    "a seal is made up": (f"{ADDED_LINE};{ADDED_SEAL}", Fault.SEAL_CHANGED),
    "the newest seal is removed": ("DELETE FROM log_seal WHERE id = (SELECT max(id) FROM log_seal)", Fault.LINE_UNSEALED),
}


def check(*, head: str = "") -> LogCheck:
    with reading(SYSTEM) as session:
        return check_log(session, SYSTEM, head=head)


def intrude(statements: str) -> None:
    """Work on the tables with the triggers out of the way, as somebody who owns the database can."""
    with db.engine().begin() as connection:
        if connection.dialect.name == "sqlite":
            for name in connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all():
                connection.execute(text(f"DROP TRIGGER {name}"))
        else:
            for table in ("change_log", "log_seal"):
                connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        for statement in statements.split(";"):
            connection.execute(text(statement))


def rename_often(actor: Actor, customer: Customer, times: int = 3) -> None:
    for number in range(times):
        with transaction(actor) as session:
            set_tags(session, actor, customer.code, [f"标签{number}"])


def test_everything_that_the_program_writes_is_sealed(database: str, sales: Actor, manager: Actor) -> None:
    rename_often(manager, factories.make_customer(sales))
    found = check()
    assert (found.fault, found.sentence) == (None, "")
    with reading(SYSTEM) as session:
        assert found.lines == session.query(ChangeLog).count()
        assert found.seals == session.query(LogSeal).count() > 5
    assert found.head == config.settings().seal_file.read_text()


@pytest.mark.parametrize("name", BREAKS)
def test_a_break_is_found_where_it_is(database: str, sales: Actor, name: str) -> None:
    rename_often(sales, factories.make_customer(sales))
    statements, fault = BREAKS[name]
    with reading(SYSTEM) as session:
        last_line, last_seal = session.query(ChangeLog.id).count(), session.query(LogSeal.id).count()
    intrude(statements)
    found = check()
    assert found.fault is fault
    expected = {
        "all lines are removed": 1,
        "a line is slipped in": 9999,
        "a seal is made up": last_seal + 1,
        "the newest seal is removed": last_line,
    }
    assert found.number == expected.get(name, (last_seal if name.startswith(("a seal", "a digest")) else last_line) - 1)
    assert str(found.number) in found.sentence


def test_an_end_that_was_cut_off_is_missed_because_the_newest_seal_was_noted(database: str, sales: Actor) -> None:
    rename_often(sales, factories.make_customer(sales))
    last = check().seals
    intrude(
        "DELETE FROM change_log WHERE id = (SELECT max(id) FROM change_log);DELETE FROM log_seal WHERE id = (SELECT max(id) FROM log_seal)"
    )
    assert (check().fault, check().number) == (Fault.END_MISSING, last)
    config.settings().seal_file.unlink()
    assert check().fault is None


def test_a_log_written_anew_with_the_key_is_found_by_a_seal_noted_elsewhere(database: str, sales: Actor) -> None:
    rename_often(sales, factories.make_customer(sales))
    head = check().head
    intrude("DELETE FROM log_seal;UPDATE change_log SET actor_name = 'x'")
    with db.engine().execution_options(writing=True).begin() as connection:
        seals.seal_all(connection)
    config.settings().seal_file.unlink()
    rename_often(sales, factories.make_customer(sales), times=20)
    assert check().fault is None
    assert check(head=head).fault is Fault.HEAD_DIFFERS
    assert check(head=check().head).fault is None


@pytest.mark.parametrize("head", ["x", "5", "5:", ":x"])
def test_a_noted_seal_that_is_none_is_refused(sqlite_database: str, head: str) -> None:
    with pytest.raises(ValidationFailed):
        check(head=head)


def test_a_new_key_leaves_old_seals_valid(database: str, sales: Actor) -> None:
    customer = factories.make_customer(sales)
    crypto.add_key()
    rename_often(sales, customer)
    assert check().fault is None


def test_with_another_key_file_nothing_holds(database: str, sales: Actor) -> None:
    config.settings().key_file.unlink()
    crypto._keys.cache_clear()
    assert (check().fault, check().number) == (Fault.SEAL_CHANGED, 1)


def test_what_is_rolled_back_is_not_sealed(database: str, sales: Actor, manager: Actor) -> None:
    customer = factories.make_customer(sales)
    before = check()
    with transaction(sales) as session:
        set_tags(session, sales, customer.code, ["重点"])
        session.flush()
        session.rollback()
    assert check() == before
    with transaction(manager) as session:
        delete_customer(session, manager, customer.id)
        session.flush()
        part = session.begin_nested()
        restore_customer(session, manager, customer.id)
        session.flush()
        part.rollback()
    after = check()
    assert (after.fault, after.lines, after.seals) == (None, before.lines + 1, before.seals + 1)


def test_a_large_transaction_is_sealed_in_parts(database: str, sales: Actor) -> None:
    before = check()
    with transaction(sales) as session:
        lines = [
            audit.line_for(session, "changed", entity="customer", entity_id=1, customer_id=1, subject=str(number))
            for number in range(2 * seals.LINES_PER_SEAL + 1)
        ]
        audit.add_lines(session, lines)
    after = check()
    assert (after.fault, after.lines - before.lines, after.seals - before.seals) == (None, len(lines), 3)


def test_writers_at_the_same_time_keep_one_chain(database: str, sales: Actor, manager: Actor) -> None:
    before = check()
    people = [sales, manager]

    def work(number: int) -> None:
        for _time in range(5):
            factories.make_customer(people[number % 2])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    after = check()
    assert (after.fault, after.seals - before.seals) == (None, 20)


def test_the_log_can_be_checked_while_others_write(database: str, sales: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    read, before = seals.read_seals, check()

    def read_and_be_interrupted(*arguments: Any, after: int, limit: int) -> list[Seal]:
        page = read(*arguments, after=after, limit=limit)
        if page:
            factories.make_customer(sales)
        return page

    with monkeypatch.context() as patch:
        patch.setattr(seals, "read_seals", read_and_be_interrupted)
        during = check()
    assert (during.fault, during.lines) == (None, before.lines)
    assert check().lines > before.lines


def downgrade(to: str = "0003") -> None:
    with db.engine().execution_options(writing=True).connect() as connection:
        command.downgrade(alembic_config(connection), to)
        connection.commit()


def test_lines_from_before_there_were_seals_are_sealed_once(database: str) -> None:
    downgrade()
    with db.engine().begin() as connection:
        for number in range(1, 2501):
            connection.execute(text(ADDED_LINE.replace("9999", str(9000 + number))))
    upgrade_database()
    assert (check().fault, check().lines > 2500) == (None, True)
    intrude(ADDED_LINE.replace("9999", "99999"))
    upgrade_database()
    assert (check().fault, check().number) == (Fault.LINE_UNSEALED, 99999)


def test_seals_from_before_the_remark_of_the_customer_hold(database: str, sales: Actor) -> None:
    customer = factories.make_customer(sales)
    rename_often(sales, customer)
    before = check()
    downgrade("0004")
    upgrade_database()
    assert (check().fault, check().lines, check().head) == (None, before.lines, before.head)


def test_the_tables_are_as_the_models_say_after_going_back_and_forth(database: str) -> None:
    downgrade()
    upgrade_database()
    for model in (ChangeLog, LogSeal):
        table = model.__table__
        assert {index["name"] for index in inspect(db.engine()).get_indexes(table.name)} == {index.name for index in table.indexes}


SEAL_REWRITES = ["UPDATE log_seal SET digest = 'x'", "DELETE FROM log_seal", "DELETE FROM log_seal WHERE id = 1"]
ONLY_POSTGRES = ["TRUNCATE log_seal"]
ONLY_SQLITE = ["REPLACE INTO log_seal (id, at, lines, digest) VALUES (1, 'x', 'x', 'x')"]


def refused(statement: str) -> None:
    with pytest.raises(DatabaseError, match="append-only"), db.engine().begin() as connection:
        connection.execute(text(statement))
    assert check().fault is None


@pytest.mark.parametrize("statement", SEAL_REWRITES)
def test_no_statement_rewrites_a_seal(database: str, sales: Actor, statement: str) -> None:
    refused(statement)


@pytest.mark.parametrize("statement", ONLY_POSTGRES)
def test_no_statement_of_postgres_empties_the_seals(postgres_database: str, sales: Actor, statement: str) -> None:
    refused(statement)


@pytest.mark.parametrize("statement", ONLY_SQLITE)
def test_no_statement_of_sqlite_replaces_a_seal(sqlite_database: str, sales: Actor, statement: str) -> None:
    refused(statement)


def test_an_action_stands_where_its_seal_cannot_be_noted(sqlite_database: str, sales: Actor, caplog: pytest.LogCaptureFixture) -> None:
    config.settings().seal_file.unlink()
    config.settings().seal_file.mkdir()
    factories.make_customer(sales)
    assert "could not be noted" in caplog.text
    config.settings().seal_file.rmdir()
    factories.make_customer(sales)
    assert check().head == config.settings().seal_file.read_text()


ACTIONS: dict[str, Callable[[Actor, Customer], object]] = {
    "enter": lambda actor, _customer: factories.make_customer(actor),
    "tag": lambda actor, customer: rename_often(actor, customer, times=1),
    "delete": lambda actor, customer: _attempt(actor, customer, delete_customer),
    "restore": lambda actor, customer: _attempt(actor, customer, restore_customer),
    "key": lambda _actor, _customer: crypto.add_key(),
    "upgrade": lambda _actor, _customer: upgrade_database(),
}


def _attempt(actor: Actor, customer: Customer, act: Callable[..., object]) -> None:
    with transaction(actor) as session:
        act(session, actor, customer.id)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(st.sampled_from(["enter", "tag", "delete restore", "key", "upgrade"]), max_size=8))
def test_any_sequence_of_actions_verifies(database: str, manager: Actor, names: list[str]) -> None:
    customer = factories.make_customer(manager)
    for name in " ".join(names).split():
        ACTIONS[name](manager, customer)
    assert check().fault is None
    assert Path(config.settings().seal_file).read_text() == check().head
