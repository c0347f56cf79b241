"""How tasks recur: rules of RFC 5545, read by dateutil; the usual ones to choose from, in words, and the day that comes next."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any

from dateutil.rrule import rrulestr

from crm_core.errors import ValidationFailed
from crm_core.i18n import N_, _, format_date, join_words, plural
from crm_core.workdays import is_workday

LONGEST = 200
LONGEST_BREAK = 15
"""No row of days without work is longer."""
YEARS = 10
"""A rule has to fire within so many years."""


class Every(StrEnum):
    """The usual intervals."""

    DAY = "day"
    WORKDAY = "workday"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    HALF_YEAR = "half_year"
    YEAR = "year"


EVERY = {
    Every.DAY: N_("Every day"),
    Every.WORKDAY: N_("Every day from Monday to Friday"),
    Every.WEEK: N_("Every week"),
    Every.MONTH: N_("Every month"),
    Every.QUARTER: N_("Every quarter"),
    Every.HALF_YEAR: N_("Every half year"),
    Every.YEAR: N_("Every year"),
}


class Holiday(StrEnum):
    """Where an occurrence goes that falls on a day without work."""

    KEEP = "keep"
    BEFORE = "before"
    AFTER = "after"


HOLIDAYS = {
    Holiday.KEEP: N_("Leave it on that day"),
    Holiday.BEFORE: N_("On the working day before"),
    Holiday.AFTER: N_("On the working day after"),
}

_WEEKDAYS = {
    "MO": N_("Monday"),
    "TU": N_("Tuesday"),
    "WE": N_("Wednesday"),
    "TH": N_("Thursday"),
    "FR": N_("Friday"),
    "SA": N_("Saturday"),
    "SU": N_("Sunday"),
}
_MONTHS = {Every.MONTH: 1, Every.QUARTER: 3, Every.HALF_YEAR: 6, Every.YEAR: 12}
_PART = re.compile(r"[A-Z]+=[A-Z0-9,+\-]+\Z")
_ENDS = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST"})
_ALLOWED = {
    "DAILY": _ENDS,
    "WEEKLY": _ENDS | {"BYDAY"},
    "MONTHLY": _ENDS | {"BYDAY", "BYMONTHDAY", "BYSETPOS"},
    "YEARLY": _ENDS | {"BYDAY", "BYMONTHDAY", "BYSETPOS", "BYMONTH"},
}
"""What a rule may hold, by its frequency. With more, dateutil could look through every day of 8,000 years for one that fits."""


@dataclass(frozen=True)
class Recurrence:
    """A rule with the day from which it counts, and what holidays do to it."""

    rule: str
    start: date
    on_holiday: str = Holiday.KEEP


def make_rule(every: str, start: date, *, until: date | None = None) -> str:
    """The rule of a usual interval, on the day of week, month or year of `start`.

    A month that has no such day has it on its last: what is due on the 31st is due on April 30 and on February 28 or 29.
    """
    rule = {
        Every.DAY: "FREQ=DAILY",
        Every.WORKDAY: "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
        Every.WEEK: f"FREQ=WEEKLY;BYDAY={list(_WEEKDAYS)[start.weekday()]}",
    }.get(Every(every)) or _monthly(Every(every), start)
    return f"{rule};UNTIL={until:%Y%m%d}" if until else rule


def _monthly(every: Every, start: date) -> str:
    months = _MONTHS[every]
    rule = "FREQ=MONTHLY" + (f";INTERVAL={months}" if months > 1 else "")
    if start.day <= 28:
        return f"{rule};BYMONTHDAY={start.day}"
    days = ",".join(str(day) for day in range(28, start.day + 1))
    return f"{rule};BYMONTHDAY={days};BYSETPOS=-1"


def recurrence_from(rule: str | None, start: date | None, on_holiday: str) -> Recurrence | None:
    """How a task with these columns recurs; nothing for one that does not."""
    return Recurrence(rule, start, on_holiday) if rule and start else None


def check_recurrence(recurrence: Recurrence) -> Recurrence:
    """A rule that can be kept. Raises `ValidationFailed` for one that cannot be read, that is no rule of days, or that never fires."""
    rule = "".join(recurrence.rule.upper().split()).removeprefix("RRULE:").strip(";")
    rule = re.sub(r"UNTIL=(\d{8})T[0-9Z]*", r"UNTIL=\1", rule)
    errors = _problems(rule) or ([] if recurrence.on_holiday in list(Holiday) else [_("Choose what holds on holidays.")])
    checked = Recurrence(rule, recurrence.start, recurrence.on_holiday)
    if not errors and next_day(checked, recurrence.start - timedelta(days=1)) is None:
        errors = [_("This rule never comes to a day. Change the interval, the days or the end.")]
    if errors:
        raise ValidationFailed({"rule": errors})
    return checked


def _problems(rule: str) -> list[str]:
    parts = rule.split(";")
    names = [part.partition("=")[0] for part in parts]
    allowed = _ALLOWED.get(parts[0].removeprefix("FREQ="))
    if not rule.startswith("FREQ=") or allowed is None:
        return [_("A task recurs by days, weeks, months or years. Begin the rule with FREQ=DAILY, WEEKLY, MONTHLY or YEARLY.")]
    if any(re.fullmatch(r"(INTERVAL|COUNT)=[+-]?0*", part) for part in parts):
        return [_("The interval and the number of times have to be 1 or more.")]
    unread = [_("This rule cannot be read. Choose an interval, or write one like FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=15.")]
    if len(rule) > LONGEST or not all(_PART.match(part) for part in parts) or len(set(names)) < len(names) or not {*names} <= allowed:
        return unread
    try:
        _parsed(rule, date(2024, 1, 1))
    except (ValueError, TypeError, KeyError, IndexError, OverflowError):
        return unread
    return []


def _parsed(rule: str, start: date) -> Any:
    return rrulestr(rule, dtstart=datetime.combine(start, time()))


def next_day(recurrence: Recurrence, after: date) -> date | None:
    """The next day that the rule gives after a day, whatever holidays are; none where it ended or is more than `YEARS` away."""
    begin = datetime.combine(max(after, recurrence.start - timedelta(days=1)), time())
    latest = begin + timedelta(days=366 * YEARS)
    # Day by day in steps of the rule: dateutil would look to the end of the calendar for a rule that never fires.
    for found in _parsed(_bounded(recurrence.rule, latest), recurrence.start):
        if found > begin:
            return found.date() if found <= latest else None
    return None


def _bounded(rule: str, latest: datetime) -> str:
    """The rule with an end, so that looking for its next day ends as well."""
    given = re.search(r"UNTIL=(\d{8})", rule)
    if "COUNT=" in rule or (given and given[1] <= f"{latest:%Y%m%d}"):
        return rule
    return re.sub(r";UNTIL=\d+", "", rule) + f";UNTIL={latest:%Y%m%d}"


def following(recurrence: Recurrence, occurred: date, after: date) -> date | None:
    """The next day of the rule after one that occurred, on which something is due later than on `after`."""
    day = next_day(recurrence, occurred)
    while day is not None and due_on(day, recurrence.on_holiday) <= after:
        day = next_day(recurrence, max(day, after - timedelta(days=LONGEST_BREAK)))
    return day


def days_of(recurrence: Recurrence, count: int) -> list[date]:
    """The first days on which something is due, with holidays respected: to look at before a rule is kept."""
    found: list[date] = []
    day = next_day(recurrence, recurrence.start - timedelta(days=1))
    while day is not None and len(found) < count:
        found.append(due_on(day, recurrence.on_holiday))
        day = next_day(recurrence, day)
    return found


def due_on(day: date, on_holiday: str) -> date:
    """The day on which an occurrence is due: the working day before or after where it falls on a holiday or a weekend."""
    step = {Holiday.BEFORE: -1, Holiday.AFTER: 1}.get(Holiday(on_holiday), 0)
    while step and not is_workday(day):
        day += timedelta(days=step)
    return day


def describe(recurrence: Recurrence) -> str:
    """A rule in words of the language in force, such as “Every quarter on day 15”; one that has no words here as it is written."""
    parts = dict(part.split("=", 1) for part in recurrence.rule.split(";"))
    count, until = parts.pop("COUNT", None), parts.pop("UNTIL", None)
    parts.pop("WKST", None)
    sentence = _in_words(parts, recurrence.start)
    if sentence is None:
        return recurrence.rule
    more = []
    if count:
        more.append(plural(int(count), N_("{count} time"), N_("{count} times")).format(count=count))
    if until:
        more.append(_("until {day}").format(day=format_date(datetime.strptime(until[:8], "%Y%m%d").date())))
    if recurrence.on_holiday != Holiday.KEEP:
        more.append(
            _("on holidays the working day before") if recurrence.on_holiday == Holiday.BEFORE else _("on holidays the working day after")
        )
    return join_words([sentence, *more])


def _in_words(parts: dict[str, str], start: date) -> str | None:
    interval = int(parts.get("INTERVAL", "1"))
    writer = _WORDS.get(parts["FREQ"])
    known = {"FREQ", "INTERVAL", "BYDAY", "BYMONTHDAY", "BYSETPOS"}
    return writer(parts, interval, start) if writer and {*parts} <= known else None


def _daily(parts: dict[str, str], interval: int, _start: date) -> str | None:
    if {*parts} - {"FREQ", "INTERVAL"}:
        return None
    return _(EVERY[Every.DAY]) if interval == 1 else _("Every {count} days").format(count=interval)


def _weekly(parts: dict[str, str], interval: int, start: date) -> str | None:
    codes = parts.get("BYDAY", list(_WEEKDAYS)[start.weekday()]).split(",")
    if not {*codes} <= {*_WEEKDAYS} or {*parts} - {"FREQ", "INTERVAL", "BYDAY"}:
        return None
    if interval == 1 and codes == ["MO", "TU", "WE", "TH", "FR"]:
        return _(EVERY[Every.WORKDAY])
    every = _(EVERY[Every.WEEK]) if interval == 1 else _("Every {count} weeks").format(count=interval)
    return _("{every} on {days}").format(every=every, days=join_words(_(_WEEKDAYS[code]) for code in codes))


def _by_month(parts: dict[str, str], interval: int, start: date) -> str | None:
    if "BYDAY" in parts:
        return None
    day = _day_of_month(parts, start)
    if day is None:
        return None
    named = next((_(EVERY[every]) for every, months in _MONTHS.items() if months == interval), None)
    every = named or _("Every {count} months").format(count=interval)
    if interval == _MONTHS[Every.YEAR]:
        return _("{every} on {month}-{day}").format(every=every, month=start.month, day=day)
    return (
        _("{every} on the last day of the month").format(every=every)
        if day == -1
        else _("{every} on day {day}").format(every=every, day=day)
    )


def _day_of_month(parts: dict[str, str], start: date) -> int | None:
    days = parts.get("BYMONTHDAY", str(start.day)).split(",")
    if parts.get("BYSETPOS") == "-1" and days == [str(day) for day in range(28, 28 + len(days))]:
        return int(days[-1])
    return int(days[0]) if len(days) == 1 and "BYSETPOS" not in parts else None


def _yearly(parts: dict[str, str], interval: int, start: date) -> str | None:
    if interval != 1 or {*parts} - {"FREQ", "INTERVAL"}:
        return None
    return _("{every} on {month}-{day}").format(every=_(EVERY[Every.YEAR]), month=start.month, day=start.day)


_WORDS: dict[str, Callable[[dict[str, str], int, date], str | None]] = {
    "DAILY": _daily,
    "WEEKLY": _weekly,
    "MONTHLY": _by_month,
    "YEARLY": _yearly,
}
