"""定期核对: who is due when, what a verification records, and corrections that need their modification."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from crm_core import clock
from crm_core.db import reading, transaction
from crm_core.errors import ValidationFailed
from crm_core.models import Customer, Notice, Task
from crm_core.permissions import SYSTEM, Actor
from crm_core.services.contacts import add_contact
from crm_core.services.customer_changes import update_customer
from crm_core.services.derived import derive_all
from crm_core.services.verification import finish_task, modifications, open_due, verify_customer
from crm_core.services.verification_plan import (
    VerificationPolicy,
    add_months,
    get_verification_policy,
    save_verification_policy,
)
from tests import factories

NOW = datetime(2026, 9, 28, 4, tzinfo=UTC)  # a Monday; from Thursday on it is National Day


@pytest.fixture(autouse=True)
def autumn(set_clock: Callable[[datetime], None]) -> None:
    set_clock(NOW)


def stored(customer: Customer) -> Customer:
    with reading(SYSTEM) as session:
        return session.get_one(Customer, customer.id)


def tasks_of(customer: Customer) -> list[Task]:
    with reading(SYSTEM) as session:
        return list(session.execute(select(Task).where(Task.customer_id == customer.id).order_by(Task.id)).scalars())


def verify(actor: Actor, customer: Customer, *wrong: str, checked: Sequence[str] = ("names", "contacts"), note: str = "") -> None:
    with transaction(actor) as session:
        verify_customer(session, actor, customer.id, checked=checked, wrong=wrong, note=note)


def run_job() -> None:
    with transaction(SYSTEM) as session:
        open_due(session)


def plan(customer: Customer, day: date | None) -> None:
    with transaction(SYSTEM) as session:
        session.get_one(Customer, customer.id).verify_on = day


@pytest.mark.parametrize(("tier", "due"), [("A", date(2026, 12, 28)), ("B", date(2027, 3, 28)), (None, date(2027, 3, 28))])
def test_high_value_is_checked_each_quarter_others_each_half_year(database: str, sales: Actor, tier: str | None, due: date) -> None:
    customer = factories.make_customer(sales, tier=tier)
    assert stored(customer).verify_on == due
    plan(customer, date(2026, 9, 1))
    verify(sales, customer)
    assert (stored(customer).verified_on, stored(customer).verify_on) == (date(2026, 9, 28), due)


@pytest.mark.parametrize(("day", "months", "later"), [((2026, 11, 30), 3, (2027, 2, 28)), ((2026, 12, 1), 1, (2027, 1, 1))])
def test_a_month_without_that_day_ends_on_its_last_one(day: tuple[int, int, int], months: int, later: tuple[int, int, int]) -> None:
    assert add_months(date(*day), months) == date(*later)


def test_customers_without_a_day_get_theirs_spread_over_the_period(database: str, sales: Actor) -> None:
    customers = [factories.make_customer(sales) for _turn in range(5)]
    for customer in customers:
        plan(customer, None)
    with transaction(SYSTEM) as session:
        derive_all(session)
    days = [stored(customer).verify_on for customer in customers]
    assert len(set(days)) == 5
    assert all(day and clock.today() < day <= clock.today() + timedelta(days=180) for day in days)


def test_a_shorter_period_brings_days_nearer(database: str, administrator: Actor) -> None:
    customer = factories.make_customer(administrator)
    policy = VerificationPolicy(("A", "B"), 1, 2)
    with transaction(administrator) as session:
        save_verification_policy(session, administrator, policy, version=0)
    assert clock.today() < (stored(customer).verify_on or date.max) <= date(2026, 11, 28)
    with reading(administrator) as session:
        assert get_verification_policy(session) == (policy, 1)
    with pytest.raises(ValidationFailed), transaction(administrator) as session:
        save_verification_policy(session, administrator, VerificationPolicy(high_months=0), version=1)


def test_the_owner_gets_one_task_when_the_day_comes(database: str, sales: Actor, set_clock: Callable[[datetime], None]) -> None:
    customer = factories.make_customer(sales)
    run_job()
    assert tasks_of(customer) == []
    plan(customer, clock.today())
    for _turn in range(2):
        run_job()
    set_clock(NOW + timedelta(days=1))
    run_job()
    (task,) = tasks_of(customer)
    assert (task.kind, task.assignee_id, task.done_at) == ("verification", sales.id, None)
    assert task.due_at.date() == date(2026, 10, 10)  # five working days on: the holiday lies between, a Saturday is made up
    with reading(sales) as session:
        (notice,) = session.execute(select(Notice).where(Notice.user_id == sales.id)).scalars()
    assert (notice.kind, notice.data) == ("verifications_due", {"count": 1})
    verify(sales, customer)
    assert tasks_of(customer)[0].done_at is not None
    (line,) = factories.log_of("customer", customer.id, action="verified")
    assert line.new == '{"checked": ["names", "contacts"], "wrong": []}'


def test_wrong_data_become_a_task_for_the_last_follower_in_three_working_days(database: str, sales: Actor, manager: Actor) -> None:
    customer = factories.make_customer(sales)
    with transaction(manager) as session:
        update_customer(session, manager, customer.id, {"remark": "x"}, version=customer.version)
    verify(sales, customer, "contacts", note="座机停用")
    (task,) = tasks_of(customer)
    assert (task.kind, task.assignee_id, task.description) == ("correction", manager.id, "座机停用")
    assert task.due_at.astimezone(UTC).date() == date(2026, 10, 8)  # 29, 30 September, then the first day after the holiday


def test_an_editor_who_no_longer_sees_the_customer_is_passed_over_for_its_owner(database: str, sales: Actor, stranger: Actor) -> None:
    customer = factories.make_customer(stranger)
    with transaction(SYSTEM) as session:
        session.get_one(Customer, customer.id).owner_id = sales.id
    verify(sales, customer, "names", note="改名")
    assert tasks_of(customer)[0].assignee_id == sales.id


def test_a_correction_is_done_only_when_a_modification_is_recorded(
    database: str, sales: Actor, set_clock: Callable[[datetime], None]
) -> None:
    customer = factories.make_customer(sales)
    verify(sales, customer, "contacts", note="缺联系人")
    (task,) = tasks_of(customer)
    for note in ("", "改好了"):
        with pytest.raises(ValidationFailed), transaction(sales) as session:
            finish_task(session, sales, task.id, note=note, version=task.version)
    set_clock(NOW + timedelta(hours=1))
    with transaction(sales) as session:
        add_contact(session, sales, customer.id, factories.contact_values())
    with transaction(sales) as session:
        assert [line.entity for line in modifications(session, sales, task)] == ["contact"]
        finish_task(session, sales, task.id, note="补充了联系人", version=task.version)
    (done,) = tasks_of(customer)
    assert (done.done_at, done.done_note) == (NOW + timedelta(hours=1), "补充了联系人")


def test_a_second_verification_that_finds_all_right_settles_the_correction(database: str, sales: Actor) -> None:
    customer = factories.make_customer(sales)
    verify(sales, customer, "names", note="可能改名")
    verify(sales, customer)
    assert tasks_of(customer)[0].done_at == NOW


@pytest.mark.parametrize(("checked", "wrong", "field"), [((), (), "checked"), (("names",), ("names",), "note")])
def test_a_verification_says_what_was_checked_and_what_is_wrong(
    database: str, sales: Actor, checked: tuple[str, ...], wrong: tuple[str, ...], field: str
) -> None:
    customer = factories.make_customer(sales)
    with pytest.raises(ValidationFailed) as refused:
        verify(sales, customer, *wrong, checked=checked)
    assert set(refused.value.errors) == {field}
