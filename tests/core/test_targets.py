"""Targets: set by heads for people and teams, compared with what was signed and received."""

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, update

from crm_core.db import reading, transaction
from crm_core.errors import Conflict, NotAllowed, ValidationFailed
from crm_core.models import Customer, Target, User
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import payments, targets, transfers
from crm_core.services.targets import Row, Year
from tests import factories
from tests.core.test_concurrency import at_once
from tests.core.test_contracts import sign, void


def read(actor: Actor, measure: str = "signed") -> Year:
    with reading(actor) as session:
        return targets.read_year(session, actor, 2024, measure)


def row_of(year: Year, kind: str, id: int | None) -> Row:
    (found,) = [row for row in [*year.people, *year.teams] if row.holder == (kind, id)]
    return found


def put(
    actor: Actor, changes: dict[Any, dict[int, Any]], seen: dict[Any, dict[int, Decimal]] | None = None, measure: str = "signed"
) -> int:
    with transaction(actor) as session:
        return targets.save_targets(session, actor, 2024, measure, changes, seen=seen or {})


@pytest.fixture
def customer(database: str, sales: Actor) -> Customer:
    return factories.make_customer(sales, stage="customer")


def test_a_contract_counts_for_its_owner_in_the_month_of_signing_and_stays_there(
    customer: Customer, sales: Actor, colleague: Actor, administrator: Actor
) -> None:
    sign(sales, customer, amount="100.50", signed_on="2024-03-31")
    sign(sales, customer, amount="1000", signed_on="2024-04-01")
    sign(sales, customer, amount="9", signed_on="2023-12-31")
    void(sales, sign(sales, customer, amount="7", signed_on="2024-03-01"))
    with transaction(administrator) as session:
        transfers.transfer(session, administrator, [customer.id], to=colleague.id or 0, reason="交接")
    year = read(administrator)
    assert row_of(year, "user", sales.id).reached == {3: Decimal("100.50"), 4: 1000}
    assert row_of(year, "user", colleague.id).result() == 0
    assert row_of(read(sales), "user", sales.id).result() == Decimal("1100.50")


def test_a_payment_counts_in_the_month_in_which_it_came(customer: Customer, sales: Actor) -> None:
    made = sign(sales, customer, signed_on="2024-01-02")
    for day, amount in (("2024-05-31", "10"), ("2024-06-01", "20.5"), ("2023-12-31", "1")):
        with transaction(sales) as session:
            payments.record_payment(session, sales, made.id, {"received_on": day, "amount": amount})
    assert row_of(read(sales, "received"), "user", sales.id).reached == {5: 10, 6: Decimal("20.50")}


def test_achievement_is_a_share_of_the_target_and_none_without_one(customer: Customer, sales: Actor, administrator: Actor) -> None:
    sign(sales, customer, amount="333", signed_on="2024-03-31")
    assert row_of(read(administrator), "user", sales.id).rate() is None
    put(administrator, {("user", sales.id): {3: "1000", 4: "1000"}})
    row = row_of(read(administrator), "user", sales.id)
    assert (row.target(), row.rate(), row.rate([3]), row.rate([5])) == (2000, Decimal("16.7"), Decimal("33.3"), None)


def test_the_ranking_begins_with_the_highest_rate_and_ends_with_those_without_a_target(
    database: str, sales: Actor, colleague: Actor, administrator: Actor
) -> None:
    third = factories.make_user(name="无目标")
    for actor, amount in ((sales, "50"), (colleague, "90"), (third, "1000")):
        sign(actor, factories.make_customer(actor, stage="customer"), amount=amount, signed_on="2024-03-01")
    put(administrator, {("user", sales.id): {3: "50"}, ("user", colleague.id): {3: "100"}})
    assert [row.holder[1] for row in read(administrator).ranking([3])] == [sales.id, colleague.id, third.id]
    assert read(administrator).ranking([4]) == []


def test_a_team_sums_its_people_and_the_teams_below_unless_it_has_a_target_of_its_own(
    database: str, teams: dict[str, int], administrator: Actor
) -> None:
    east, below = (factories.make_user(team_id=teams[name]) for name in ("east", "below"))
    put(administrator, {("user", east.id): {1: "100", 2: "100"}, ("user", below.id): {1: "50"}, ("team", teams["east"]): {2: "500"}})
    row = row_of(read(administrator), "team", teams["east"])
    assert (row.targets, row.is_summed([1]), row.is_summed([2])) == ({1: 150, 2: 500}, True, False)
    assert row_of(read(administrator), "team", teams["below"]).targets == {1: 50}
    put(administrator, {("team", teams["below"]): {1: "0"}})
    assert row_of(read(administrator), "team", teams["east"]).targets[1] == 100
    sign(below, factories.make_customer(below, stage="customer"), amount="30", signed_on="2024-01-05")
    assert row_of(read(administrator), "team", teams["east"]).result() == 30


def test_a_target_is_changed_and_taken_away_with_a_line_each(database: str, sales: Actor, administrator: Actor) -> None:
    holder = ("user", sales.id)
    assert put(administrator, {holder: {1: "1万", 2: "5"}}) == 2
    seen = {holder: {1: Decimal(10_000), 2: Decimal(5)}}
    assert put(administrator, {holder: {1: 20_000.5, 2: None}}, seen) == 2
    assert row_of(read(administrator), "user", sales.id).own == {1: Decimal("20000.50")}
    told = [(line.field, line.old, line.new) for line in factories.log_of("target")]
    assert told == [("signed", "", "10000.00"), ("signed", "", "5.00"), ("signed", "10000.00", "20000.50"), ("signed", "5.00", "")]


def test_what_somebody_else_changed_meanwhile_is_not_overwritten(database: str, sales: Actor, administrator: Actor) -> None:
    holder = ("user", sales.id)
    put(administrator, {holder: {1: "100"}})
    with pytest.raises(Conflict):
        put(administrator, {holder: {1: "200"}})
    assert put(administrator, {holder: {2: "200"}}) == 1


@pytest.mark.parametrize(("month", "entered"), [(1, "-5"), (1, "viel"), (13, "5"), (0, "5")])
def test_what_is_no_target_is_refused_at_its_place(database: str, sales: Actor, administrator: Actor, month: int, entered: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        put(administrator, {("user", sales.id): {month: entered}})
    assert list(refused.value.errors) == [f"user:{sales.id}.{month}"]
    with reading(SYSTEM) as session:
        assert session.execute(select(Target.id)).first() is None


def test_heads_set_targets_below_them_and_others_none(database: str, teams: dict[str, int]) -> None:
    head = factories.make_user(role="manager", team_id=teams["east"])
    inside, outside = (factories.make_user(team_id=teams[name]) for name in ("below", "west"))
    assert put(head, {("user", inside.id): {1: "5"}, ("team", teams["below"]): {1: "5"}}) == 2
    for holder in (("user", outside.id), ("team", teams["west"])):
        with pytest.raises(NotAllowed):
            put(head, {holder: {1: "5"}})
    with pytest.raises(NotAllowed):
        put(inside, {("user", inside.id): {1: "5"}})
    assert {row.holder for row in [*read(inside).people, *read(inside).teams]} == {("user", inside.id)}
    assert ("user", outside.id) not in {row.holder for row in read(head).people}
    with pytest.raises(NotAllowed):
        read(factories.make_user(role="service"))


def test_who_left_stays_in_the_years_in_which_something_counts_for_them(
    customer: Customer, sales: Actor, colleague: Actor, administrator: Actor
) -> None:
    sign(sales, customer, amount="100", signed_on="2024-03-31")
    put(administrator, {("user", colleague.id): {1: "50"}})
    with transaction(SYSTEM) as session:
        session.execute(update(User).where(User.id.in_((sales.id, colleague.id))).values(is_active=False))
    assert row_of(read(administrator), "user", sales.id).result() == 100
    assert row_of(read(administrator), "user", colleague.id).target() == 50
    with reading(administrator) as session:
        later = targets.read_year(session, administrator, 2025, "signed")
    assert {("user", sales.id), ("user", colleague.id)}.isdisjoint(row.holder for row in later.people)


def test_of_two_who_set_the_first_targets_at_once_the_second_is_told(database: str, sales: Actor, administrator: Actor) -> None:
    outcomes = at_once([lambda amount=amount: put(administrator, {("user", sales.id): {1: amount}}) for amount in ("100", "200")])
    assert sorted(str(type(one).__name__) for one in outcomes) == ["Conflict", "int"]
