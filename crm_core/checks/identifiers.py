"""Numbers that a state gives: of companies (统一社会信用代码) and of persons (居民身份证)."""

import re
import unicodedata
from datetime import date, datetime
from typing import Any

from stdnum.cn import ric, uscc
from stdnum.exceptions import ValidationError

from crm_core import clock
from crm_core.fields import Values
from crm_core.i18n import _

_IDENTITY = re.compile(r"^[1-9][0-9]{16}[0-9X]$")


def check_credit_code(value: Any, _values: Values) -> str:
    """统一社会信用代码 with its check digits (GB 32100-2015)."""
    code = unicodedata.normalize("NFKC", str(value)).replace(" ", "").replace("-", "").upper()
    try:
        return str(uscc.validate(code))
    except ValidationError as problem:
        raise ValueError(
            _("The unified social credit code has 18 characters with a check digit; this one does not agree. Compare it with the licence.")
        ) from problem


def check_identity_number(value: Any, _values: Values) -> str:
    """Resident identity number with its birth date and check digit (GB 11643).

    The district is not looked up: it is where the person was registered, often one founded after the birth or gone since.
    """
    number = unicodedata.normalize("NFKC", str(value)).replace(" ", "").upper()
    if not _IDENTITY.match(number) or not _is_birth_date(number[6:14]) or ric.calc_check_digit(number) != number[-1]:
        raise ValueError(_("The identity number has 18 characters with a check digit; this one does not agree. Check it digit by digit."))
    return number


def _is_birth_date(digits: str) -> bool:
    try:
        return date(1850, 1, 1) < datetime.strptime(digits, "%Y%m%d").date() <= clock.today()
    except ValueError:
        return False
