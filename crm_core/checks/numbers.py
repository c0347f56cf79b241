"""Numbers, as people and spreadsheets write them."""

import re
import unicodedata
from decimal import Decimal
from typing import Any

from crm_core.fields import Values
from crm_core.i18n import _

_LIMIT = Decimal("1000000000000")
_PLACES = 6
_MOST_OF_ONE = 1_000_000
_DIGITS = re.compile(r"[+-]?(\d{1,3}(,\d{3})+|\d{1,4}(,\d{4})+|\d+|(?=\.\d))(\.\d*)?(e[+-]?\d{1,3})?", re.ASCII | re.IGNORECASE)
"""Digits, between which commas stand every three or four; spreadsheets write large and small numbers with an exponent."""


def read_decimal(text: str) -> Decimal | None:
    """The one place where numbers are read: what is written is a number as people write it, or none.

    Python by itself would take “1_000”, “nan” and “12,5” (for 125) too.
    """
    return Decimal(text.replace(",", "")) if _DIGITS.fullmatch(text) else None


def plain_text(value: Any) -> str:
    """What was entered, with full-width characters as usual ones and without blanks."""
    return "".join(unicodedata.normalize("NFKC", str(value)).split())


def check_number(value: Any, _values: Values) -> Decimal:
    """A number, negative ones too, with at most six decimal places; separators are left out."""
    text = plain_text(value)
    number = read_decimal(text)
    if number is None:
        raise ValueError(_("“{text}” is not a number. Write it in digits, for example 1250.5.").format(text=text[:40]))
    if abs(number) >= _LIMIT:
        raise ValueError(_("This number is too large. At most twelve digits are possible."))
    # Rounded to whole millionths and without the zeros at its end, so that 5.50 and 5.5 are one value.
    return Decimal(format(round(number, _PLACES).normalize(), "f"))


def check_percentage(value: Any, values: Values) -> int:
    """Whole percent from 0 to 100."""
    number = check_number(str(value).strip().removesuffix("%"), values)
    if not 0 <= number <= 100 or number != int(number):
        raise ValueError(_("Enter a whole number from 0 to 100."))
    return int(number)


def check_quantity(value: Any, values: Values) -> Decimal:
    """How many of a product: above 0, to the hundredth. What has more places is refused and not rounded: its sum would be another one."""
    number = check_number(value, values)
    if not 0 < number <= _MOST_OF_ONE or number != round(number, 2):
        raise ValueError(_("Enter a quantity above 0 and up to 1,000,000, with at most two decimal places."))
    return number
