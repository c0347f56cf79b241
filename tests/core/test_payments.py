"""Payments: planned up to the amount, received up to what is left, each change with its trace."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from crm_core import clock
from crm_core.db import reading, transaction
from crm_core.errors import Conflict, IllegalTransition, NotAllowed, NotFound, ValidationFailed
from crm_core.i18n import in_language
from crm_core.models import Contract, Payment
from crm_core.permissions import Actor
from crm_core.services import payments
from tests import factories
from tests.core.test_concurrency import at_once
from tests.core.test_contracts import sheet_of, sign, stored, void


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    """Sentences as they stand in the source."""
    with in_language("en"):
        yield


@pytest.fixture
def contract(database: str, sales: Actor) -> Contract:
    """Worth 100,000 yuan."""
    return sign(sales, factories.make_customer(sales, stage="customer"))


def pay(actor: Actor, contract: Contract, amount: str, day: Any = None, note: str = "") -> Payment:
    with transaction(actor) as session:
        values = {"received_on": day or clock.today(), "amount": amount, "note": note}
        return payments.record_payment(session, actor, contract.id, values)


def plan(actor: Actor, contract: Contract, *rows: tuple[Any, str], version: int | None = None) -> None:
    with transaction(actor) as session:
        given = [{"due_on": day, "amount": amount} for day, amount in rows]
        payments.set_plan(session, actor, contract.id, given, version=version or stored(Contract, contract.id).version)


def test_what_was_received_fills_the_plan_in_the_order_of_its_days() -> None:
    days = [date(2026, month, 1) for month in (3, 1, 2)]
    found = payments.progress([(day, Decimal(100)) for day in days], Decimal(150))
    assert [(one.due_on.month, one.open) for one in found] == [(1, 0), (2, 50), (3, 100)]


def test_payments_come_up_to_the_amount_and_no_further(contract: Contract, sales: Actor) -> None:
    pay(sales, contract, "40000", note="定金")
    with pytest.raises(ValidationFailed) as refused:
        pay(sales, contract, "60000.01")
    assert refused.value.errors == {"amount": ["Of ¥100,000, ¥60,000 are left to be received. Enter at most that."]}
    pay(sales, contract, "6万")
    with pytest.raises(ValidationFailed) as refused:
        pay(sales, contract, "0.01")
    assert refused.value.errors == {"amount": ["All ¥100,000 of this contract were received already."]}
    sheet = sheet_of(sales, contract)
    assert (sheet.received, sheet.left, [one.note for one in sheet.payments]) == (100_000, 0, [None, "定金"])


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"amount": "-1"}, "amount"),
        ({"amount": "0"}, "amount"),
        ({"amount": ""}, "amount"),
        ({"amount": "很多"}, "amount"),
        ({"received_on": None}, "received_on"),
        ({"received_on": date(2199, 1, 1)}, "received_on"),
        ({"note": "长" * 301}, "note"),
    ],
)
def test_what_cannot_be_is_told_at_its_field(contract: Contract, sales: Actor, values: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationFailed) as refused, transaction(sales) as session:
        payments.record_payment(session, sales, contract.id, {"received_on": clock.today(), "amount": "1", **values})
    assert list(refused.value.errors) == [field]


def test_a_correction_and_a_removal_leave_their_trace(contract: Contract, sales: Actor) -> None:
    paid = pay(sales, contract, "40000", date(2026, 1, 2), "定金")
    values = {"received_on": date(2026, 1, 3), "amount": "100000", "note": ""}
    for reason in ("", "记错"):
        if not reason:
            with pytest.raises(ValidationFailed) as refused, transaction(sales) as session:
                payments.correct_payment(session, sales, paid.id, values, version=1, reason=reason)
            assert list(refused.value.errors) == ["reason"]
            continue
        with transaction(sales) as session:
            payments.correct_payment(session, sales, paid.id, values, version=1, reason=reason)
    with pytest.raises(Conflict), transaction(sales) as session:
        payments.remove_payment(session, sales, paid.id, version=1, reason="退回")
    with transaction(sales) as session:
        payments.remove_payment(session, sales, paid.id, version=2, reason="退回")
    lines = factories.log_of("contract", contract.id, field="payments")
    assert [(line.old, line.new, line.reason) for line in lines] == [
        ("", "2026-01-02 40000.00 · 定金", None),
        ("2026-01-02 40000.00 · 定金", "2026-01-03 100000.00", "记错"),
        ("2026-01-03 100000.00", "", "退回"),
    ]
    assert {line.customer_id for line in lines} == {contract.customer_id}
    with pytest.raises(NotFound), transaction(sales) as session:
        payments.remove_payment(session, sales, paid.id, version=2, reason="退回")


def test_a_plan_is_at_most_the_amount_and_says_what_is_too_much(contract: Contract, sales: Actor) -> None:
    with pytest.raises(ValidationFailed) as refused:
        plan(sales, contract, ("2026-01-01", "60000"), ("2026-02-01", "40000.5"))
    assert refused.value.errors == {"amount": ["¥100,000.50 are planned, the contract is worth ¥100,000. Take ¥0.50 away."]}
    with pytest.raises(ValidationFailed) as refused:
        plan(sales, contract, ("", ""), ("2026-02-01", ""), (None, "5"), ("2026-02-30", "-1"))
    assert set(refused.value.errors) == {"1.amount", "2.due_on", "3.amount", "3.due_on"}
    plan(sales, contract, ("2026-02-01", "40000"), ("2026-01-01", "60000"), (None, ""))
    assert [one.due_on.month for one in sheet_of(sales, contract).plan] == [1, 2]
    plan(sales, contract, ("2026-01-01", "60000"))
    (first, second) = factories.log_of("contract", contract.id, field="planned_payments")
    assert (first.old, second.new) == ("", "2026-01-01 60000.00")


def test_of_two_who_plan_at_once_the_second_is_told(contract: Contract, sales: Actor) -> None:
    plan(sales, contract, ("2026-01-01", "60000"), version=contract.version)
    with pytest.raises(Conflict):
        plan(sales, contract, ("2026-01-01", "50000"), version=contract.version)


def test_overdue_is_what_was_due_until_yesterday_and_did_not_come(contract: Contract, sales: Actor) -> None:
    today = clock.today()
    plan(sales, contract, (today - timedelta(days=1), "30000"), (today, "30000"))
    assert sheet_of(sales, contract).overdue == 30_000
    pay(sales, contract, "10000")
    assert sheet_of(sales, contract).overdue == 20_000
    pay(sales, contract, "20000")
    assert sheet_of(sales, contract).overdue == 0


def test_nothing_is_paid_or_planned_for_a_void_contract(contract: Contract, sales: Actor) -> None:
    void(sales, contract)
    with pytest.raises(IllegalTransition):
        pay(sales, contract, "1")
    with pytest.raises(IllegalTransition):
        plan(sales, contract, ("2026-01-01", "1"))


def test_payments_are_for_those_who_see_the_customer_and_may_write_contracts(contract: Contract, sales: Actor, colleague: Actor) -> None:
    paid = pay(sales, contract, "1")
    with pytest.raises(NotFound):
        pay(colleague, contract, "1")
    with pytest.raises(NotFound), transaction(colleague) as session:
        payments.remove_payment(session, colleague, paid.id, version=1, reason="x")
    with pytest.raises(NotAllowed):
        pay(factories.make_user(role="viewer"), contract, "1")


def test_of_payments_at_once_only_what_is_left_is_taken(contract: Contract, sales: Actor) -> None:
    outcomes = at_once([lambda: pay(sales, contract, "30000")] * 6)
    assert sum(1 for outcome in outcomes if isinstance(outcome, ValidationFailed)) == 3
    with reading(sales) as session:
        assert sum(session.execute(select(Payment.amount)).scalars()) == 90_000
