"""Reading the change log of a customer: narrowed to a field or a kind of event, and a field's values over time."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from crm_core.db import reading, transaction
from crm_core.errors import ValidationFailed
from crm_core.models import Customer
from crm_core.permissions import SYSTEM, Actor
from crm_core.services.contacts import list_contacts, update_contact
from crm_core.services.customer_changes import update_customer
from crm_core.services.history import PAGE_SIZE, list_changes, list_subjects, values_over_time
from tests import factories

FIRST = datetime(2026, 1, 5, 4, tzinfo=UTC)


def change(actor: Actor, customer: Customer, *, feedback: str = "", **changes: Any) -> None:
    with transaction(actor) as session:
        present = session.execute(select(Customer.version).where(Customer.id == customer.id)).scalar_one()
        update_customer(session, actor, customer.id, changes, version=present, reason="客户来电", feedback=feedback)


def test_the_log_narrows_to_a_field_or_a_kind_of_event(database: str, sales: Actor) -> None:
    customer = factories.make_customer(sales)
    change(sales, customer, remark="一", tier="B")
    change(sales, customer, tier="A")
    with reading(sales) as session:
        (contact,) = list_contacts(session, sales, customer.id)
    with transaction(sales) as session:
        update_contact(session, sales, contact.id, {"name": contact.name, "position": "厂长", "email": "未提供"}, version=1)
    with reading(sales) as session:
        fields, actions = list_subjects(session, sales, customer.id)
        tiers = list_changes(session, sales, customer.id, field=("customer", "tier"))
        created = list_changes(session, sales, customer.id, action="created")
        nothing = list_changes(session, sales, customer.id, action="created", field=("customer", "tier"))
    assert fields == [
        ("contact", "email"),
        ("contact", "position"),
        ("customer", "remark"),
        ("customer", "tier"),
        ("customer", "tier_by_hand"),
        ("customer", "tier_reason"),
    ]
    assert actions == ["changed", "created"]
    assert [(line.old, line.new) for line in tiers.rows] == [("B", "A"), (None, "B")]
    assert {line.entity for line in created.rows} == {"customer", "contact"}
    assert (nothing.total, nothing.pages) == (0, 1)


def test_the_values_of_a_field_over_time_join_without_gap(database: str, sales: Actor, set_clock: Callable[[datetime], None]) -> None:
    set_clock(FIRST)
    customer = factories.make_customer(sales, tier="C")
    for days, tier in ((10, "B"), (40, "A")):
        set_clock(FIRST + timedelta(days=days))
        change(sales, customer, tier=tier)
    with reading(sales) as session:
        found = values_over_time(session, sales, customer.id, "tier")
        assert values_over_time(session, sales, customer.id, "remark") == []
    assert [(spell.value, spell.since, spell.until) for spell in found] == [
        ("A", FIRST + timedelta(days=40), None),
        ("B", FIRST + timedelta(days=10), FIRST + timedelta(days=40)),
        ("C", FIRST, FIRST + timedelta(days=10)),
    ]
    assert [(spell.who, spell.reason) for spell in found] == [(sales.name, "客户来电"), (sales.name, "客户来电"), ("", "")]


def test_only_the_last_values_of_a_field_that_changed_very_often_are_read(sqlite_database: str, sales: Actor) -> None:
    customer = factories.make_customer(sales)
    for number in range(PAGE_SIZE + 5):
        change(sales, customer, remark=str(number))
    with reading(sales) as session:
        found = values_over_time(session, sales, customer.id, "remark")
    assert len(found) == PAGE_SIZE + 1
    assert (found[0].value, found[-1].value, found[-1].since) == (str(PAGE_SIZE + 4), "4", None)


def test_values_over_time_stay_masked_and_in_scope(database: str, sales: Actor, stranger: Actor) -> None:
    customer = factories.make_customer(sales, address="沐春街112号2幢")
    change(sales, customer, address="半山路113号")
    service = factories.make_user(role="marketing")
    with reading(service) as session:
        seen = values_over_time(session, service, customer.id, "address")
    assert all("半山路113号" not in str(spell) and "112号" not in str(spell) for spell in seen)
    with reading(stranger) as session:
        assert values_over_time(session, stranger, customer.id, "address") == []
        assert list_subjects(session, stranger, customer.id) == ([], [])


class TestFeedback:
    def test_a_remark_of_the_customer_is_kept_beside_the_reason(self, database: str, sales: Actor) -> None:
        customer = factories.make_customer(sales)
        change(sales, customer, remark="一", tier="B", feedback=" 感谢及时更新，\n沟通效率很高 ")
        change(sales, customer, tier="A")
        changed = factories.log_of("customer", customer.id, action="changed")
        lines = [line for line in changed if line.field not in ("tier_by_hand", "tier_reason")]
        assert [(line.field, line.reason, line.feedback) for line in lines] == [
            ("tier", "客户来电", "感谢及时更新， 沟通效率很高"),
            ("remark", "客户来电", "感谢及时更新， 沟通效率很高"),
            ("tier", "客户来电", None),
        ]

    @pytest.mark.parametrize(("changes", "feedback"), [({}, "谢谢"), ({"tier": "A"}, "长" * 501)])
    def test_a_remark_that_cannot_be_kept_is_refused(self, database: str, sales: Actor, changes: dict[str, Any], feedback: str) -> None:
        customer = factories.make_customer(sales)
        with pytest.raises(ValidationFailed) as refused:
            change(sales, customer, feedback=feedback, **changes)
        assert list(refused.value.errors) == ["feedback"]
        with reading(SYSTEM) as session:
            assert session.get_one(Customer, customer.id).version == 1
