"""Working days of China: public holidays and make-up days respected, as far as they are published."""

from datetime import date, timedelta

import chinese_calendar


def is_workday(day: date) -> bool:
    """Whether people work on that day; in years whose holidays are not published yet, Monday to Friday."""
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return day.weekday() < 5


def is_published(day: date) -> bool:
    """Whether the holidays of that year are known, so that `is_workday` is more than a guess."""
    try:
        chinese_calendar.is_workday(day)
    except NotImplementedError:
        return False
    return True


def add_workdays(day: date, count: int) -> date:
    """The day that lies `count` working days after `day`; the day itself does not count."""
    while count > 0:
        day += timedelta(days=1)
        count -= is_workday(day)
    return day
