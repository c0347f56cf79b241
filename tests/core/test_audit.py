"""The change log: complete, masked, and impossible to rewrite on either database."""

import ast
from dataclasses import replace

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from crm_core import config, db
from crm_core.audit import add_lines, line_for, record_event
from crm_core.clients import Client
from crm_core.config import settings
from crm_core.db import reading, transaction
from crm_core.masking import mask
from crm_core.models import ACTIONS, ChangeLog, Role, Team
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import sign_in
from crm_core.services.contacts import list_contacts, update_contact
from crm_core.services.customer_changes import update_customer
from crm_core.services.customers import create_customer, delete_customer
from crm_core.services.drafts import save_draft, start_draft
from crm_core.services.history import PAGE_SIZE, list_changes
from crm_core.services.users import update_user
from tests import factories

REWRITES = [
    "UPDATE change_log SET reason = 'x'",
    "UPDATE change_log SET actor_name = 'x' WHERE id = 1",
    "DELETE FROM change_log",
    "DELETE FROM change_log WHERE id = 1",
]
ONLY_POSTGRES = ["TRUNCATE change_log"]
ONLY_SQLITE = [
    "REPLACE INTO change_log (id, at, actor_name, action, entity, entity_id, subject) VALUES (1, 'x', 'x', 'x', 'x', 'x', 'x')",
]


def attempt(statement: str) -> None:
    with pytest.raises(DatabaseError, match="append-only"), db.engine().begin() as connection:
        connection.execute(text(statement))


@pytest.mark.parametrize("statement", REWRITES)
def test_no_statement_rewrites_the_log(database: str, sales: Actor, statement: str) -> None:
    customer = factories.make_customer(sales)
    before = [(line.id, line.actor_name, line.reason) for line in factories.log_of("customer", customer.id)]
    attempt(statement)
    assert [(line.id, line.actor_name, line.reason) for line in factories.log_of("customer", customer.id)] == before


@pytest.mark.parametrize("statement", ONLY_POSTGRES)
def test_no_statement_of_postgres_empties_the_log(postgres_database: str, sales: Actor, statement: str) -> None:
    attempt(statement)


@pytest.mark.parametrize("statement", ONLY_SQLITE)
def test_no_statement_of_sqlite_replaces_a_line(sqlite_database: str, sales: Actor, statement: str) -> None:
    attempt(statement)


def test_the_program_itself_cannot_change_a_line(database: str, sales: Actor) -> None:
    factories.make_customer(sales)
    with pytest.raises(DatabaseError, match="append-only"), transaction(sales) as session:
        session.query(ChangeLog).first().reason = "x"  # type: ignore[union-attr]


def test_a_change_that_is_rolled_back_leaves_no_line(database: str, sales: Actor) -> None:
    with transaction(sales) as session:
        create_customer(session, sales, factories.customer_values(), [factories.contact_values()])
        session.rollback()
    assert factories.log_of("customer") == factories.log_of("contact") == []


def test_sensitive_values_are_logged_masked(database: str, administrator: Actor) -> None:
    number, other = factories.random_identity_number(), factories.random_identity_number()
    contacts = [factories.contact_values(phone="13800001234", email="chenwei@hengyuan.com")]
    customer = factories.make_customer(
        administrator, kind="individual", identity_number=number, address="西湖区文三路100号1幢101室", contacts=contacts
    )
    with transaction(administrator) as session:
        changes = {"identity_number": other, "address": "滨江区江南大道200号2幢202室"}
        update_customer(session, administrator, customer.id, changes, version=customer.version, reason="更正")
    with transaction(administrator) as session:
        contact = list_contacts(session, administrator, customer.id)[0]
        values = factories.contact_values(name=contact.name, phone="0571-87654321", email="zhaomin@hengyuan.com")
        update_contact(session, administrator, contact.id, values, version=contact.version)
    logged = {line.field: (line.old, line.new) for line in [*factories.log_of("customer"), *factories.log_of("contact")] if line.field}
    assert logged["identity_number"] == (mask("identity_number", number), mask("identity_number", other))
    assert logged["address"] == ("西湖区文三路****", "滨江区江南大****")
    assert logged["phone"] == ("138****1234", mask("phone", "0571-87654321"))
    assert logged["email"] == ("che**@hengyuan.com", "zha**@hengyuan.com")
    everything = str(
        [(line.old, line.new, line.reason, line.subject) for line in factories.log_of("customer") + factories.log_of("contact")]
    )
    assert not any(secret in everything for secret in (number, other, "13800001234", "chenwei", "101室"))


def test_no_identity_number_stands_anywhere_in_the_database_file(
    sqlite_database: str, sales: Actor, manager: Actor, administrator: Actor
) -> None:
    number, other = factories.random_identity_number(), factories.random_identity_number()
    with transaction(sales) as session:
        draft = start_draft(session, sales, {"identity_number": number})
        save_draft(session, sales, draft, {"identity_number": number, "name": "可以找到的名字"})
    customer = factories.make_customer(sales, kind="individual", identity_number=number, draft_id=draft)
    with transaction(administrator) as session:
        update_customer(session, administrator, customer.id, {"identity_number": other}, version=customer.version, reason="更正")
    with transaction(manager) as session:
        delete_customer(session, manager, customer.id)
    with reading(SYSTEM) as session:
        session.execute(text("SELECT 1"))
    files = {path.name: path.read_bytes() for path in settings().data_dir.iterdir() if path.is_file()}
    assert "crm.db-wal" in files
    everything = b"".join(files.values())
    assert customer.name.encode() in everything
    for secret in (number, other, number[6:17], other[6:17]):
        assert secret.encode() not in everything


def test_the_history_of_a_customer_tells_who_when_what_and_why(database: str, sales: Actor, manager: Actor) -> None:
    customer = factories.make_customer(sales)
    with transaction(manager) as session:
        update_customer(session, manager, customer.id, {"source_detail": "2024年展会"}, version=1, reason="与客户核对")
    with reading(sales) as session:
        newest, *older = list_changes(session, sales, customer.id).rows
    assert (newest.actor_name, newest.field, newest.old, newest.new, newest.reason) == (
        manager.name,
        "source_detail",
        "2023年行业展会",
        "2024年展会",
        "与客户核对",
    )
    assert {(line.entity, line.action) for line in older} == {("customer", "created"), ("contact", "created")}
    assert newest.at >= older[-1].at


def test_every_change_of_a_customer_can_be_reached(database: str, sales: Actor) -> None:
    customer = factories.make_customer(sales)
    with transaction(sales) as session:
        lines = [
            line_for(session, "changed", entity="customer", entity_id=customer.id, customer_id=customer.id, subject=str(number))
            for number in range(PAGE_SIZE)
        ]
        add_lines(session, lines)
    with reading(sales) as session:
        first, second, beyond = (list_changes(session, sales, customer.id, page=page) for page in (0, 2, 9))
    assert (first.total, first.pages, first.page, len(first.rows)) == (PAGE_SIZE + 2, 2, 1, PAGE_SIZE)
    assert [line.action for line in second.rows] == ["created", "created"]
    assert (beyond.page, [line.id for line in beyond.rows]) == (2, [line.id for line in second.rows])
    assert first.rows[-1].id > second.rows[0].id


def test_a_reason_belongs_to_its_own_transaction(database: str, sales: Actor) -> None:
    customer = factories.make_customer(sales)
    with transaction(sales) as session:
        changed = update_customer(session, sales, customer.id, {"source_detail": "a"}, version=1, reason="第一次")
    with transaction(sales) as session:
        update_customer(session, sales, customer.id, {"remark": "b"}, version=changed.version)
    assert [line.reason for line in factories.log_of("customer", customer.id, action="changed")] == ["第一次", None]


@pytest.mark.parametrize(
    ("field", "value", "masked"),
    [
        ("phone", "13800001234", "138****1234"),
        ("phone", "1234567", "*******"),
        ("email", "chenwei@example.com", "che**@example.com"),
        ("email", "ab@example.com", "a**@example.com"),
        ("identity_number", "11010519491231002X", "110**********2X"),
        ("name", "王伟", "**"),
        ("name", "王小明", "王*明"),
        ("name", "杭州恒远机械有限公司", "杭州******公司"),
        ("wechat", "hengyuan888", "h*********8"),
        ("phone", "", ""),
    ],
)
def test_a_masked_value_keeps_only_its_ends(field: str, value: str, masked: str) -> None:
    assert mask(field, value) == masked


def last_line() -> ChangeLog:
    with reading(SYSTEM) as session:
        return session.execute(select(ChangeLog).order_by(ChangeLog.id.desc()).limit(1)).scalar_one()


def what(line: ChangeLog) -> tuple[str, str, str | None]:
    return line.action, line.actor_name, line.address


class TestSignIn:
    def test_signing_in_and_out_is_its_owners_and_tells_from_where(self, database: str, sales: Actor) -> None:
        with transaction() as session:
            ticket = sign_in.open_session(session, sales.username, client=Client("10.1.2.3", browser="b"))
        assert what(last_line()) == ("signed_in", sales.name, "10.1.2.3")
        with transaction() as session:
            sign_in.close_session(session, sign_in.redeem_ticket(session, ticket, browser="b") or "")
        assert what(last_line()) == ("signed_out", sales.name, "10.1.2.3")
        assert (last_line().actor_id, last_line().entity_id) == (sales.id, str(sales.id))

    def test_what_somebody_does_in_a_session_tells_from_where(self, database: str, sales: Actor) -> None:
        factories.make_customer(replace(sales, address="10.1.2.3"))
        assert what(last_line()) == ("created", sales.name, "10.1.2.3")

    def test_a_failed_sign_in_names_the_account_only_if_there_is_one(self, database: str, sales: Actor) -> None:
        with transaction() as session:
            sign_in.refuse(session, sales.username, Client("10.1.2.3"))
        assert (what(last_line()), last_line().new, last_line().actor_id) == (("sign_in_failed", "", "10.1.2.3"), sales.username, None)
        with transaction() as session:
            sign_in.refuse(session, "My-secret-1!", Client("10.1.2.3"))
        line = last_line()
        assert (what(line), line.new, line.subject, line.entity_id) == (("sign_in_failed", "", "10.1.2.3"), None, "", "")

    def test_disabling_an_account_tells_that_its_sessions_ended(self, database: str, administrator: Actor, sales: Actor) -> None:
        with transaction() as session:
            sign_in.open_session(session, sales.username, client=Client("10.1.2.3"))
        for _time in range(2):
            with transaction(administrator) as session:
                update_user(session, administrator, sales.id, name=sales.name, role="sales", team_id=None, is_active=False)
        (line,) = factories.log_of("user_account", sales.id, action="session_ended")
        assert line.actor_id == administrator.id


def test_changes_of_roles_and_teams_are_logged(database: str, teams: dict[str, int]) -> None:
    with transaction(SYSTEM) as session:
        role = session.execute(select(Role).where(Role.code == "viewer")).scalar_one()
        role.permissions = [*role.permissions, "audit:read"]
        session.get_one(Team, teams["west"]).parent_id = teams["east"]
    assert (factories.log_of("role", field="permissions")[-1].new or "").count("audit:read") == 1
    assert [(line.old, line.new) for line in factories.log_of("team", field="parent_id")] == [(None, str(teams["east"]))]


def test_an_unknown_action_is_not_written(sqlite_database: str, sales: Actor) -> None:
    with pytest.raises(ValueError, match="ACTIONS"), transaction(sales) as session:
        record_event(session, "nonsense", "customer")


def test_every_action_that_the_program_writes_has_a_label() -> None:
    used = {
        call.args[1].value
        for path in (config.ROOT / "crm_core").rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        and ast.unparse(call.func).split(".")[-1] in ("record", "record_event", "line_for", "_line")
        and len(call.args) > 1
        and isinstance(call.args[1], ast.Constant)
    }
    assert used >= {"created", "changed", "imported", "signed_in", "sign_in_failed"}
    assert used <= set(ACTIONS)
