"""Values of a campaign: its days, and how long its results are counted."""

from datetime import date
from typing import Any

from crm_core.checks.dates import check_any_date, read_date
from crm_core.fields import Values
from crm_core.i18n import _

LONGEST_DAYS = 366
"""A campaign that runs longer is several."""
LONGEST_RESULT = 730


def check_campaign_end(value: Any, values: Values) -> date:
    """The last day, not before the first one and not more than a year after it."""
    end = check_any_date(value, values)
    start = _day(values.get("starts_on"))
    if start and end < start:
        raise ValueError(
            _("The campaign cannot end ({end}) before it starts ({start}). Correct one of the two days.").format(end=end, start=start)
        )
    if start and (end - start).days >= LONGEST_DAYS:
        raise ValueError(_("A campaign lasts at most a year. Divide a longer one."))
    return end


def check_result_days(value: Any, _values: Values) -> int:
    """For how many days after its end customers and amounts count as its result."""
    try:
        days = int(str(value).strip())
    except ValueError as problem:
        raise ValueError(_("Write the number of days in digits, for example 90.")) from problem
    if not 0 <= days <= LONGEST_RESULT:
        raise ValueError(_("Results can be counted for 0 to {most} days.").format(most=LONGEST_RESULT))
    return days


def _day(value: Any) -> date | None:
    try:
        return read_date(value) if value else None
    except ValueError:
        return None  # told at its own field
