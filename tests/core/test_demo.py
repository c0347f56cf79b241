"""Demo content: complete, dated around today, and only for an empty database."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import bcrypt
import pytest
from sqlalchemy import select

from crm_core import clock
from crm_core.db import reading, transaction
from crm_core.errors import IllegalTransition
from crm_core.models import (
    TICKET_TYPES,
    Campaign,
    CampaignState,
    ChangeLog,
    Contract,
    Customer,
    CustomerTag,
    IndustrySuggestion,
    OwnerChange,
    Participation,
    Review,
    ReviewState,
    Role,
    StageChange,
    Step,
    Ticket,
    TicketState,
    User,
)
from crm_core.permissions import BUILT_IN_ROLES, SYSTEM, Actor
from crm_core.services import opportunity_views, products
from crm_core.services.churn import plans, proof, risks
from crm_core.services.churn.risks import RiskQuery
from crm_core.services.customer_list import CustomerQuery, list_customers
from crm_core.services.demo.filling import DemoAccount, fill_demo
from crm_core.services.opportunity_views import OpportunityQuery
from crm_core.services.oversight import list_watched
from crm_core.services.products import ProductQuery
from crm_core.services.service_figures import find_wrong
from tests import factories
from tests.conftest import postgres_copy, sqlite_copy

MOMENT = timedelta(seconds=1)
"""An entry and the first lines of its history are written one after the other."""


def fill(actor: Actor = SYSTEM, *, users: bool = True) -> list[DemoAccount]:
    with transaction(actor) as session:
        return fill_demo(session, actor, users=users)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[DemoAccount]]:
    """The accounts of a database of each kind that was filled once, for tests that only read it."""
    folder, template = tmp_path_factory.mktemp("demo") / "var", request.getfixturevalue(f"{request.param}_template")
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "sqlite":
            copy = sqlite_copy(patch, template, folder)
        else:
            copy = postgres_copy(patch, request.getfixturevalue("postgres"), template, folder)
        with copy:
            yield fill()


def all_customers() -> list[Customer]:
    """All but those that show a review."""
    with reading(SYSTEM) as session:
        reviewed = select(Review.customer_id)
        return list(session.execute(select(Customer).where(Customer.id.not_in(reviewed)).order_by(Customer.id)).scalars())


def test_a_first_follow_up_is_overdue(filled: list[DemoAccount]) -> None:
    with reading(SYSTEM) as session:
        page = list_watched(session, SYSTEM, "first_follow_up")
    assert [row.owner_id is not None for row in page.rows] == [True]


def test_every_role_gets_an_account_that_can_sign_in(filled: list[DemoAccount]) -> None:
    assert {account.role for account in filled} == set(BUILT_IN_ROLES)
    with reading(SYSTEM) as session:
        for account in filled:
            user = session.execute(select(User).where(User.username == account.username)).scalar_one()
            assert user
            assert bcrypt.checkpw(account.password.encode(), user.password_hash.encode())
        assert not any(session.execute(select(User.must_change_password)).scalars())


def test_the_customers_belong_to_the_salespeople_and_show_every_type_and_state(filled: list[DemoAccount]) -> None:
    customers = all_customers()
    with reading(SYSTEM) as session:
        salespeople = set(session.execute(select(User.id).join(User.role).where(Role.code == "sales")).scalars())
        assert session.execute(select(IndustrySuggestion.state)).scalars().all() == ["pending"]
        assert session.execute(select(CustomerTag.tag_id)).first()
        reasons = (
            session.execute(select(ChangeLog.reason).where(ChangeLog.action == "changed", ChangeLog.reason.is_not(None))).scalars().all()
        )
    assert Counter(one.place for one in customers) == {"library": 115, "archive": 3, "bin": 3, "merged": 1}
    assert {one.owner_id for one in customers if not one.pooled_at} == salespeople
    assert set(Counter(one.stage for one in customers)) == {"prospect", "qualified", "customer", "partner", "churned"}
    assert 3 <= sum(one.is_incomplete for one in customers) <= 12
    assert len(reasons) >= 5


def test_entries_stand_in_every_state_of_a_review(filled: list[DemoAccount]) -> None:
    with reading(SYSTEM) as session:
        assert set(session.execute(select(Review.state)).scalars()) == set(ReviewState)
        assert session.execute(select(Review.escalated_at).where(Review.escalated_at.is_not(None))).first()


def test_the_customers_were_entered_over_the_last_twelve_months_up_to_now(filled: list[DemoAccount]) -> None:
    """Besides those of long standing, who show how customers are lost."""
    moments = [one.created_at for one in all_customers() if one.created_at > clock.now() - timedelta(days=900)]
    assert len(moments) == len(all_customers()) - 18
    assert moments == sorted(moments)
    assert max(moments) <= clock.now()
    assert clock.now() - timedelta(days=370) < min(moments) < clock.now() - timedelta(days=300)
    assert len({moment.strftime("%Y-%m") for moment in moments}) >= 12


def test_the_newest_of_the_list_are_those_entered_last(filled: list[DemoAccount]) -> None:
    with reading(SYSTEM) as session:
        page = list_customers(session, SYSTEM, CustomerQuery(sort="newest"))
        last = list_customers(session, SYSTEM, CustomerQuery(sort="newest", page=page.pages))
    moments = [one.created_at for one in (*page.rows, *last.rows)]
    assert moments == sorted(moments, reverse=True)


def test_a_fresh_administrator_owns_what_is_filled_in_for_them(database: str, administrator: Actor) -> None:
    assert fill(administrator, users=False) == []
    assert {one.owner_id for one in all_customers()} == {administrator.id}
    with reading(administrator) as session:
        assert list_customers(session, administrator, CustomerQuery(phrase="杭州")).total > 0


def test_a_database_with_users_or_customers_is_left_alone(database: str, administrator: Actor) -> None:
    with pytest.raises(IllegalTransition):
        fill()
    factories.make_customer(administrator)
    with pytest.raises(IllegalTransition):
        fill(administrator, users=False)
    assert len(all_customers()) == 1


def test_customers_that_the_actor_does_not_see_count_too(database: str, sales: Actor, colleague: Actor) -> None:
    factories.make_customer(colleague)
    with pytest.raises(IllegalTransition):
        fill(sales, users=False)


def test_the_types_of_each_customer_follow_each_other_from_its_entry_to_now(filled: list[DemoAccount]) -> None:
    with reading(SYSTEM) as session:
        rows = session.execute(select(StageChange).order_by(StageChange.customer_id, StageChange.at)).scalars().all()
        signed = {one.id: one.signed_on for one in session.execute(select(Contract)).scalars()}
        owned = select(OwnerChange).where(OwnerChange.cause.in_(("entry", "import")))
        owners = {one.customer_id: one.at for one in session.execute(owned).scalars()}
    entered = {one.id: one.created_at for one in all_customers()}
    ways: dict[int, list[StageChange]] = {}
    for row in rows:
        ways.setdefault(row.customer_id, []).append(row)
    for customer in all_customers():
        way = ways[customer.id]
        assert [row.from_stage for row in way] == [None, *(row.to_stage for row in way[:-1])]
        assert abs(way[0].at - customer.created_at) < MOMENT
        assert way[-1].to_stage == customer.stage
        assert way[-1].at <= clock.now()
        assert all(signed[row.contract_id] <= clock.day_of(row.at) for row in way if row.contract_id)
    assert owners.keys() >= entered.keys()
    assert all(abs(owners[id] - at) < MOMENT for id, at in entered.items())
    assert ["qualified", "customer", "churned", "customer"] in [[row.to_stage for row in way] for way in ways.values()]
    assert len(signed) >= 5


def test_opportunities_stand_in_every_stage_some_of_them_too_long_and_some_late(filled: list[DemoAccount]) -> None:
    with reading(SYSTEM) as session:
        columns = opportunity_views.board(session, SYSTEM, OpportunityQuery())
        assert all(column.rows for column in columns)
        rows = [row for column in columns for row in column.rows]
        assert {row.is_rotting for row in rows if row.is_open} == {row.is_overdue for row in rows if row.is_open} == {True, False}
        assert all(clock.day_of(row.stage_since) >= row.opened_on for row in rows)
        page = products.list_products(session, SYSTEM, ProductQuery(is_active=None))
        assert {product.is_active for product in page.rows} == {True, False}


def test_tickets_stand_in_every_state_and_come_to_what_customers_show(filled: list[DemoAccount]) -> None:
    with reading(SYSTEM) as session:
        rows = session.execute(select(Ticket)).scalars().all()
        assert {row.state for row in rows} == set(TicketState)
        assert {row.type for row in rows} == set(TICKET_TYPES)
        assert all(row.created_at <= row.served_at <= clock.now() for row in rows)
        assert find_wrong(session) == []


def test_campaigns_stand_in_every_state_and_people_at_every_step(filled: list[DemoAccount]) -> None:
    with reading(SYSTEM) as session:
        people = session.execute(select(Participation)).scalars().all()
        assert set(session.execute(select(Campaign.state)).scalars()) == set(CampaignState)
        assert {one.step for one in people} == set(Step)
        assert all(one.invited_at <= (one.reacted_at or one.invited_at) <= clock.now() for one in people)


def test_the_past_is_long_enough_to_prove_the_churn_score(filled: list[DemoAccount]) -> None:
    with reading(SYSTEM) as session:
        found = proof.get_proof(session, SYSTEM)
        assert found.score is not None
        assert found.naive is not None
        assert found.score.area is not None
        assert found.score.area > 0.5
        page = risks.list_risks(session, SYSTEM, RiskQuery())
        assert page.counts["high"]
        assert page.counts["medium"]
        assert page.counts["low"]
        assert any(row.change for row in page.rows)
        assert plans.list_plans(session, SYSTEM).outcomes == {"running": 1, "won_back": 1, "kept": 1, "lost": 1}
