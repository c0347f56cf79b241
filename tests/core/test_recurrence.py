"""How tasks recur: rules, the days they give, holidays, words."""

from datetime import date

import pytest

from crm_core.errors import ValidationFailed
from crm_core.i18n import in_language
from crm_core.services.recurrence import (
    Every,
    Holiday,
    Recurrence,
    check_recurrence,
    days_of,
    describe,
    due_on,
    following,
    make_rule,
    next_day,
)
from crm_core.workdays import is_workday

NEVER = (
    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=31",
    "FREQ=DAILY;UNTIL=20200101",
    "FREQ=DAILY;COUNT=-1",
)
BROKEN = (
    "",
    "every day",
    "FREQ=HOURLY",
    "FREQ=DAILY;INTERVAL=0",
    "FREQ=WEEKLY;BYDAY=XX",
    "FREQ=MONTHLY;BYMONTHDAY=1;UNTIL=20301301",
    "FREQ=DAILY;FREQ=DAILY",
    "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=DAILY\nDTSTART:20240101",
)


def every(interval: Every, start: date, **over: object) -> Recurrence:
    return Recurrence(make_rule(interval, start), start, **over)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("interval", "days"),
    [
        (Every.DAY, ["2026-01-31", "2026-02-01", "2026-02-02"]),
        (Every.WORKDAY, ["2026-02-02", "2026-02-03", "2026-02-04"]),
        (Every.WEEK, ["2026-01-31", "2026-02-07", "2026-02-14"]),
        (Every.MONTH, ["2026-01-31", "2026-02-28", "2026-03-31"]),
        (Every.QUARTER, ["2026-01-31", "2026-04-30", "2026-07-31"]),
        (Every.HALF_YEAR, ["2026-01-31", "2026-07-31", "2027-01-31"]),
        (Every.YEAR, ["2026-01-31", "2027-01-31", "2028-01-31"]),
    ],
)
def test_the_usual_intervals_keep_to_month_ends(interval: Every, days: list[str]) -> None:
    recurrence = check_recurrence(every(interval, date(2026, 1, 31)))
    assert [day.isoformat() for day in days_of(recurrence, 3)] == days


def test_a_leap_day_comes_every_year() -> None:
    days = days_of(every(Every.YEAR, date(2024, 2, 29)), 5)
    assert [(day.month, day.day) for day in days] == [(2, 29), (2, 28), (2, 28), (2, 28), (2, 29)]


@pytest.mark.parametrize("rule", NEVER)
def test_a_rule_that_never_fires_is_refused(rule: str) -> None:
    with pytest.raises(ValidationFailed) as problem:
        check_recurrence(Recurrence(rule, date(2026, 2, 15)))
    assert "never comes to a day" in problem.value.errors["rule"][0] or "永远" in problem.value.errors["rule"][0]


@pytest.mark.parametrize("rule", BROKEN)
def test_a_rule_that_is_none_is_refused_in_a_sentence(rule: str) -> None:
    with pytest.raises(ValidationFailed) as problem:
        check_recurrence(Recurrence(rule, date(2026, 2, 15)))
    assert problem.value.errors["rule"]


def test_what_is_due_on_a_holiday_moves_to_a_working_day() -> None:
    national_day = date(2026, 10, 1)
    before, after = due_on(national_day, Holiday.BEFORE), due_on(national_day, Holiday.AFTER)
    assert (due_on(national_day, Holiday.KEEP), before) == (national_day, date(2026, 9, 30))
    assert after > national_day
    assert is_workday(after)


def test_no_two_occurrences_are_due_on_one_day() -> None:
    recurrence = every(Every.DAY, date(2026, 9, 28), on_holiday=Holiday.AFTER)
    day = following(recurrence, date(2026, 10, 1), due_on(date(2026, 10, 1), Holiday.AFTER))
    assert day is not None
    assert due_on(day, Holiday.AFTER) > due_on(date(2026, 10, 1), Holiday.AFTER)


def test_a_series_ends_with_its_rule() -> None:
    start = date(2026, 3, 1)
    three = Recurrence("FREQ=DAILY;COUNT=3", start)
    assert len(days_of(three, 10)) == 3
    assert next_day(three, date(2026, 3, 3)) is None
    until = Recurrence(make_rule(Every.MONTH, start, until=date(2026, 5, 31)), start)
    assert days_of(until, 10) == [date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 1)]


@pytest.mark.parametrize("interval", Every)
def test_every_usual_interval_has_words_in_both_languages(interval: Every) -> None:
    recurrence = Recurrence(make_rule(interval, date(2026, 1, 31), until=date(2027, 12, 31)), date(2026, 1, 31), Holiday.BEFORE)
    with in_language("en"):
        english = describe(recurrence)
    with in_language("zh_CN"):
        chinese = describe(recurrence)
    assert "FREQ" not in english + chinese
    assert not any("a" <= letter <= "z" for letter in chinese.casefold())


def test_a_rule_without_words_is_shown_as_it_is() -> None:
    rule = "FREQ=MONTHLY;BYDAY=2MO"
    assert describe(check_recurrence(Recurrence(rule, date(2026, 1, 1)))) == rule
