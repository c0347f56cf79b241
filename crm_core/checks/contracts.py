"""Numbers and days of contracts."""

import re
from datetime import date
from typing import Any

from crm_core.checks.dates import check_any_date, read_date
from crm_core.fields import Values
from crm_core.i18n import _

GIVEN = re.compile(r"^HT\d{9,}$")
"""Numbers as the system gives them."""
_NUMBER = re.compile(r"^[\w\-./()（）〔〕\[\]#]+( [\w\-./()（）〔〕\[\]#]+)*$")


def check_contract_number(value: Any, _values: Values) -> str:
    """A number of one's own: letters, digits and what stands between them."""
    text = str(value).strip()
    if not _NUMBER.match(text):
        raise ValueError(_("A contract number has letters, digits and - / . ( ). Check “{text}”.").format(text=text[:40]))
    return text


def check_start(value: Any, _values: Values) -> date:
    """Any day; whether the end fits to it is said at the end."""
    return check_any_date(value, {})


def check_end(value: Any, values: Values) -> date:
    """Not before the start; without one, not before the day of signing."""
    end = check_any_date(value, {})
    start, signed = _day(values.get("starts_on")), _day(values.get("signed_on"))
    if start and end < start:
        sentence = _("The contract cannot end ({end}) before it starts ({start}). Correct one of the two days.")
        raise ValueError(sentence.format(end=end.isoformat(), start=start.isoformat()))
    if not start and signed and end < signed:
        sentence = _("The contract cannot end ({end}) before it is signed ({start}). Correct one of the two days.")
        raise ValueError(sentence.format(end=end.isoformat(), start=signed.isoformat()))
    return end


def _day(value: Any) -> date | None:
    try:
        return read_date(value) if value else None
    except ValueError:
        return None  # told at its own field
