"""Roles: changing what they allow, what always stays, and that nobody grants more than they have."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm_core.db import CrmSession, reading, transaction
from crm_core.errors import Conflict, CrmError, IllegalTransition, NotAllowed, NotFound, ValidationFailed
from crm_core.models import STAGES, Role, User
from crm_core.permissions import BUILT_IN_ROLES, PERMISSIONS, SENSITIVE, SYSTEM, Access, Actor, Permission, Scope, area_of
from crm_core.services import drafts, passwords, roles, users
from crm_core.services.customers import create_customer
from crm_core.services.imports.plan import ImportPlan
from crm_core.services.imports.reading import read_table
from crm_core.services.imports.running import run_import
from crm_core.services.roles import Terms
from tests import factories
from tests.core.sentences import is_sentence


def role_of(code: str) -> Role:
    with reading(SYSTEM) as session:
        found = roles.find_role(session, code)
    assert found
    return found


def change(actor: Actor, code: str, **over: Any) -> None:
    """Change some terms of a role."""
    role = role_of(code)
    with transaction(actor) as session:
        roles.update_role(session, actor, role.id, replace(roles.terms_of(role), **over), version=role.version)


def made(actor: Actor, name: str = "售前", *, copy_of: str = "", **over: Any) -> str:
    """The code of a new role."""
    with transaction(actor) as session:
        code = roles.create_role(session, actor, name=name, copy_of=role_of(copy_of).id if copy_of else None).code
    if over:
        change(actor, code, **over)
    return code


def granted(code: str, *permissions: Permission) -> frozenset[str]:
    return frozenset(role_of(code).permissions) | set(permissions)


def refused(error: type[CrmError], act: Callable[[], object]) -> CrmError:
    with pytest.raises(error) as refusal:
        act()
    assert is_sentence(str(refusal.value))
    return refusal.value


def test_every_permission_has_a_name_and_an_area() -> None:
    assert set(PERMISSIONS) == set(Permission)
    assert all(map(area_of, Permission))


class TestRoles:
    def test_a_new_database_has_the_built_in_roles_once(self, database: str) -> None:
        with transaction() as session:
            roles.ensure_roles(session)
        with reading() as session:
            assert [role.code for role in roles.list_roles(session)] == list(BUILT_IN_ROLES)

    def test_a_new_role_allows_nothing_and_a_copy_what_the_other_one_allows(self, database: str, administrator: Actor) -> None:
        fresh, copy = role_of(made(administrator)), role_of(made(administrator, "华东主管", copy_of="manager"))
        assert roles.terms_of(fresh) == Terms("售前")
        assert roles.terms_of(copy) == replace(roles.terms_of(role_of("manager")), name="华东主管")
        assert len(factories.log_of("role", copy.id, action="created")) == 1

    def test_a_change_counts_from_the_next_action_and_is_logged(self, database: str, administrator: Actor, sales: Actor) -> None:
        terms = roles.terms_of(role_of("sales"))
        access = tuple((kind, level - 1) for kind, level in terms.access)
        over = {
            "permissions": terms.permissions - {Permission.CUSTOMER_EDIT},
            "scope": Scope.TEAM,
            "access": access,
            "entry_stages": frozenset({"prospect"}),
            "needs_second_factor": True,
        }
        change(administrator, "sales", **over)
        now = factories.actor_of(sales.id or 0)
        assert not now.can(Permission.CUSTOMER_EDIT)
        assert (now.scope, now.entry_stages, now.must_enrol) == (Scope.TEAM, {"prospect"}, True)
        assert [now.access_to(kind) for kind in SENSITIVE] == [level for _kind, level in access]
        lines = factories.log_of("role", role_of("sales").id, action="changed")
        assert {line.field for line in lines} == set(over)
        assert {line.actor_id for line in lines} == {administrator.id}

    def test_a_built_in_role_can_be_renamed_and_takes_its_own_name_back(self, database: str, administrator: Actor) -> None:
        change(administrator, "sales", name="客户经理")
        assert role_of("sales").title == "客户经理"
        change(administrator, "sales", name="销售")
        assert role_of("sales").name == BUILT_IN_ROLES["sales"].label

    def test_a_role_without_accounts_can_be_deleted(self, database: str, administrator: Actor) -> None:
        role = role_of(made(administrator))
        with transaction(administrator) as session:
            roles.delete_role(session, administrator, role.id)
        assert len(factories.log_of("role", role.id, action="deleted")) == 1
        with pytest.raises(NotFound), transaction(administrator) as session:
            roles.delete_role(session, administrator, role.id)

    def test_a_role_in_use_and_a_built_in_one_stay(self, database: str, administrator: Actor) -> None:
        code = made(administrator)
        factories.make_user(role=code)
        for kept in (code, "viewer"):
            with transaction(administrator) as session:
                refused(IllegalTransition, lambda kept=kept: roles.delete_role(session, administrator, role_of(kept).id))

    def test_the_second_of_two_changes_is_told_what_the_first_saved(self, database: str, administrator: Actor) -> None:
        role = role_of("sales")
        terms = roles.terms_of(role)
        change(administrator, "sales", scope=Scope.ALL)
        with transaction(administrator) as session:
            conflict = refused(
                Conflict, lambda: roles.update_role(session, administrator, role.id, replace(terms, name="x"), version=role.version)
            )
        assert isinstance(conflict, Conflict)
        assert (conflict.version, conflict.theirs["scope"]) == (role.version + 1, Scope.ALL)

    def test_changes_of_two_people_are_put_together(self) -> None:
        base = Terms("a", permissions=frozenset({"x", "y"}), access=(("phone", 1), ("email", 1)))
        mine = replace(base, permissions=frozenset({"y", "z"}), access=(("phone", 2), ("email", 1)), scope=Scope.ALL)
        theirs = replace(base, permissions=frozenset({"x", "y", "w"}), access=(("phone", 1), ("email", 0)), name="b")
        both = mine.rebased(base, theirs)
        assert (both.name, both.scope, both.permissions) == ("b", Scope.ALL, {"y", "z", "w"})
        assert (dict(both.access)["phone"], dict(both.access)["email"]) == (2, 0)


class TestInput:
    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("name", " "),
            ("name", "长" * 61),
            ("name", "管理员"),
            ("permissions", frozenset({"customer:burn"})),
            ("scope", "galaxy"),
            ("entry_stages", frozenset({"lead"})),
            ("entry_stages", frozenset()),
            ("access", (("salary", 1),)),
            ("access_level", (("phone", 9),)),
        ],
    )
    def test_what_is_not_known_is_refused(self, database: str, administrator: Actor, field: str, value: Any) -> None:
        with pytest.raises(ValidationFailed) as refusal:
            change(administrator, "sales", **{field.removesuffix("_level"): value})
        assert set(refusal.value.errors) == {field}
        assert all(is_sentence(sentence, at_least=4) for sentence in refusal.value.errors[field])
        assert roles.terms_of(role_of("sales")).scope == Scope.OWN

    def test_of_the_administrators_role_only_the_second_factor_changes(self, database: str, administrator: Actor) -> None:
        for over in (
            {"name": "x"},
            {"scope": Scope.OWN},
            {"permissions": frozenset()},
            {"access": Terms("").access},
            {"entry_stages": frozenset(STAGES)},
        ):
            refused(IllegalTransition, lambda over=over: change(administrator, "administrator", **over))
        change(administrator, "administrator", needs_second_factor=True)
        assert role_of("administrator").needs_second_factor


class TestNobodyGrantsMore:
    """Accounts and roles in the hands of people who are no administrators."""

    @pytest.fixture
    def clerk(self, administrator: Actor) -> Actor:
        """Somebody who manages accounts, and otherwise works like a salesperson who sees everything."""
        terms = {"permissions": granted("sales", Permission.USER_EDIT), "scope": Scope.ALL}
        return factories.make_user(role=made(administrator, "人事", copy_of="sales", **terms), username="clerk")

    @pytest.fixture
    def editor(self, administrator: Actor) -> Actor:
        """Somebody who edits roles, and otherwise works like a salesperson who sees everything."""
        terms = {"permissions": granted("sales", Permission.ROLE_EDIT), "scope": Scope.ALL}
        return factories.make_user(role=made(administrator, "制度", copy_of="sales", **terms), username="editor")

    @pytest.mark.parametrize("role", ["administrator", "manager"])
    def test_who_manages_accounts_gives_no_role_above_the_own_one(self, database: str, clerk: Actor, sales: Actor, role: str) -> None:
        for target in (sales, clerk):
            with transaction(clerk) as session:
                refused(
                    NotAllowed,
                    lambda target=target: users.update_user(
                        session, clerk, target.id or 0, name="x", role=role, team_id=None, is_active=True
                    ),
                )
        with transaction(clerk) as session:
            refused(NotAllowed, lambda: users.create_user(session, clerk, username="new.one", name="x", password_hash="x", role=role))

    def test_who_manages_accounts_gives_roles_within_the_own_one(self, database: str, clerk: Actor, sales: Actor) -> None:
        with transaction(clerk) as session:
            users.update_user(session, clerk, sales.id or 0, name="改名", role="viewer", team_id=None, is_active=True)
        assert factories.actor_of(sales.id or 0).name == "改名"

    def test_who_manages_accounts_leaves_those_above_alone(self, database: str, administrator: Actor, clerk: Actor) -> None:
        other = factories.make_user(role="administrator")
        with transaction(clerk) as session:
            refused(
                NotAllowed,
                lambda: users.update_user(session, clerk, other.id or 0, name="x", role="administrator", team_id=None, is_active=False),
            )
            refused(NotAllowed, lambda: passwords.reset_password(session, clerk, other.id or 0, password_hash="x"))

    @pytest.mark.parametrize(
        "over",
        [
            {"permissions": frozenset({Permission.USER_EDIT})},
            {"permissions": frozenset({Permission.CUSTOMER_DELETE})},
            {"access": tuple((kind, Access.EDITABLE) for kind in SENSITIVE)},
        ],
    )
    def test_who_edits_roles_puts_nothing_into_them_beyond_the_own_rights(
        self, database: str, editor: Actor, administrator: Actor, over: dict[str, Any]
    ) -> None:
        code = made(editor, "外勤", copy_of="sales")
        for target in (code, "sales"):
            refused(NotAllowed, lambda target=target: change(editor, target, **over))
        refused(NotAllowed, lambda: made(editor, "影子", copy_of="manager"))
        refused(NotAllowed, lambda: change(editor, "manager", name="x"))
        change(editor, code, permissions=granted(code) - {Permission.CUSTOMER_EDIT})

    def test_a_narrower_scope_and_fewer_customer_types_bind_too(self, database: str, administrator: Actor) -> None:
        terms = {"permissions": granted("sales", Permission.ROLE_EDIT), "entry_stages": frozenset({"prospect"})}
        editor = factories.make_user(role=made(administrator, "制度", copy_of="sales", **terms))
        code = made(administrator, "外勤", entry_stages=frozenset({"prospect"}))
        refused(NotAllowed, lambda: change(editor, code, scope=Scope.TEAM))
        refused(NotAllowed, lambda: change(editor, code, entry_stages=None))
        refused(NotAllowed, lambda: change(editor, code, entry_stages=frozenset({"customer"})))
        change(editor, code, name="外勤二组")

    @pytest.mark.parametrize("role", [role for role in BUILT_IN_ROLES if role != "administrator"])
    def test_without_the_permission_no_role_is_touched(self, database: str, role: str) -> None:
        actor = factories.make_user(role=role)
        with transaction(actor) as session:
            for act in (
                lambda: roles.create_role(session, actor, name="x"),
                lambda: roles.update_role(session, actor, 1, Terms("x"), version=1),
                lambda: roles.delete_role(session, actor, 1),
            ):
                refusal = refused(NotAllowed, act)
                assert isinstance(refusal, NotAllowed)
                assert refusal.permission == Permission.ROLE_EDIT


class TestCustomerTypes:
    @pytest.fixture
    def beginner(self, administrator: Actor) -> Actor:
        """Somebody who enters and imports prospects only."""
        permissions = granted("sales", Permission.CUSTOMER_IMPORT)
        return factories.make_user(
            role=made(administrator, "新人", copy_of="sales", permissions=permissions, entry_stages=frozenset({"prospect", "qualified"}))
        )

    @pytest.mark.parametrize("stage", STAGES)
    def test_customers_are_entered_in_the_allowed_types_only(self, database: str, beginner: Actor, stage: str) -> None:
        if stage in ("prospect", "qualified"):
            factories.make_customer(beginner, stage=stage)
            return
        with transaction(beginner) as session:
            for act in (
                lambda: create_customer(session, beginner, factories.customer_values(stage=stage), [factories.contact_values()]),
                lambda: drafts.start_draft(session, beginner, {"kind": "enterprise", "stage": stage}),
            ):
                refusal = refused(NotAllowed, act)
                assert "潜在客户" in str(refusal)
                assert "意向客户" in str(refusal)

    def test_an_import_fails_the_rows_of_other_types(self, database: str, beginner: Actor) -> None:
        table = read_table("x.csv", "客户名称,客户类型\n杭州恒远科技有限公司,潜在客户\n杭州宏达科技有限公司,成交客户\n".encode())
        plan = ImportPlan(mapping={"客户名称": "name", "客户类型": "stage"})
        result = run_import(beginner, table, plan)
        assert (result.created, result.failed) == (1, 1)
        (note,) = result.errors
        assert note.field == "stage"
        assert "潜在客户" in note.message


def active_administrators() -> int:
    with reading(SYSTEM) as session:
        return len(users.administrator_names(session))


STEPS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 2), st.sampled_from(["administrator", "manager", "sales"]), st.booleans(), st.booleans()),
    max_size=12,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_no_sequence_of_changes_removes_the_last_administrator(sqlite_database: str, steps: list[tuple[int, int, str, bool, bool]]) -> None:
    with transaction(SYSTEM) as session:
        people = [user.id for user in session.query(User)]
    while len(people) < 3:
        people.append(factories.make_user(role="administrator").id or 0)
    for who, target, role, is_active, empties in steps:
        actor = factories.actor_of(people[who])
        attempt(
            actor,
            lambda session, actor=actor, target=target, role=role, active=is_active: users.update_user(
                session, actor, people[target], name="x", role=role, team_id=None, is_active=active
            ),
        )
        if empties:
            attempt(actor, lambda session, actor=actor: empty_role(session, actor))
        assert active_administrators() >= 1
        assert set(role_of("administrator").permissions) == set(Permission)


def empty_role(session: CrmSession, actor: Actor) -> None:
    """Take everything from the administrators."""
    role = roles.find_role(session, "administrator")
    assert role
    roles.update_role(session, actor, role.id, Terms("x"), version=role.version)


def attempt(actor: Actor, act: Callable[[CrmSession], object]) -> None:
    """What somebody tries, whatever comes of it."""
    try:
        with transaction(actor) as session:
            act(session)
    except CrmError:
        return
