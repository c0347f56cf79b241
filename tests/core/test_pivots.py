"""Pivots: counts, sums and averages against tables small enough to read; scope, permissions, empty ranges, what is cut off."""

from datetime import date, datetime
from typing import Any

import pytest

from crm_core import clock, db
from crm_core.errors import NotAllowed, ValidationFailed
from crm_core.models import Customer
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import contracts
from crm_core.services.pivots import pivot, subjects
from crm_core.services.pivots.pivot import Pivot, PivotQuery, analyse
from tests import factories


def ask(actor: Actor, **asked: Any) -> Pivot:
    with db.reading(actor) as session:
        return analyse(session, actor, PivotQuery(**asked))


def table(answer: Pivot) -> dict[str, tuple[Any, ...]]:
    return {point.label: point.values for point in answer.chart.points}


def heads(answer: Pivot) -> list[str]:
    return [column.label for column in answer.chart.columns]


def sign(actor: Actor, customer: Customer, amount: int, day: date) -> None:
    with db.transaction(actor) as session:
        contracts.add_contract(session, actor, customer.id, {"product": "年度维护", "amount": amount, "signed_on": day})


@pytest.fixture
def signed(database: str, sales: Actor, colleague: Actor) -> tuple[Customer, Customer]:
    """Two customers: 100 + 250 in January and March 2025 for the one, 1,000 in March for the other."""
    first = factories.make_customer(sales, stage="customer", tier="A", province="330000")
    second = factories.make_customer(colleague, stage="customer", tier="B")
    for customer, actor, amount, day in (
        (first, sales, 100, date(2025, 1, 31)),
        (first, sales, 250, date(2025, 3, 1)),
        (second, colleague, 1000, date(2025, 3, 31)),
    ):
        sign(actor, customer, amount, day)
    return first, second


def test_contracts_by_month_and_tier_are_counted_summed_and_averaged(signed: Any, manager: Actor) -> None:
    found = ask(manager, subject="contracts", row="signed_month", column="tier", measure="sum")
    assert table(found) == {"2025-01": (100, 0, 100), "2025-02": (0, 0, 0), "2025-03": (1250, 1000, 250)}
    assert (found.totals, found.count) == ((1350, 1000, 350), 3)
    assert table(ask(manager, subject="contracts", row="tier", measure="average")) == {"B类中小客户": (1000,), "A类大客户": (175,)}
    assert table(ask(manager, subject="contracts", row="signed_quarter")) == {"2025 Q1": (3,)}


def test_everybody_counts_only_what_their_scope_shows(signed: Any, sales: Actor, stranger: Actor) -> None:
    assert ask(sales, subject="contracts", row="owner", measure="sum").totals[0] == 350
    empty = ask(stranger, subject="contracts", row="signed_month", measure="sum")
    assert (empty.chart.points, empty.totals, empty.count) == ((), (0,), 0)


def test_a_filter_by_team_takes_those_below_along(signed: Any, manager: Actor, teams: dict[str, int]) -> None:
    assert ask(manager, subject="contracts", row="team", measure="sum", teams=(teams["east"],)).totals[0] == 1350
    assert ask(manager, subject="contracts", row="team", measure="sum", teams=(teams["below"],)).totals[0] == 350


def test_a_range_counts_both_of_its_days(signed: Any, manager: Actor) -> None:
    march = {"since": date(2025, 3, 1), "until": date(2025, 3, 31)}
    assert ask(manager, subject="contracts", row="signed_month", **march).totals[0] == 2
    assert ask(manager, subject="contracts", row="signed_month", since=date(2026, 1, 1)).chart.points == ()


def test_months_begin_where_the_team_works(database: str, sales: Actor) -> None:
    made = factories.make_customer(sales)
    first_of_july_in_shanghai = datetime.fromisoformat("2025-06-30T16:30:00+00:00")
    with db.transaction(SYSTEM) as session:
        session.get_one(Customer, made.id).created_at = first_of_july_in_shanghai
    assert [point.label for point in ask(sales, row="created_month").chart.points] == ["2025-07"]


@pytest.mark.parametrize("name", subjects.SUBJECTS)
def test_every_dimension_and_measure_answers(database: str, administrator: Actor, name: str) -> None:
    customer = factories.make_customer(administrator, stage="customer")
    factories.make_ticket(administrator, customer)
    factories.make_opportunity(administrator, customer)
    sign(administrator, customer, 5, clock.today())
    subject = subjects.SUBJECTS[name]
    for row in subject.dimensions:
        for measure in subject.measures:
            found = ask(administrator, subject=name, row=row, column="stage" if row != "stage" else "", measure=measure)
            assert found.count == (0 if name == "follow_ups" else 1)


def test_what_is_beyond_the_limits_stands_under_others_and_totals_stay_whole(
    database: str, sales: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pivot, "MOST_ROWS", 1)
    for stage, amount in (("customer", 10), ("churned", 20), ("churned", 30)):
        factories.make_customer(sales, stage=stage, cooperation_amount=amount)
    found = ask(sales, row="stage", measure="average")
    assert [(point.label, *point.values) for point in found.chart.points] == [("流失客户", 25), ("其余", 10)]
    assert (found.totals, found.is_cut) == ((20,), True)
    assert "1" in found.note
    monkeypatch.setattr(pivot, "MOST_GROUPS", 1)
    with pytest.raises(ValidationFailed):
        ask(sales, row="stage")


def test_permissions_and_unknown_choices_are_refused(database: str, sales: Actor) -> None:
    service = factories.make_user(role="service")
    for subject in ("contracts", "opportunities"):
        with pytest.raises(NotAllowed):
            ask(service, subject=subject, row="tier")
    assert "contracts" not in pivot.subjects_of(service)
    for wrong in ({"row": "phone"}, {"subject": "passwords"}, {"measure": "sum", "subject": "follow_ups"}, {"row": ""}):
        with pytest.raises(ValidationFailed):
            ask(sales, **wrong)
    with pytest.raises(ValidationFailed):
        ask(sales, since=date(2025, 2, 1), until=date(2025, 1, 1))


def test_no_dimension_shows_a_value_that_a_role_may_be_kept_from() -> None:
    columns = {str(one.column) for subject in subjects.SUBJECTS.values() for one in subject.dimensions.values()}
    assert not [name for name in columns if any(kind in name for kind in ("phone", "email", "identity", "address"))]


def test_nothing_to_average_is_no_number(database: str, sales: Actor) -> None:
    factories.make_customer(sales)
    assert ask(sales, row="stage", measure="average").totals == (None,)
    assert ask(SYSTEM, subject="tickets", row="type", measure="average").totals == (None,)


def test_each_year_stands_for_itself_however_long_ago(database: str, sales: Actor) -> None:
    customer = factories.make_customer(sales, stage="customer")
    for year in (1980, 1985, 2025):
        sign(sales, customer, year, date(year, 5, 1))
    found = table(ask(sales, subject="contracts", row="signed_year", measure="sum"))
    assert {year: values for year, values in found.items() if values != (0,)} == {"1980": (1980,), "1985": (1985,), "2025": (2025,)}
