"""Service hours: when a ticket is due, what waiting takes, and the administrator's rule."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_core.db import reading, transaction
from crm_core.errors import Conflict, NotAllowed, ValidationFailed
from crm_core.permissions import Actor
from crm_core.services.service_hours import (
    ServicePolicy,
    add_service_time,
    get_service_policy,
    save_service_policy,
    service_time_between,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("begin", "hours", "due"),
    [
        ("2026-03-02 09:00", 4, "2026-03-02 13:00"),
        ("2026-03-02 09:00", 9, "2026-03-02 18:00"),
        ("2026-03-02 16:30", 4, "2026-03-03 11:30"),
        ("2026-03-02 07:00", 1, "2026-03-02 10:00"),
        ("2026-03-02 23:00", 1, "2026-03-03 10:00"),
        ("2026-03-06 17:00", 2, "2026-03-09 10:00"),  # over a weekend
        ("2026-09-30 17:00", 2, "2026-10-08 10:00"),  # over the National Day
        ("2026-02-13 17:00", 2, "2026-02-14 10:00"),  # a Saturday on which people work for the Spring Festival
        ("2026-02-14 17:00", 2, "2026-02-24 10:00"),
    ],
)
def test_a_time_is_counted_in_service_hours_of_working_days(begin: str, hours: int, due: str) -> None:
    assert add_service_time(ServicePolicy(), at(begin), timedelta(hours=hours)) == at(due)


def test_service_on_every_day_until_midnight_knows_no_weekend() -> None:
    policy = ServicePolicy(from_hour=0, to_hour=24, every_day=True)
    assert add_service_time(policy, at("2026-03-06 20:00"), timedelta(hours=30)) == at("2026-03-08 02:00")
    assert service_time_between(policy, at("2026-03-06 20:00"), at("2026-03-08 02:00")) == timedelta(hours=30)


@given(
    begin=st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1)),
    minutes=st.integers(1, 60 * 100),
    from_hour=st.integers(0, 22),
    length=st.integers(1, 24),
    every_day=st.booleans(),
)
def test_what_is_added_lies_between(begin: datetime, minutes: int, from_hour: int, length: int, every_day: bool) -> None:
    policy = ServicePolicy(from_hour=from_hour, to_hour=min(24, from_hour + length), every_day=every_day)
    moment, needed = begin.replace(tzinfo=SHANGHAI), timedelta(minutes=minutes)
    due = add_service_time(policy, moment, needed)
    assert due > moment
    assert service_time_between(policy, moment, due) == needed


def test_an_administrator_sets_the_rule_and_others_do_not(database: str, administrator: Actor, manager: Actor) -> None:
    with transaction(administrator) as session:
        save_service_policy(session, administrator, ServicePolicy(from_hour=8, urgent=2), version=0)
    with reading() as session:
        assert get_service_policy(session) == (ServicePolicy(from_hour=8, urgent=2), 1)
    with pytest.raises(NotAllowed), transaction(manager) as session:
        save_service_policy(session, manager, ServicePolicy(), version=1)
    with pytest.raises(Conflict), transaction(administrator) as session:
        save_service_policy(session, administrator, ServicePolicy(), version=0)


@pytest.mark.parametrize(
    ("over", "field"),
    [
        ({"to_hour": 9}, "to_hour"),
        ({"urgent": 0}, "urgent"),
        ({"low": 1001}, "low"),
        ({"to_hour": 25}, "to_hour"),
        ({"close_days": None}, "close_days"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_at_its_field(database: str, administrator: Actor, over: dict[str, int], field: str) -> None:
    with pytest.raises(ValidationFailed) as refused, transaction(administrator) as session:
        save_service_policy(session, administrator, ServicePolicy(**over), version=0)
    assert list(refused.value.errors) == [field]
