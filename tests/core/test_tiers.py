"""客户等级 from the amount of a year, by hand for a time, and never by surprise."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from crm_core import clock
from crm_core.db import reading, transaction
from crm_core.errors import Conflict, NotAllowed, ValidationFailed
from crm_core.models import Contract, Customer
from crm_core.permissions import SYSTEM, Actor
from crm_core.services.customer_changes import update_customer
from crm_core.services.derived import derive_all
from crm_core.services.hand_tiers import set_tier
from crm_core.services.tiers import TierPolicy, check_tier_policy, get_tier_policy, preview_tiers, save_tier_policy
from tests import factories

NOW = datetime(2026, 7, 1, 4, tzinfo=UTC)


@pytest.fixture(autouse=True)
def summer(set_clock: Callable[[datetime], None]) -> None:
    set_clock(NOW)


def stored(customer: Customer) -> Customer:
    with reading(SYSTEM) as session:
        return session.get_one(Customer, customer.id)


def bought(actor: Actor, amount: str, *, first: str = "2026-02-01", last: str = "2026-05-01", **over: str) -> Customer:
    return factories.make_customer(
        actor, stage="customer", cooperation_amount=amount, first_cooperated_on=first, last_cooperated_on=last, **over
    )


def sign(actor: Actor, customer: Customer, amount: str, on: date) -> None:
    with transaction(actor) as session:
        session.add(
            Contract(customer_id=customer.id, number=f"HT{factories.unique_number()}", product="网关", amount=Decimal(amount), signed_on=on)
        )
        session.flush()
        derive_all(session)


@pytest.mark.parametrize(
    ("amount", "first", "last", "tier"),
    [
        ("500000", "2026-02-01", "2026-05-01", "A"),
        ("499999.99", "2026-02-01", "2026-05-01", "B"),
        ("100000", "2026-02-01", "2026-05-01", "B"),
        ("99999.99", "2026-02-01", "2026-05-01", "C"),
        ("1500000", "2024-03-01", "2026-05-01", "A"),
        ("1499999", "2024-03-01", "2026-05-01", "B"),
        ("9000000", "2020-01-01", "2025-06-30", "C"),
        ("0", "2026-02-01", "2026-05-01", "C"),
    ],
)
def test_an_entered_total_counts_as_the_amount_of_an_average_year(
    database: str, sales: Actor, amount: str, first: str, last: str, tier: str
) -> None:
    assert stored(bought(sales, amount, first=first, last=last)).tier == tier


@pytest.mark.parametrize(
    ("signed_on", "tier"), [(date(2025, 7, 2), "A"), (date(2025, 7, 1), "C"), (date(2026, 7, 1), "A"), (date(2026, 7, 2), "C")]
)
def test_contracts_of_the_last_twelve_months_count_instead_of_what_was_entered(
    database: str, sales: Actor, signed_on: date, tier: str
) -> None:
    customer = bought(sales, "200000")
    assert stored(customer).tier == "B"
    sign(SYSTEM, customer, "500000", signed_on)
    assert stored(customer).tier == tier
    (line,) = factories.log_of("customer", customer.id, field="tier")
    assert (line.old, line.new, line.actor_id) == ("B", tier, None)


def test_a_customer_without_any_amount_has_no_tier_or_the_one_that_was_entered(database: str, sales: Actor) -> None:
    entered, without = factories.make_customer(sales, tier="A"), factories.make_customer(sales)
    with transaction(SYSTEM) as session:
        derive_all(session)
    assert (stored(entered).tier, stored(entered).tier_by_hand, stored(without).tier) == ("A", True, None)


def test_a_tier_entered_in_a_form_is_kept_until_it_is_emptied(database: str, sales: Actor) -> None:
    customer = bought(sales, "800000", tier="C")
    assert stored(customer).tier == "C"
    with transaction(sales) as session:
        update_customer(session, sales, customer.id, {"tier": None}, version=stored(customer).version, reason="不再特殊")
    assert (stored(customer).tier, stored(customer).tier_by_hand) == ("A", False)


def test_a_tier_by_hand_holds_to_its_last_day_and_is_derived_after_it(
    database: str, sales: Actor, set_clock: Callable[[datetime], None]
) -> None:
    customer = bought(sales, "800000")
    until = clock.today() + timedelta(days=30)
    with transaction(sales) as session:
        set_tier(session, sales, customer.id, "B", reason="谈判中的客户", until=until)
    for days, tier, by_hand in ((30, "B", True), (31, "A", False)):
        set_clock(NOW + timedelta(days=days))
        with transaction(SYSTEM) as session:
            derive_all(session)
        now = stored(customer)
        assert (now.tier, now.tier_by_hand) == (tier, by_hand)
    assert (now.tier_reason, now.tier_until) == (None, None)
    by_hand, derived = factories.log_of("customer", customer.id, field="tier")
    assert (by_hand.reason, by_hand.actor_id, derived.new, derived.actor_id) == ("谈判中的客户", sales.id, "A", None)


def test_a_tier_by_hand_needs_a_reason_and_a_day_to_come(database: str, sales: Actor) -> None:
    customer = factories.make_customer(sales)
    with pytest.raises(ValidationFailed) as refused, transaction(sales) as session:
        set_tier(session, sales, customer.id, "X", reason=" ", until=clock.today() - timedelta(days=1))
    assert set(refused.value.errors) == {"tier", "reason", "until"}


def test_other_thresholds_show_whom_they_move_and_then_move_them(database: str, administrator: Actor) -> None:
    customers = [bought(administrator, amount) for amount in ("600000", "150000", "150000", "5000")]
    held = bought(administrator, "150000", tier="B")
    policy = check_tier_policy("70万", "10,000")
    with reading(administrator) as session:
        assert preview_tiers(session, administrator, policy) == {("A", "B"): 1}
        assert preview_tiers(session, administrator, TierPolicy(Decimal(120_000), Decimal(1_000))) == {("B", "A"): 2, ("C", "B"): 1}
    with transaction(administrator) as session:
        save_tier_policy(session, administrator, policy, version=0)
    assert [stored(one).tier for one in (*customers, held)] == ["B", "B", "B", "C", "B"]
    with reading(administrator) as session:
        assert get_tier_policy(session) == (policy, 1)


@pytest.mark.parametrize(("a_from", "b_from"), [("100", "100"), ("10", "100"), ("", "1"), ("many", "few"), ("-1", "0"), ("5", "0")])
def test_thresholds_that_make_no_sense_are_refused(a_from: str, b_from: str) -> None:
    with pytest.raises(ValidationFailed):
        check_tier_policy(a_from, b_from)


def test_thresholds_are_for_those_who_set_rules_and_are_not_overwritten_unseen(database: str, administrator: Actor, sales: Actor) -> None:
    with pytest.raises(NotAllowed), transaction(sales) as session:
        save_tier_policy(session, sales, TierPolicy(), version=0)
    for error in (None, Conflict):
        with pytest.raises(error) if error else transaction(SYSTEM), transaction(administrator) as session:
            save_tier_policy(session, administrator, TierPolicy(), version=0)


def test_a_tier_that_an_edit_sets_carries_its_reason_too(database: str, sales: Actor) -> None:
    customer = factories.make_customer(sales)
    with pytest.raises(ValidationFailed) as refused, transaction(sales) as session:
        update_customer(session, sales, customer.id, {"tier": "A"}, version=customer.version)
    assert set(refused.value.errors) == {"reason"}
    with transaction(sales) as session:
        update_customer(session, sales, customer.id, {"tier": "A"}, version=customer.version, reason="集团客户")
    assert (stored(customer).tier, stored(customer).tier_by_hand, stored(customer).tier_reason) == ("A", True, "集团客户")
