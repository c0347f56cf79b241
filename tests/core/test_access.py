"""The whole table of who may do what to whose customers: every role × action × owner, through the services."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from crm_core.db import CrmSession, reading, transaction
from crm_core.errors import NotAllowed, NotFound
from crm_core.models import Attachment, Contact, Customer
from crm_core.permissions import BUILT_IN_ROLES, SYSTEM, Actor, Permission, Scope
from crm_core.services import (
    attachments,
    contacts,
    contract_views,
    customer_changes,
    customer_list,
    customers,
    drafts,
    history,
    library,
    reveals,
    roles,
    stage_changes,
    tags,
    users,
)
from crm_core.services import (
    teams as team_services,
)
from crm_core.services.customer_list import CustomerQuery
from crm_core.services.file_store import store_file
from crm_core.services.imports.plan import ImportPlan
from crm_core.services.imports.reading import read_table
from crm_core.services.imports.running import run_import
from tests import factories

Act = Callable[[CrmSession, Actor, Customer], object]

OWNERS = ("own", "team", "other")
SEEN = {Scope.OWN: {"own"}, Scope.TEAM: {"own", "team"}, Scope.ALL: set(OWNERS)}


def contact_of(session: CrmSession, customer: Customer) -> int:
    return session.execute(select(Contact.id).where(Contact.customer_id == customer.id), execution_options={"unscoped": True}).scalar_one()


def file_of(session: CrmSession, customer: Customer) -> int:
    statement = select(Attachment.id).where(Attachment.customer_id == customer.id)
    return session.execute(statement, execution_options={"unscoped": True}).scalar_one()


def imported(session: CrmSession, actor: Actor, one: Customer) -> None:
    run_import(actor, read_table("x.csv", "客户名称\n杭州恒远科技有限公司\n".encode()), ImportPlan({"客户名称": "name"}), dry_run=True)


ON_CUSTOMERS: dict[str, tuple[Permission, Act]] = {
    "open": (Permission.CUSTOMER_READ, lambda session, actor, one: customers.get_customer(session, actor, one.code)),
    "open file": (
        Permission.CUSTOMER_READ,
        lambda session, actor, one: attachments.open_attachment(session, actor, file_of(session, one)),
    ),
    "edit": (
        Permission.CUSTOMER_EDIT,
        lambda session, actor, one: customer_changes.update_customer(session, actor, one.id, {"remark": "x"}, version=one.version),
    ),
    "change type": (
        Permission.CUSTOMER_EDIT,
        lambda session, actor, one: stage_changes.change_stage(session, actor, one.id, "partner", {}, version=one.version),
    ),
    "add contact": (
        Permission.CUSTOMER_EDIT,
        lambda session, actor, one: contacts.add_contact(session, actor, one.id, factories.contact_values()),
    ),
    "make primary": (
        Permission.CUSTOMER_EDIT,
        lambda session, actor, one: contacts.make_primary(session, actor, contact_of(session, one)),
    ),
    "tag": (Permission.CUSTOMER_EDIT, lambda session, actor, one: tags.set_tags(session, actor, one.code, ["重点"])),
    "add file": (
        Permission.CUSTOMER_EDIT,
        lambda session, actor, one: attachments.add_attachment(
            session, actor, file=store_file(factories.PDF), type="attachment_type.other", customer_id=one.id
        ),
    ),
    "delete file": (
        Permission.CUSTOMER_EDIT,
        lambda session, actor, one: attachments.delete_attachment(session, actor, file_of(session, one)),
    ),
    "delete": (Permission.CUSTOMER_DELETE, lambda session, actor, one: customers.delete_customer(session, actor, one.id)),
    "reveal": (
        Permission.SENSITIVE_REVEAL,
        lambda session, actor, one: reveals.reveal(session, actor, "customer", one.id, "identity_number", reason="办理合同"),
    ),
    "restore": (Permission.CUSTOMER_RESTORE, lambda session, actor, one: customers.restore_customer(session, actor, one.id)),
}
"""What is done to one customer, with the permission that it needs; the last of them to a deleted one."""

ELSEWHERE: dict[str, tuple[Permission, Act]] = {
    "list": (Permission.CUSTOMER_READ, lambda session, actor, one: customer_list.list_customers(session, actor, CustomerQuery())),
    "history": (Permission.CUSTOMER_READ, lambda session, actor, one: history.list_changes(session, actor, one.id)),
    "fields of the log": (Permission.CUSTOMER_READ, lambda session, actor, one: history.list_subjects(session, actor, one.id)),
    "a field over time": (Permission.CUSTOMER_READ, lambda session, actor, one: history.values_over_time(session, actor, one.id, "stage")),
    "types over time": (Permission.CUSTOMER_READ, lambda session, actor, one: stage_changes.list_stays(session, actor, one.id)),
    "contracts": (Permission.CONTRACT_READ, lambda session, actor, one: contract_views.list_of_customer(session, actor, one.id)),
    "dashboard": (Permission.DASHBOARD_READ, lambda session, actor, one: factories.count_on_board(session, actor)),
    "enter": (
        Permission.CUSTOMER_CREATE,
        lambda session, actor, one: customers.create_customer(session, actor, factories.customer_values(), [factories.contact_values()]),
    ),
    "draft": (
        Permission.CUSTOMER_CREATE,
        lambda session, actor, one: drafts.start_draft(session, actor, {"kind": "enterprise", "stage": "prospect"}),
    ),
    "import": (Permission.CUSTOMER_IMPORT, imported),
    "library": (
        Permission.LIBRARY_EDIT,
        lambda session, actor, one: library.add_preset(session, actor, "source", name="直播", name_en=""),
    ),
    "accounts": (Permission.USER_EDIT, lambda session, actor, one: users.list_users(session, actor)),
    "teams": (Permission.USER_EDIT, lambda session, actor, one: team_services.create_team(session, actor, name="华南组")),
    "roles": (Permission.ROLE_EDIT, lambda session, actor, one: roles.create_role(session, actor, name="售前")),
}
"""What concerns no single customer."""


@pytest.fixture
def owned(database: str, teams: dict[str, int]) -> Callable[[str, str], tuple[Actor, Customer]]:
    """Makes somebody of a role in team East, and a customer: their own, one of a colleague below, or one of another team."""

    def make(role: str, owner: str) -> tuple[Actor, Customer]:
        actor = factories.make_user(role=role, team_id=teams["east"])
        holder = factories.make_user(team_id=teams["below" if owner == "team" else "west"])
        customer = factories.make_customer(holder)
        with transaction(SYSTEM) as session:
            attachments.add_attachment(
                session, SYSTEM, file=store_file(factories.PDF), type="attachment_type.other", customer_id=customer.id
            )
            if owner == "own":
                session.get_one(Customer, customer.id).owner_id = actor.id
        with reading(SYSTEM) as session:
            return actor, session.get_one(Customer, customer.id)

    return make


@pytest.mark.parametrize("owner", OWNERS)
@pytest.mark.parametrize("role", BUILT_IN_ROLES)
def test_a_role_does_what_its_permissions_say_to_the_customers_of_its_scope(
    owned: Callable[[str, str], tuple[Actor, Customer]], role: str, owner: str
) -> None:
    template = BUILT_IN_ROLES[role]
    actor, customer = owned(role, owner)
    for action, (permission, act) in ON_CUSTOMERS.items():
        if action == "restore":
            with transaction(SYSTEM) as session:
                customers.delete_customer(session, SYSTEM, customer.id)
        is_seen, is_allowed = owner in SEEN[template.scope], permission in template.permissions
        outcome = outcome_of(actor, customer, act)
        if is_allowed:
            assert outcome is (None if is_seen else NotFound), action
        else:
            assert outcome in (NotAllowed, NotFound), action
            assert not is_seen or outcome is NotAllowed, action


@pytest.mark.parametrize("role", BUILT_IN_ROLES)
def test_a_role_does_elsewhere_what_its_permissions_say(owned: Callable[[str, str], tuple[Actor, Customer]], role: str) -> None:
    actor, customer = owned(role, "own")
    for action, (permission, act) in ELSEWHERE.items():
        assert outcome_of(actor, customer, act) is (None if permission in BUILT_IN_ROLES[role].permissions else NotAllowed), action


@pytest.mark.parametrize("action", [*ON_CUSTOMERS, *ELSEWHERE])
def test_a_permission_that_is_taken_away_stops_the_next_attempt_and_is_named(
    owned: Callable[[str, str], tuple[Actor, Customer]], action: str
) -> None:
    permission, act = (ON_CUSTOMERS | ELSEWHERE)[action]
    _actor, customer = owned("administrator", "own")
    with transaction(SYSTEM) as session:
        role = roles.create_role(session, SYSTEM, name="几乎全部", copy_of=roles.list_roles(session)[0].id)
        terms: Any = vars(roles.terms_of(role)) | {"permissions": frozenset(Permission) - {permission}}
        roles.update_role(session, SYSTEM, role.id, roles.Terms(**terms), version=role.version)
        code = role.code
    limited = factories.make_user(role=code)
    with pytest.raises(NotAllowed) as refusal, transaction(limited) as session:
        act(session, limited, customer)
    assert refusal.value.permission == permission


class Undone(Exception):
    """Ends a transaction whose changes the next attempt is not to find."""


def outcome_of(actor: Actor, customer: Customer, act: Act) -> type[Exception] | None:
    """Which error an attempt ends with; none where it succeeds."""
    try:
        with transaction(actor) as session:
            act(session, actor, customer)
            raise Undone
    except (NotAllowed, NotFound) as problem:
        return type(problem)
    except Undone:
        return None
