"""Days, as people and spreadsheets write them."""

import re
import unicodedata
from contextlib import suppress
from datetime import date, datetime
from typing import Any

from crm_core import clock
from crm_core.fields import Values
from crm_core.i18n import _

_DATE_FORMATS = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日", "%Y%m%d", "%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S")
_USUAL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
EARLIEST, LATEST = date(1900, 1, 1), date(2199, 12, 31)
"""Days before and after are slips, such as a year of three or five digits, or stand for “without end”."""


def check_date(value: Any, _values: Values) -> date:
    """A day that has been: a date, or a text such as 2023-05-10, 2023/5/10 or 2023年5月10日."""
    day = read_date(value)
    if day > clock.today():
        raise ValueError(_("{day} lies in the future. Enter a day up to today.").format(day=day.isoformat()))
    if day < EARLIEST:
        raise ValueError(_too_long_ago(day))
    return day


def check_any_date(value: Any, _values: Values) -> date:
    """Any day from 1900 to 2199, also one to come."""
    day = read_date(value)
    if day < EARLIEST:
        raise ValueError(_too_long_ago(day))
    if day > LATEST:
        raise ValueError(_("{day} lies too far ahead. Enter a day up to 2199, or none.").format(day=day.isoformat()))
    return day


def _too_long_ago(day: date) -> str:
    return _("{day} is too long ago. Enter a day from 1900 on.").format(day=day.isoformat())


def read_date(value: Any) -> date:
    """Read a date as people and spreadsheets write it. Raises `ValueError` with a sentence."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    text = unicodedata.normalize("NFKC", str(value)).strip()
    if _USUAL.fullmatch(text):
        with suppress(ValueError):
            return date.fromisoformat(text)  # takes a tenth of the time of `strptime`
    for pattern in _DATE_FORMATS:
        try:
            return datetime.strptime(text, pattern).date()
        except ValueError:
            continue
    raise ValueError(_("“{text}” is not a day of the calendar. Write it like 2023-05-10.").format(text=text[:40]))


def check_last_cooperation(value: Any, values: Values) -> date:
    """The latest cooperation is a day up to today and not before the first one."""
    last = check_date(value, values)
    first = _day(values.get("first_cooperated_on"))
    if first and first > last:
        raise ValueError(
            _("The latest cooperation ({last}) cannot lie before the first one ({first}). Correct one of the two days.").format(
                last=last, first=first
            )
        )
    return last


def _day(value: Any) -> date | None:
    # Where an administrator put the first cooperation behind the latest one, it has not been checked yet.
    try:
        return read_date(value) if value else None
    except ValueError:
        return None  # told at its own field
