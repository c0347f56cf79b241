"""The cooperation of a customer is always what was entered and what its contracts in force come to, whatever happens to it."""

import random
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, update

from crm_core import clock
from crm_core.db import reading, transaction
from crm_core.errors import CrmError
from crm_core.models import Contract, Customer, Merge, Payment, Place
from crm_core.permissions import SYSTEM, Actor
from crm_core.scope import unscoped
from crm_core.services import contracts, customers, merges, payments, stage_changes, transfers
from crm_core.services.amount_check import contracts_in_words, customers_in_words
from crm_core.services.customer_changes import update_customer
from crm_core.services.imports.plan import OnDuplicate
from tests import factories
from tests.core.test_imports import import_lines

STEPS = 90


def found() -> list[str]:
    """What the check says."""
    with reading(SYSTEM) as session:
        return [*customers_in_words(session), *contracts_in_words(session)]


def reckoned(customer: Customer) -> tuple[Any, Any, Any]:
    """The figures of a customer, reckoned in Python from its rows."""
    with reading(SYSTEM) as session:
        rows = list(session.execute(select(Contract).where(Contract.customer_id == customer.id, Contract.voided_at.is_(None))).scalars())
    days = [row.signed_on for row in rows]
    first = min((day for day in (customer.entered_first_on, *days) if day), default=None)
    last = max((day for day in (customer.entered_last_on, *days) if day), default=None)
    known = [customer.entered_amount, *(row.amount for row in rows)]
    amounts = [amount for amount in known if amount is not None]
    return first, last, sum(amounts, Decimal(0)) if amounts else None


class Play:
    """One random sequence of what people do; what is refused changes nothing."""

    def __init__(self, seed: int, actor: Actor, colleague: Actor) -> None:
        self.random, self.actor, self.colleague = random.Random(seed), actor, colleague
        self.done: dict[str, int] = {}
        for stage in ("customer", "customer", "qualified", "prospect", "partner"):
            factories.make_customer(actor, stage=stage)

    def step(self) -> None:
        acts: list[Callable[[], Any]] = [
            self.sign, self.sign, self.change_type, self.edit, self.void, self.restore, self.pay, self.correct_payment, self.remove_payment,
            self.merge, self.undo_merge, self.transfer, self.bring_in, self.enter, self.delete, self.put_back,
        ]  # fmt: skip
        act = self.random.choice(acts)
        try:
            act()
        except CrmError:
            return
        self.done[act.__name__] = self.done.get(act.__name__, 0) + 1

    def any(self, model: Any, *conditions: Any) -> Any:
        with reading(SYSTEM) as session:
            rows = session.execute(select(model).where(*conditions).order_by(model.id), execution_options=unscoped).scalars().all()
        if not rows:
            raise CrmError("there is none")
        return self.random.choice(rows)

    def customer(self, place: str = Place.LIBRARY) -> Customer:
        found: Customer = self.any(Customer, Customer.place == place)
        return found

    def values(self) -> dict[str, Any]:
        day = clock.today() - timedelta(days=self.random.randrange(2000))
        return {"product": "排产系统", "amount": str(self.random.randrange(1, 10**7) / 100), "signed_on": day}

    def act(self, do: Callable[..., Any], *arguments: Any, **named: Any) -> None:
        with transaction(self.actor) as session:
            do(session, self.actor, *arguments, **named)

    def sign(self) -> None:
        self.act(contracts.add_contract, self.customer().id, self.values())

    def change_type(self) -> None:
        one = self.customer()
        values = {"core_need": "排产", "churn_reason": "loss_reason.price", "churn_note": "价格"}
        values |= {f"contract.{name}": value for name, value in self.values().items()}
        to = self.random.choice(["customer", "churned", "partner", "qualified"])
        self.act(stage_changes.change_stage, one.id, to, values, version=one.version, reason="变更")

    def edit(self) -> None:
        one = self.any(Contract)
        self.act(contracts.update_contract, one.id, self.values(), version=one.version, reason="更正")

    def void(self) -> None:
        one = self.any(Contract, Contract.voided_at.is_(None))
        self.act(contracts.void_contract, one.id, version=one.version, reason="重签")

    def restore(self) -> None:
        one = self.any(Contract, Contract.voided_at.is_not(None))
        self.act(contracts.restore_contract, one.id, version=one.version)

    def payment(self) -> dict[str, Any]:
        return {"received_on": clock.today(), "amount": str(self.random.randrange(1, 10**6) / 100)}

    def pay(self) -> None:
        self.act(payments.record_payment, self.any(Contract).id, self.payment())

    def correct_payment(self) -> None:
        one = self.any(Payment)
        self.act(payments.correct_payment, one.id, self.payment(), version=one.version, reason="更正")

    def remove_payment(self) -> None:
        one = self.any(Payment)
        self.act(payments.remove_payment, one.id, version=one.version, reason="退回")

    def merge(self) -> None:
        kept, merged = self.customer(), self.customer()
        choices = {name: self.random.choice(["kept", "merged"]) for name in ("stage", "cooperation_amount", "first_cooperated_on")}
        self.act(merges.merge_customers, kept.id, merged.id, choices, versions=(kept.version, merged.version))

    def undo_merge(self) -> None:
        self.act(merges.undo_merge, self.any(Merge, Merge.undone_at.is_(None)).id)

    def transfer(self) -> None:
        one = self.customer()
        to = self.colleague.id if one.owner_id == self.actor.id else self.actor.id
        self.act(transfers.transfer, [one.id], to=to, reason="交接")

    def bring_in(self) -> None:
        one = self.customer()
        line = f"{one.name},{self.random.randrange(1, 10**7)},2015-01-02"
        header = "客户名称,累计合作金额,首次合作时间"
        if not import_lines(line, header=header, actor=self.actor, on_duplicate=OnDuplicate.UPDATE).updated:
            raise CrmError("refused")

    def enter(self) -> None:
        one = self.customer()
        day = clock.today() - timedelta(days=self.random.randrange(4000))
        changes = self.random.choice(
            [{"cooperation_amount": str(self.random.randrange(10**7))}, {"first_cooperated_on": day}, {"last_cooperated_on": day}]
        )
        self.act(update_customer, one.id, changes, version=one.version, reason="更正")

    def delete(self) -> None:
        self.act(customers.delete_customer, self.customer().id)

    def put_back(self) -> None:
        self.act(customers.restore_customer, self.customer(Place.BIN).id)


@pytest.mark.parametrize("seed", range(3))
def test_the_figures_are_the_sums_after_any_sequence(database: str, administrator: Actor, colleague: Actor, seed: int) -> None:
    play = Play(seed, administrator, colleague)
    for _number in range(STEPS):
        play.step()
        assert found() == [], play.done
    with reading(SYSTEM) as session:
        everybody = list(session.execute(select(Customer), execution_options=unscoped).scalars())
    for customer in everybody:
        assert (customer.first_cooperated_on, customer.last_cooperated_on, customer.cooperation_amount) == reckoned(customer)
    assert {"sign", "edit", "pay", "enter"} <= play.done.keys()


def test_a_figure_that_differs_is_told_with_what_it_should_be(database: str, sales: Actor) -> None:
    customer = factories.make_customer(sales, stage="customer", cooperation_amount="100")
    with transaction(sales) as session:
        contracts.add_contract(session, sales, customer.id, {"product": "网关", "amount": "50", "signed_on": "2024-01-02"})
    assert found() == []
    with transaction(SYSTEM) as session:
        session.execute(update(Customer).where(Customer.id == customer.id).values(cooperation_amount=Decimal(149)))
    (sentence,) = found()
    assert "¥149" in sentence
    assert "¥150" in sentence
    assert customer.code in sentence
