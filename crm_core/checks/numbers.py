"""Numbers, as people and spreadsheets write them."""

import unicodedata
from decimal import Decimal, InvalidOperation
from typing import Any

from crm_core.fields import Values
from crm_core.i18n import _

_LIMIT = Decimal("1000000000000")
_PLACES = 6


def check_number(value: Any, _values: Values) -> Decimal:
    """A number, negative ones too, with at most six decimal places; separators are left out."""
    text = unicodedata.normalize("NFKC", str(value)).replace(" ", "").replace(",", "")
    try:
        number = Decimal(text)
    except InvalidOperation as problem:
        raise ValueError(_("“{text}” is not a number. Write it in digits, for example 1250.5.").format(text=text[:40])) from problem
    if not number.is_finite() or abs(number) >= _LIMIT:
        raise ValueError(_("This number is too large. At most twelve digits are possible."))
    # Rounded to whole millionths and without the zeros at its end, so that 5.50 and 5.5 are one value.
    return Decimal(format(round(number, _PLACES).normalize(), "f"))


def check_percentage(value: Any, values: Values) -> int:
    """Whole percent from 0 to 100."""
    number = check_number(str(value).strip().removesuffix("%"), values)
    if not 0 <= number <= 100 or number != int(number):
        raise ValueError(_("Enter a whole number from 0 to 100."))
    return int(number)
