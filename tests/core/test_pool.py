"""The pool: releasing, what is seen in it, claiming with its limits, and who is first."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import update

from crm_core import clock
from crm_core.db import reading, transaction
from crm_core.errors import Conflict, CrmError, IllegalTransition, NotAllowed, NotFound, ValidationFailed
from crm_core.models import Customer, Notice, OwnerChange, Place, Role
from crm_core.permissions import SYSTEM, Access, Actor, Permission
from crm_core.services import customer_list, customers, pool, pool_rules
from crm_core.services.customer_list import CustomerQuery
from crm_core.services.pool import Claimed, PoolQuery
from crm_core.services.pool_rules import PoolRules
from tests import factories
from tests.core.test_concurrency import at_once
from tests.core.test_transfers import assignee_of, hand_over, make_task, owner_of, put, read, undo

NOON = datetime.fromisoformat("2026-11-20T12:00:00+08:00")


def release(actor: Actor, customer: Customer, reason: str = "跟不动") -> None:
    with transaction(actor) as session:
        pool.release(session, actor, customer.id, reason=reason)


def claim(actor: Actor, *wanted: Customer) -> Claimed:
    with transaction(actor) as session:
        return pool.claim(session, actor, [one.id for one in wanted])


def set_rules(**over: Any) -> None:
    with transaction(SYSTEM) as session:
        rules, version = pool_rules.get_rules(session)
        pool_rules.set_rules(session, SYSTEM, replace(rules, **over), version=version)


def pooled(owner: Actor, **values: Any) -> Customer:
    made = factories.make_customer(owner, **values)
    release(owner, made)
    return made


class TestRelease:
    def test_leaves_the_customer_without_owner_and_says_who_why_and_when(self, database: str, sales: Actor, manager: Actor) -> None:
        made = factories.make_customer(sales)
        task = make_task(made, sales)
        release(manager, made)
        (customer,) = read(Customer)
        assert (customer.owner_id, customer.owned_since) == (None, None)
        change = read(OwnerChange)[-1]
        assert (change.from_owner_id, change.to_owner_id, change.cause, change.reason) == (sales.id, None, "release", "跟不动")
        assert change.at == customer.pooled_at
        (line,) = factories.log_of("customer", made.id, field="owner_id")
        assert (line.old, line.new, line.reason) == (str(sales.id), None, "跟不动")
        assert [(one.kind, one.user_id) for one in read(Notice)] == [("pool_released", sales.id)]
        assert assignee_of(task) == sales.id

    @pytest.mark.parametrize(
        ("who", "over", "reason", "error"),
        [
            ("sales", {}, " ", ValidationFailed),
            ("colleague", {}, "跟不动", NotFound),
            ("service", {}, "跟不动", NotAllowed),
            ("sales", {"is_on": False}, "跟不动", IllegalTransition),
        ],
    )
    def test_is_refused(
        self, any_database: str, sales: Actor, colleague: Actor, who: str, over: dict[str, Any], reason: str, error: type[CrmError]
    ) -> None:
        made = factories.make_customer(sales)
        set_rules(**over)
        actor = {"sales": sales, "colleague": colleague}.get(who) or factories.make_user(role=who)
        with pytest.raises(error):
            release(actor, made, reason)
        assert owner_of(made) == sales.id

    def test_is_not_done_twice(self, any_database: str, sales: Actor, administrator: Actor) -> None:
        made = pooled(sales)
        with pytest.raises(IllegalTransition):
            release(administrator, made)


class TestPoolPage:
    @pytest.mark.parametrize("who", ["sales", "stranger", "manager", "administrator"])
    def test_shows_everybody_who_may_claim_a_card_with_masked_contacts(
        self, database: str, sales: Actor, stranger: Actor, manager: Actor, administrator: Actor, who: str
    ) -> None:
        contact = factories.contact_values(phone="13812345678", email="wang.fang@hengyuan.example.com")
        made = pooled(sales, contacts=[contact], address="滨江区江南大道 88 号")
        actor = {"sales": sales, "stranger": stranger, "manager": manager, "administrator": administrator}[who]
        with reading(actor) as session:
            (card,) = pool.list_pool(session, actor, PoolQuery()).cards
            found = pool.find_card(session, actor, made.code)
        assert found == card
        assert (card.name, card.phone, card.email) == (made.name, "138****5678", "wan**@hengyuan.example.com")
        assert (card.owner_before, card.cause, card.reason) == ("销售丙", "release", "跟不动")
        assert "江南大道" not in str(card)

    def test_hides_contacts_from_a_role_that_may_not_see_them(self, any_database: str, sales: Actor, stranger: Actor) -> None:
        made = pooled(sales)
        with transaction(SYSTEM) as session:
            hidden = {"phone": Access.HIDDEN, "email": Access.HIDDEN, "identity_number": 0, "address": 0}
            session.execute(update(Role).where(Role.code == "sales").values(access={kind: int(level) for kind, level in hidden.items()}))
        actor = factories.actor_of(stranger.id or 0)
        with reading(actor) as session:
            card = pool.find_card(session, actor, made.code)
        assert card
        assert (card.phone, card.email) == (None, None)

    @pytest.mark.parametrize("role", ["service", "marketing", "viewer"])
    def test_needs_the_permission(self, any_database: str, sales: Actor, role: str) -> None:
        made, actor = pooled(sales), factories.make_user(role=role)
        with reading(actor) as session:
            with pytest.raises(NotAllowed):
                pool.list_pool(session, actor, PoolQuery())
            assert pool.find_card(session, actor, made.code) is None
        with pytest.raises(NotAllowed):
            claim(actor, made)

    def test_is_searched_filtered_and_sorted_but_never_by_phone(self, database: str, sales: Actor, stranger: Actor) -> None:
        contact = factories.contact_values(phone="13812345678")
        first = pooled(sales, name="杭州蓝鲸科技有限公司", tier="A", province="330000", contacts=[contact])
        second = pooled(sales, name="苏州白鹭机械有限公司", stage="qualified", industry="I65")
        queries = {
            PoolQuery(): [second, first],
            PoolQuery(sort="oldest"): [first, second],
            PoolQuery(phrase="蓝鲸"): [first],
            PoolQuery(phrase="bailu"): [second],
            PoolQuery(phrase="13812345678"): [],
            PoolQuery(phrase="2345"): [],
            PoolQuery(stages=("qualified",)): [second],
            PoolQuery(tiers=("A",)): [first],
            PoolQuery(industries=("I",)): [second],
            PoolQuery(provinces=("330000",)): [first],
        }
        with reading(stranger) as session:
            for query, expected in queries.items():
                page = pool.list_pool(session, stranger, query)
                assert ([card.id for card in page.cards], page.total) == ([one.id for one in expected], len(expected)), query

    def test_opens_no_record_before_it_is_claimed_but_stands_in_the_lists_of_who_sees_all(
        self, database: str, sales: Actor, stranger: Actor, manager: Actor, administrator: Actor
    ) -> None:
        made = pooled(sales)
        for actor in (sales, stranger, manager):
            with reading(actor) as session:
                with pytest.raises(NotFound):
                    customers.get_customer(session, actor, made.code)
                assert customer_list.list_customers(session, actor, CustomerQuery()).total == 0
        with reading(administrator) as session:
            for owners in ((), (customer_list.POOL,), (sales.id or 0, customer_list.POOL)):
                (row,) = customer_list.list_customers(session, administrator, CustomerQuery(owners=owners)).rows
                assert row.pooled_at
            assert customer_list.list_customers(session, administrator, CustomerQuery(owners=(sales.id or 0,))).total == 0

    def test_leaves_out_what_does_not_lie_in_the_list(self, any_database: str, sales: Actor, stranger: Actor) -> None:
        made = pooled(sales)
        put(made, place=Place.ARCHIVE)
        with reading(stranger) as session:
            assert pool.list_pool(session, stranger, PoolQuery()).cards == []
        assert claim(stranger, made).done == []


class TestClaim:
    def test_makes_the_claimer_the_owner_and_brings_the_open_work_along(self, database: str, sales: Actor, stranger: Actor) -> None:
        made = factories.make_customer(sales)
        task = make_task(made, sales)
        release(sales, made)
        assert claim(stranger, made).done == [(made.code, made.name)]
        (customer,) = read(Customer)
        change = read(OwnerChange)[-1]
        assert (customer.owner_id, customer.pooled_at, assignee_of(task)) == (stranger.id, None, stranger.id)
        assert (change.cause, change.from_owner_id, change.to_owner_id, change.at) == ("claim", None, stranger.id, customer.owned_since)
        with reading(stranger) as session:
            assert customers.get_customer(session, stranger, made.code).name == made.name

    def test_the_owner_before_waits_until_the_cooling_off_is_over(
        self, database: str, sales: Actor, set_clock: Callable[[datetime], None]
    ) -> None:
        set_clock(NOON)
        made = pooled(sales)
        set_clock(NOON + timedelta(days=29))
        refused = claim(sales, made)
        assert refused.done == []
        assert "2026-12-20" in refused.refused[0]
        with reading(sales) as session:
            card = pool.find_card(session, sales, made.code)
        assert str(card.blocked_until if card else "") == "2026-12-20"
        set_clock(NOON + timedelta(days=30))
        assert claim(sales, made).done

    def test_a_day_holds_so_many_claims(self, database: str, sales: Actor, stranger: Actor, set_clock: Callable[[datetime], None]) -> None:
        set_clock(NOON)
        made = [pooled(sales) for _number in range(4)]
        set_rules(daily_claims=2)
        first = claim(stranger, *made[:3])
        assert (len(first.done), len(first.refused)) == (2, 1)
        assert "2" in first.refused[0]
        assert claim(stranger, made[3]).done == []
        set_clock(NOON.replace(hour=0) + timedelta(days=1))
        assert len(claim(stranger, *made[2:]).done) == 2

    def test_a_person_holds_so_many_customers(self, database: str, sales: Actor, stranger: Actor) -> None:
        factories.make_customer(stranger)
        made = [pooled(sales) for _number in range(2)]
        set_rules(holding=2)
        outcome = claim(stranger, *made)
        assert (len(outcome.done), len(outcome.refused)) == (1, 1)
        with reading(stranger) as session:
            assert pool.get_allowance(session, stranger).left == 0

    def test_without_limits_everything_may_be_claimed(self, any_database: str, sales: Actor, stranger: Actor) -> None:
        set_rules(holding=None, daily_claims=None)
        made = [pooled(sales) for _number in range(3)]
        assert len(claim(stranger, *made).done) == 3

    def test_tells_who_was_faster_and_nothing_of_customers_that_never_were_in_the_pool(
        self, database: str, sales: Actor, stranger: Actor, colleague: Actor
    ) -> None:
        made, private = pooled(sales), factories.make_customer(sales)
        claim(stranger, made)
        taken, unknown = claim(colleague, made, private).refused
        assert made.name in taken
        assert "销售戊" in taken
        assert private.name not in unknown
        assert "销售丙" not in unknown

    def test_of_eight_who_claim_at_once_exactly_one_wins_and_the_others_hear_of_whom(self, database: str, sales: Actor) -> None:
        made = pooled(sales)
        claimers = [factories.make_user(name=f"销售{number}号") for number in range(8)]
        outcomes = at_once([lambda who=who: claim(who, made) for who in claimers])
        assert [one for one in outcomes if isinstance(one, Exception)] == []
        won = [place for place, one in enumerate(outcomes) if isinstance(one, Claimed) and one.done]
        assert len(won) == 1
        winner = claimers[won[0]]
        assert owner_of(made) == winner.id
        others = [one.refused[0] for one in outcomes if isinstance(one, Claimed) and not one.done]
        assert all(winner.name in sentence for sentence in others)
        assert len(others) == 7
        assert len(read(OwnerChange, OwnerChange.cause == "claim")) == 1

    def test_the_limit_of_a_day_holds_for_claims_at_once(self, database: str, sales: Actor, stranger: Actor) -> None:
        made = [pooled(sales) for _number in range(6)]
        set_rules(daily_claims=2)
        outcomes = at_once([lambda one=one: claim(stranger, one) for one in made])
        assert sum(len(one.done) for one in outcomes if isinstance(one, Claimed)) == 2

    def test_two_who_claim_the_same_customers_in_other_orders_do_not_block_each_other(self, database: str, sales: Actor) -> None:
        made = [pooled(sales) for _number in range(6)]
        first, second = factories.make_user(), factories.make_user()
        outcomes = at_once([lambda: claim(first, *made), lambda: claim(second, *reversed(made))])
        assert sum(len(one.done) for one in outcomes if isinstance(one, Claimed)) == 6


class TestRules:
    def test_are_kept_with_a_version_and_logged(self, database: str, administrator: Actor) -> None:
        rules = PoolRules(recycles=True, contact_days={"prospect": {"A": 20}}, excluded_tiers=("B",), daily_claims=None)
        with transaction(administrator) as session:
            pool_rules.set_rules(session, administrator, rules, version=0)
        with reading(administrator) as session:
            kept, version = pool_rules.get_rules(session)
        assert (kept, version) == (replace(rules, counts_from=clock.today()), 1)
        assert factories.log_of("policy")
        with pytest.raises(Conflict), transaction(administrator) as session:
            pool_rules.set_rules(session, administrator, rules, version=0)

    def test_the_time_counts_from_the_day_on_which_recycling_was_switched_on(
        self, any_database: str, set_clock: Callable[[datetime], None]
    ) -> None:
        for day, recycles, expected in ((0, True, 0), (5, True, 0), (6, False, None), (9, True, 9)):
            set_clock(NOON + timedelta(days=day))
            set_rules(recycles=recycles)
            with reading(SYSTEM) as session:
                counts_from = pool_rules.get_rules(session)[0].counts_from
            assert counts_from == (None if expected is None else (NOON + timedelta(days=expected)).date()) or not recycles

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("contact_days", {"prospect": {"A": 0}}),
            ("contract_days", {"prospect": 9999}),
            ("notice_days", 61),
            ("daily_claims", 0),
            ("holding", 0),
            ("cooling_days", -1),
            ("undo_days", 91),
        ],
    )
    def test_numbers_that_make_no_sense_are_refused(self, any_database: str, field: str, value: Any) -> None:
        with pytest.raises(ValidationFailed) as refused:
            set_rules(**{field: value})
        assert set(refused.value.errors) == {field}

    @pytest.mark.parametrize("role", ["manager", "sales", "service"])
    def test_only_who_sets_rules_sets_them(self, any_database: str, role: str) -> None:
        actor = factories.make_user(role=role)
        assert not actor.can(Permission.RULE_EDIT)
        with pytest.raises(NotAllowed), transaction(actor) as session:
            pool_rules.set_rules(session, actor, PoolRules(), version=0)


@pytest.mark.parametrize("seed", range(6))
def test_no_sequence_of_moves_loses_a_customer_or_parts_the_history_from_the_owner(database: str, seed: int) -> None:
    dice = random.Random(seed)
    people = [factories.make_user(role=role) for role in ("administrator", "sales", "sales", "manager")]
    made = [factories.make_customer(dice.choice(people[1:])) for _number in range(5)]
    tasks = {one.id: make_task(one, factories.actor_of(one.owner_id or 0)) for one in made}
    set_rules(cooling_days=0)
    batches: list[int] = []
    for _step in range(25):
        actor, customer = dice.choice(people), dice.choice(made)
        some = dice.sample([one.id for one in made], dice.randint(1, 4))
        moves: list[Callable[[], Any]] = [
            lambda: release(actor, customer),  # noqa: B023
            lambda: claim(actor, *dice.sample(made, 2)),  # noqa: B023
            lambda: batches.append(hand_over(people[0], some, dice.choice(people))),  # noqa: B023
            lambda: undo(people[0], dice.choice(batches)) if batches else None,
        ]
        try:
            dice.choice(moves)()
        except CrmError:
            continue  # refused, so nothing may have changed
        finally:
            check(made, tasks)


def check(made: list[Customer], tasks: dict[int, int]) -> None:
    customers_now = {one.id: one for one in read(Customer)}
    assert set(customers_now) == {one.id for one in made}
    for customer in customers_now.values():
        changes = read(OwnerChange, OwnerChange.customer_id == customer.id)
        assert changes[0].from_owner_id is None
        assert all(before.to_owner_id == after.from_owner_id for before, after in pairwise(changes))
        assert changes[-1].to_owner_id == customer.owner_id
        assert (customer.owner_id is None) == (customer.pooled_at is not None) == (customer.owned_since is None)
        assert changes[-1].at == (customer.owned_since or customer.pooled_at) or len(changes) == 1
        if customer.owner_id:
            assert assignee_of(tasks[customer.id]) == customer.owner_id
