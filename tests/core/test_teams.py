"""Teams: the tree, its heads, and what follows for those who see a team's customers."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from crm_core.db import CrmSession, reading, transaction
from crm_core.errors import CrmError, IllegalTransition, NotAllowed, NotFound, ValidationFailed
from crm_core.models import Role, Team
from crm_core.permissions import SYSTEM, Actor, Permission
from crm_core.services import customer_list, passwords, profile, users
from crm_core.services import teams as team_services
from crm_core.services.customer_list import CustomerQuery
from tests import factories
from tests.core.sentences import is_sentence


def change(actor: Actor, team_id: int, **over: Any) -> None:
    """Change some of a team's values, as its dialog sends them all."""
    with transaction(actor) as session:
        team = session.get_one(Team, team_id)
        values = {"name": team.name, "parent_id": team.parent_id, "head_id": team.head_id} | over
        team_services.update_team(session, actor, team_id, **values)


def tree(actor: Actor) -> list[tuple[str, int, int]]:
    """Name, depth and members of every team, in order."""
    with reading(actor) as session:
        return [(node.name, node.depth, node.members) for node in team_services.list_tree(session, actor)]


def seen_by(actor: Actor) -> int:
    """How many customers the present rights of an account show."""
    now = factories.actor_of(actor.id or 0)
    with reading(now) as session:
        return customer_list.list_customers(session, now, CustomerQuery()).total


def test_each_team_is_followed_by_those_below_it_with_its_active_members(
    database: str, administrator: Actor, teams: dict[str, int], sales: Actor
) -> None:
    with transaction(SYSTEM) as session:
        team_services.create_team(session, administrator, name="杭州小组", parent_id=teams["below"])
    gone = factories.make_user(team_id=teams["below"])
    with transaction(SYSTEM) as session:
        users.update_user(session, SYSTEM, gone.id or 0, name="x", role="sales", team_id=teams["below"], is_active=False)
    listed = tree(administrator)
    assert sorted(listed) == sorted([("华东组", 0, 0), ("华东一组", 1, 1), ("杭州小组", 2, 0), ("华西组", 0, 0)])
    start = listed.index(("华东组", 0, 0))
    assert listed[start + 1 : start + 3] == [("华东一组", 1, 1), ("杭州小组", 2, 0)]


class TestWhatIsSeen:
    def test_a_team_includes_what_is_below_it(self, database: str, administrator: Actor, teams: dict[str, int]) -> None:
        with transaction(administrator) as session:
            deepest = team_services.create_team(session, administrator, name="杭州小组", parent_id=teams["below"])
        with reading() as session:
            assert team_services.teams_seen(session, 0, teams["east"]) == {teams["east"], teams["below"], deepest}
            assert team_services.teams_seen(session, 0, teams["west"]) == {teams["west"]}
            assert team_services.teams_seen(session, 0, None) == frozenset()

    def test_a_head_sees_the_team_and_all_below_whatever_the_own_team(
        self, database: str, administrator: Actor, teams: dict[str, int], manager: Actor, stranger: Actor
    ) -> None:
        factories.make_customer(stranger)
        assert seen_by(manager) == 0
        change(administrator, teams["west"], head_id=manager.id)
        assert seen_by(manager) == 1
        change(administrator, teams["west"], head_id=None)
        assert seen_by(manager) == 0
        assert len(factories.log_of("team", teams["west"], field="head_id")) == 2

    def test_a_team_that_moves_takes_its_customers_into_the_other_view_at_once(
        self, database: str, administrator: Actor, teams: dict[str, int], manager: Actor, sales: Actor
    ) -> None:
        factories.make_customer(sales)
        assert seen_by(manager) == 1
        change(administrator, teams["below"], parent_id=teams["west"])
        assert seen_by(manager) == 0
        change(administrator, teams["below"], parent_id=teams["east"])
        assert seen_by(manager) == 1


class TestRules:
    @pytest.mark.parametrize("name", ["", "华东组", "长" * 61])
    def test_a_team_needs_a_name_of_its_own(self, database: str, administrator: Actor, teams: dict[str, int], name: str) -> None:
        for attempt in (
            lambda session: team_services.create_team(session, administrator, name=name),
            lambda session: team_services.update_team(session, administrator, teams["west"], name=name, parent_id=None, head_id=None),
        ):
            with pytest.raises(ValidationFailed) as refusal, transaction(administrator) as session:
                attempt(session)
            assert set(refusal.value.errors) == {"name"}

    def test_a_team_keeps_its_own_name(self, database: str, administrator: Actor, teams: dict[str, int]) -> None:
        change(administrator, teams["east"])
        change(administrator, teams["east"], name="华东大区")
        assert ("华东大区", 0, 0) in tree(administrator)

    @pytest.mark.parametrize("place", ["east", "below"])
    def test_a_team_cannot_move_below_itself(self, database: str, administrator: Actor, teams: dict[str, int], place: str) -> None:
        with pytest.raises(ValidationFailed) as refusal:
            change(administrator, teams["east"], parent_id=teams[place])
        assert is_sentence(refusal.value.errors["parent_id"][0])
        assert ("华东组", 0, 0) in tree(administrator)

    def test_an_unknown_place_and_a_head_who_cannot_sign_in_are_refused(
        self, database: str, administrator: Actor, teams: dict[str, int], sales: Actor
    ) -> None:
        with transaction(SYSTEM) as session:
            users.update_user(session, SYSTEM, sales.id or 0, name="x", role="sales", team_id=None, is_active=False)
        for over, field in (({"parent_id": 999}, "parent_id"), ({"head_id": sales.id}, "head_id"), ({"head_id": 999}, "head_id")):
            with pytest.raises(ValidationFailed) as refusal:
                change(administrator, teams["east"], **over)
            assert set(refusal.value.errors) == {field}

    def test_only_an_empty_team_can_be_deleted(self, database: str, administrator: Actor, teams: dict[str, int], sales: Actor) -> None:
        for team in ("east", "below"):
            with pytest.raises(IllegalTransition) as refusal, transaction(administrator) as session:
                team_services.delete_team(session, administrator, teams[team])
            assert is_sentence(str(refusal.value))
        with transaction(administrator) as session:
            team_services.delete_team(session, administrator, teams["west"])
        assert len(tree(administrator)) == 2
        assert len(factories.log_of("team", teams["west"], action="deleted")) == 1

    def test_nobody_is_put_into_a_team_that_was_deleted_meanwhile(self, database: str, administrator: Actor, sales: Actor) -> None:
        with pytest.raises(ValidationFailed) as refusal, transaction(administrator) as session:
            users.update_user(session, administrator, sales.id or 0, name="x", role="sales", team_id=999, is_active=True)
        assert set(refusal.value.errors) == {"team_id"}

    @pytest.mark.parametrize(
        ("error", "attempt"),
        [
            (NotFound, lambda session, actor: team_services.update_team(session, actor, 999, name="x", parent_id=None, head_id=None)),
            (NotFound, lambda session, actor: team_services.delete_team(session, actor, 999)),
        ],
    )
    def test_a_team_that_is_gone_is_told(
        self, database: str, administrator: Actor, sales: Actor, error: type[CrmError], attempt: Callable[..., object]
    ) -> None:
        with pytest.raises(error), transaction(administrator) as session:
            attempt(session, administrator)
        with pytest.raises(NotAllowed), transaction(sales) as session:
            attempt(session, sales)


class TestNobodySeesMore:
    """Accounts and teams in the hands of somebody who sees one team: what is outside stays as it is."""

    @pytest.fixture
    def clerk(self, administrator: Actor, teams: dict[str, int]) -> Actor:
        """A manager of team East who manages accounts."""
        with transaction(SYSTEM) as session:
            role = session.execute(select(Role).where(Role.code == "manager")).scalar_one()
            role.permissions = sorted({*role.permissions, Permission.USER_EDIT})
        return factories.make_user(role="manager", username="clerk", team_id=teams["east"])

    def refused(self, actor: Actor, act: Callable[[CrmSession], object]) -> None:
        with pytest.raises(NotAllowed) as refusal, transaction(actor) as session:
            act(session)
        assert is_sentence(str(refusal.value))

    def test_a_team_outside_is_neither_changed_nor_taken_under_the_own_one(
        self, database: str, clerk: Actor, teams: dict[str, int]
    ) -> None:
        west = {"name": "华西组", "parent_id": None, "head_id": None}
        for over in ({"head_id": clerk.id}, {"parent_id": teams["east"]}, {"name": "x"}):
            self.refused(clerk, lambda session, over=over: team_services.update_team(session, clerk, teams["west"], **(west | over)))
        self.refused(clerk, lambda session: team_services.delete_team(session, clerk, teams["west"]))

    def test_no_team_leaves_for_a_place_outside(self, database: str, clerk: Actor, teams: dict[str, int]) -> None:
        for place in (None, teams["west"]):
            self.refused(clerk, lambda _session, place=place: change(clerk, teams["below"], parent_id=place))
            self.refused(clerk, lambda session, place=place: team_services.create_team(session, clerk, name="x", parent_id=place))
        change(clerk, teams["east"], name="华东大组")
        with transaction(clerk) as session:
            team_services.create_team(session, clerk, name="华东二组", parent_id=teams["east"])

    def test_nobody_moves_out_of_or_into_what_is_seen(self, database: str, clerk: Actor, teams: dict[str, int]) -> None:
        here, there = factories.make_user(team_id=teams["below"]), factories.make_user(team_id=teams["west"])

        def move(who: Actor, team_id: int | None) -> Callable[[CrmSession], object]:
            role = "manager" if who is clerk else "sales"
            return lambda session: users.update_user(session, clerk, who.id or 0, name=who.name, role=role, team_id=team_id, is_active=True)

        for who, team_id in ((clerk, teams["west"]), (there, teams["east"]), (there, teams["west"]), (here, teams["west"]), (here, None)):
            self.refused(clerk, move(who, team_id))
        with transaction(clerk) as session:
            move(here, teams["east"])(session)

    def test_no_account_outside_is_made_or_taken_over(self, database: str, clerk: Actor, teams: dict[str, int]) -> None:
        strangers = [
            factories.make_user(role="manager", team_id=teams["west"]),
            factories.make_user(),
            factories.make_user(team_id=teams["below"]),
        ]
        change(SYSTEM, teams["west"], head_id=strangers[2].id)
        for stranger in strangers:
            self.refused(clerk, lambda session, who=stranger: passwords.reset_password(session, clerk, who.id or 0, password_hash="x"))
            self.refused(clerk, lambda session, who=stranger: profile.set_mailbox(session, clerk, who.id or 0, "a@example.com"))
        for place in (teams["west"], None):
            values = {"name": "x", "password_hash": "x", "role": "sales", "team_id": place}
            self.refused(clerk, lambda session, values=values: users.create_user(session, clerk, username="new.one", **values))
