"""Figures of the overview against a table counted by hand."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from crm_core.db import reading, transaction
from crm_core.errors import NotAllowed
from crm_core.models import Customer
from crm_core.permissions import SYSTEM, Actor
from crm_core.services.customer_list import CustomerQuery, list_customers
from crm_core.services.customers import delete_customer
from crm_core.services.dashboards import Overview, get_overview
from tests import factories

Clock = Callable[[datetime], None]
NOW = datetime(2026, 3, 10, 4, tzinfo=UTC)


def overview(actor: Actor) -> Overview:
    with reading(actor) as session:
        return get_overview(session, actor)


def enter(actor: Actor, created_at: datetime, **over: object) -> Customer:
    """A customer as if entered at a moment."""
    customer = factories.make_customer(actor, **over)  # type: ignore[arg-type]
    with transaction(SYSTEM) as session:
        session.execute(update(Customer).where(Customer.id == customer.id).values(created_at=created_at))
    return customer


@pytest.fixture
def table(database: str, administrator: Actor, set_clock: Clock) -> list[Customer]:
    """Seven customers, one of them deleted."""
    set_clock(NOW)
    rows = [
        enter(administrator, datetime(2026, 3, 1, 1, tzinfo=UTC), stage="prospect", industry="C34", source="source.exhibition"),
        enter(administrator, datetime(2026, 2, 28, 23, 30, tzinfo=UTC), stage="prospect", industry="C35", source="source.exhibition"),
        enter(administrator, datetime(2026, 2, 28, 15, 59, tzinfo=UTC), stage="customer", industry="C", source="source.referral"),
        enter(administrator, datetime(2025, 12, 31, 16, 0, tzinfo=UTC), stage="customer", industry="I65", source="source.referral"),
        enter(administrator, datetime(2025, 4, 1, 0, tzinfo=UTC), stage="churned", industry="低空经济", source="source.other"),
        enter(administrator, datetime(2025, 3, 31, 15, 59, tzinfo=UTC), kind="individual", stage="partner", industry="I65"),
        enter(administrator, NOW, stage="prospect"),
    ]
    with transaction(administrator) as session:
        delete_customer(session, administrator, rows[-1].id)
        session.execute(update(Customer).where(Customer.id == rows[0].id).values(is_incomplete=True))
        session.execute(update(Customer).where(Customer.id == rows[-1].id).values(is_incomplete=True))
    return rows


def test_the_overview_counts_what_is_in_the_table(table: list[Customer], administrator: Actor) -> None:
    seen = overview(administrator)
    assert (seen.total, seen.incomplete, seen.new_this_month) == (6, 1, 2)
    assert seen.stages == {"prospect": 2, "customer": 2, "churned": 1, "partner": 1}
    assert seen.industries == {"C": 3, "I": 2, "": 1}
    assert seen.sources == {"source.exhibition": 3, "source.referral": 2, "source.other": 1}


def test_months_begin_at_midnight_in_shanghai(table: list[Customer], administrator: Actor) -> None:
    months = overview(administrator).months
    assert list(months) == [f"2025-{number:02d}" for number in range(4, 13)] + ["2026-01", "2026-02", "2026-03"]
    assert {month: count for month, count in months.items() if count} == {"2025-04": 1, "2026-01": 1, "2026-02": 1, "2026-03": 2}


def test_an_entry_late_in_the_evening_of_utc_counts_for_the_next_month(database: str, administrator: Actor, set_clock: Clock) -> None:
    set_clock(datetime(2026, 2, 28, 23, 30, tzinfo=UTC))
    customer = factories.make_customer(administrator)
    assert customer.code == "CUS202603001"
    seen = overview(administrator)
    assert (seen.new_this_month, seen.months["2026-03"], seen.months["2026-02"]) == (1, 1, 0)
    with reading(administrator) as session:
        day = datetime(2026, 3, 1).date()
        assert list_customers(session, administrator, CustomerQuery(created_from=day, created_to=day)).total == 1
        assert list_customers(session, administrator, CustomerQuery(created_to=datetime(2026, 2, 28).date())).total == 0


def test_figures_are_fresh_after_every_change(database: str, administrator: Actor) -> None:
    assert overview(administrator).total == 0
    customer = factories.make_customer(administrator)
    assert overview(administrator).total == 1
    with transaction(administrator) as session:
        delete_customer(session, administrator, customer.id)
    assert overview(administrator).total == 0


def test_the_first_of_a_month_begins_a_new_count(database: str, administrator: Actor, set_clock: Clock) -> None:
    set_clock(datetime(2026, 3, 31, 15, 59, tzinfo=UTC))
    factories.make_customer(administrator)
    assert overview(administrator).new_this_month == 1
    set_clock(datetime(2026, 3, 31, 16, 1, tzinfo=UTC))
    assert overview(administrator).new_this_month == 0


def test_an_empty_database_has_an_overview(database: str, administrator: Actor) -> None:
    seen = overview(administrator)
    assert (seen.total, seen.incomplete, seen.new_this_month, seen.stages, len(seen.months)) == (0, 0, 0, {}, 12)


def test_figures_need_their_permission(sqlite_database: str, sales: Actor) -> None:
    nobody = Actor(id=sales.id, name="无", permissions=frozenset())
    with pytest.raises(NotAllowed):
        overview(nobody)
