"""客户状态 by days since the latest contact or contract."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from crm_core.db import reading, transaction
from crm_core.errors import ValidationFailed
from crm_core.models import Customer
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import contracts
from crm_core.services.activity import ActivityPolicy, last_days, preview_activity, save_activity_policy
from crm_core.services.customer_list import CustomerQuery, list_customers
from crm_core.services.customers import get_customer
from crm_core.services.derived import derive_all
from tests import factories

NOW = datetime(2026, 7, 1, 4, tzinfo=UTC)


@pytest.fixture(autouse=True)
def summer(set_clock: Callable[[datetime], None]) -> None:
    set_clock(NOW)


def derived(customer: Customer, **dates: object) -> str | None:
    with transaction(SYSTEM) as session:
        row = session.get_one(Customer, customer.id)
        row.created_at = NOW - timedelta(days=700)
        for name, value in dates.items():
            setattr(row, name, value)
        session.flush()
        derive_all(session)
    with reading(SYSTEM) as session:
        return session.get_one(Customer, customer.id).activity


@pytest.mark.parametrize(("days", "status"), [(0, "active"), (89, "active"), (90, "dormant"), (364, "dormant"), (365, "churned")])
@pytest.mark.parametrize("source", ["last_contact_at", "first_contact_on", "last_cooperated_on", "created_at"])
def test_the_latest_contact_or_contract_decides(database: str, sales: Actor, source: str, days: int, status: str) -> None:
    customer = factories.make_customer(sales)
    moment = NOW - timedelta(days=days)
    assert derived(customer, **{source: moment if source.endswith("_at") else moment.date()}) == status


def test_a_contract_wakes_a_customer_and_the_entry_counts_only_where_nothing_else_is_known(database: str, sales: Actor) -> None:
    customer = factories.make_customer(sales, stage="customer")
    assert derived(customer, first_contact_on=date(2025, 1, 1), last_cooperated_on=None, created_at=NOW) == "churned"
    with transaction(sales) as session:
        contracts.add_contract(session, sales, customer.id, {"product": "网关", "amount": "1", "signed_on": "2026-03-01"})
    assert derived(customer) == "dormant"
    with reading(sales) as session:
        days = last_days(get_customer(session, sales, customer.code))
    assert (days.contact, days.contract, days.latest) == (date(2025, 1, 1), date(2026, 3, 1), date(2026, 3, 1))


def test_time_alone_makes_a_customer_dormant_and_the_list_finds_it(
    database: str, sales: Actor, set_clock: Callable[[datetime], None]
) -> None:
    customer = factories.make_customer(sales, first_contact_on="2026-06-30")
    before = factories.log_of("customer", customer.id)
    set_clock(NOW + timedelta(days=120))
    with transaction(SYSTEM) as session:
        derive_all(session)
    with reading(sales) as session:
        for status, found in (("dormant", [customer.code]), ("active", [])):
            page = list_customers(session, sales, CustomerQuery(filters=(("activity", (status,)),)))
            assert [row.code for row in page.rows] == found
        now = session.get_one(Customer, customer.id)
    assert (now.version, now.updated_at) == (customer.version, customer.updated_at)
    (line,) = factories.log_of("customer", customer.id)[len(before) :]
    assert (line.field, line.old, line.new, line.actor_name) == ("activity", "active", "dormant", "system")


def test_other_thresholds_are_shown_then_applied(database: str, administrator: Actor) -> None:
    customer = factories.make_customer(administrator, first_contact_on="2026-06-01")
    policy = ActivityPolicy(10, 20)
    with reading(administrator) as session:
        assert preview_activity(session, administrator, policy) == {"churned": 1}
    with transaction(administrator) as session:
        save_activity_policy(session, administrator, policy, version=0)
    with reading(SYSTEM) as session:
        assert session.get_one(Customer, customer.id).activity == "churned"
    for wrong in (ActivityPolicy(20, 20), ActivityPolicy(0, 5), ActivityPolicy(5, 99_999)):
        with pytest.raises(ValidationFailed), transaction(administrator) as session:
            save_activity_policy(session, administrator, wrong, version=1)
