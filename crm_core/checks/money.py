"""Amounts of money and budget ranges."""

import re
import unicodedata
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from crm_core.checks.numbers import plain_text, read_decimal
from crm_core.fields import Values
from crm_core.i18n import _

_MONEY = re.compile(r"(.*?)(亿|万|千)?元?")
_UNITS = {"亿": 100_000_000, "万": 10_000, "千": 1_000, None: 1}
_MONEY_LIMIT = Decimal("99999999999999.995")
"""From here on an amount, rounded, has more digits than the database keeps."""
_RANGE = re.compile(r"^\d+(\.\d+)?[十百千]?[万亿]?元?[-~至—]\d+(\.\d+)?[十百千]?[万亿]?元?$")


def check_money(value: Any, _values: Values) -> Decimal:
    """Yuan, not negative; 50万, 500,000 and ¥500000.00 are all read."""
    text = plain_text(value).removeprefix("¥").replace("CNY", "").replace("RMB", "")
    number, unit = found.groups() if (found := _MONEY.fullmatch(text)) else (text, None)
    amount = read_decimal(number)
    if amount is None:
        raise ValueError(_("“{text}” is not an amount. Write yuan as a number, for example 500000.").format(text=text[:40]))
    amount *= _UNITS[unit]
    if abs(amount) >= _MONEY_LIMIT:
        raise ValueError(_("This amount is too large. Write yuan as a number, for example 500000."))
    if amount < 0:
        raise ValueError(_("An amount cannot be negative. Enter 0 or more."))
    rounded = amount.quantize(Decimal("0.01"), ROUND_HALF_UP)
    if amount and not rounded:
        raise ValueError(_("{amount} yuan are less than one fen. Enter 0, or at least 0.01.").format(amount=f"{amount:f}"[:20]))
    return abs(rounded)  # without the sign of a zero: “-0” is 0


def check_price(value: Any, values: Values) -> Decimal:
    """What somebody pays: yuan above 0."""
    amount = check_money(value, values)
    if not amount:
        raise ValueError(_("The amount has to be above 0. Write yuan as a number, for example 500000."))
    return amount


def check_budget(value: Any, _values: Values) -> str:
    """A range in the user's own words such as 20万-30万 [002]; entries of the library, 待定 among them, are looked up before."""
    text = unicodedata.normalize("NFKC", str(value)).replace(" ", "")
    if _RANGE.match(text):
        return text
    raise ValueError(_("Choose a range, write one such as 20万-30万, or choose 待定."))
