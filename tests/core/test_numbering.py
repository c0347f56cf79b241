"""Customer codes, revisions, and results cached by revision."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from crm_core import numbering
from crm_core.cache import MAX_ENTRIES, cached
from crm_core.db import reading, transaction
from crm_core.permissions import Actor
from crm_core.services.customer_list import CustomerQuery, list_customers
from tests import factories

Clock = Callable[[datetime], None]


def take_codes(count: int = 1) -> list[str]:
    with transaction() as session:
        return numbering.customer_codes(session, count)


def test_codes_carry_the_month_and_count_up_within_it(database: str, set_clock: Clock) -> None:
    set_clock(datetime(2024, 5, 31, 15, 59, 59, tzinfo=UTC))
    assert take_codes(3) == ["CUS202405001", "CUS202405002", "CUS202405003"]
    assert take_codes() == ["CUS202405004"]
    set_clock(datetime(2024, 5, 31, 16, 0, 0, tzinfo=UTC))
    assert take_codes() == ["CUS202406001"]


def test_a_month_may_hold_more_than_999(database: str, set_clock: Clock) -> None:
    set_clock(datetime(2024, 5, 1, tzinfo=UTC))
    assert take_codes(1001)[-2:] == ["CUS2024051000", "CUS2024051001"]


def test_a_code_taken_in_vain_is_given_again(database: str) -> None:
    with transaction() as session:
        first = numbering.customer_codes(session)
        session.rollback()
    assert take_codes() == first


def test_a_revision_begins_at_nothing_and_counts_each_change(database: str) -> None:
    with reading() as session:
        assert numbering.revision(session, "something") == 0
    for expected in (1, 2):
        with transaction() as session:
            numbering.bump(session, "something")
        with reading() as session:
            assert numbering.revision(session, "something") == expected


def test_a_result_is_computed_once_per_revision_and_key(database: str) -> None:
    calls: list[str] = []

    def compute(word: str) -> Callable[[], str]:
        return lambda: calls.append(word) or word

    for _time in range(2):
        with reading() as session:
            assert cached(session, "area", "a", compute("a")) == "a"
            assert cached(session, "area", "b", compute("b")) == "b"
    with transaction() as session:
        numbering.bump(session, "area")
    with reading() as session:
        cached(session, "area", "a", compute("a"))
        cached(session, "other", "a", compute("a"))
    assert calls == ["a", "b", "a", "a"]


def test_what_an_open_transaction_computes_stays_its_own(database: str) -> None:
    with transaction() as session:
        numbering.bump(session, "area")
        assert cached(session, "area", "key", lambda: "uncommitted") == "uncommitted"
        session.rollback()
    with transaction() as session:
        numbering.bump(session, "area")
    with reading() as session:
        assert cached(session, "area", "key", lambda: "committed") == "committed"


def test_the_store_forgets_the_oldest_results(sqlite_database: str) -> None:
    with reading() as session:
        for number in range(MAX_ENTRIES + 1):
            cached(session, "area", number, lambda number=number: number)
        assert cached(session, "area", 0, lambda: "computed again") == "computed again"
        assert cached(session, "area", MAX_ENTRIES, lambda: "computed again") == MAX_ENTRIES


@pytest.mark.parametrize("phrase", ["", "科技"])
def test_counts_of_a_list_are_fresh_after_every_change(database: str, sales: Actor, phrase: str) -> None:
    for expected in (1, 2, 3):
        factories.make_customer(sales)
        with reading(sales) as session:
            assert list_customers(session, sales, CustomerQuery(phrase=phrase)).total == expected
