"""How to reach somebody: telephone numbers and mailboxes."""

import re
import unicodedata
from typing import Any

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from phonenumbers import PhoneNumberFormat
from rapidfuzz import fuzz

from crm_core.fields import Values
from crm_core.i18n import N_, _, plural
from crm_core.pinyin import initials_of, pinyin_of

NOT_PROVIDED = "未提供"
_NOT_PROVIDED_WORDS = {NOT_PROVIDED, "not provided", "n/a", "无", "没有", "none", "-"}
_MOBILE = re.compile(r"^1[3-9]\d{9}$")
_EXTENSION = re.compile(r"(?:转|分机|ext\.?|x|#|-)\s*(\d{1,6})$", re.IGNORECASE)
FREE_MAIL = frozenset(
    [
        "qq.com",
        "foxmail.com",
        "163.com",
        "126.com",
        "yeah.net",
        "sina.com",
        "sina.cn",
        "sohu.com",
        "139.com",
        "189.cn",
        "wo.cn",
        "aliyun.com",
        "gmail.com",
        "outlook.com",
        "hotmail.com",
        "icloud.com",
        "yahoo.com",
    ]
)


def check_phone(value: Any, _values: Values) -> str:
    """An 11-digit mobile number, or a landline with its area code [004]; written as 13800001234 or 0571-87654321(-ext)."""
    text = unicodedata.normalize("NFKC", str(value)).strip()
    digits = re.sub(r"[\s\-—–()]", "", text)
    digits = re.sub(r"^(\+|00)86", "", digits)
    if len(digits) == 13 and digits.startswith("86"):
        digits = digits[2:]
    if _MOBILE.match(digits):
        return digits
    if digits.startswith("1") and digits.isdigit():
        raise ValueError(
            plural(
                len(digits),
                N_("A mobile number has 11 digits and begins with 13 to 19; you entered {count} digit. Check the number."),
                N_("A mobile number has 11 digits and begins with 13 to 19; you entered {count} digits. Check the number."),
            ).format(count=len(digits))
        )
    if re.fullmatch(r"[2-9]\d{6,7}", digits):
        raise ValueError(_("Write a landline with its area code, for example 0571-87654321."))
    return _check_landline(text)


def _check_landline(text: str) -> str:
    number, extension = text, ""
    if found := _EXTENSION.search(text):
        head = re.sub(r"\D", "", re.sub(r"^(\+|00)86", "", text[: found.start()]))
        if len(head) >= 10:
            number, extension = text[: found.start()], found.group(1)
    try:
        parsed = phonenumbers.parse(number, "CN")
    except phonenumbers.NumberParseException as problem:
        raise ValueError(_unknown_phone()) from problem
    national = phonenumbers.format_number(parsed, PhoneNumberFormat.NATIONAL)
    if parsed.country_code != 86 or not phonenumbers.is_valid_number(parsed) or not national.startswith("0"):
        raise ValueError(_unknown_phone())
    area, _blank, rest = national.partition(" ")
    return "-".join(part for part in (area, re.sub(r"\D", "", rest), extension) if part)


def _unknown_phone() -> str:
    return _("This is neither an 11-digit mobile number nor a landline with area code, for example 0571-87654321.")


def check_email(value: Any, _values: Values) -> str:
    """A mailbox, or the word 未提供 [000]."""
    text = unicodedata.normalize("NFKC", str(value)).strip()
    if text.lower() in _NOT_PROVIDED_WORDS:
        return NOT_PROVIDED
    try:
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError as problem:
        raise ValueError(
            _("This is not a mailbox address. Write one such as name@company.com, or 未提供 if the customer gave none.")
        ) from problem


def check_mailbox(value: Any, values: Values) -> str:
    """The mailbox of somebody in the house, to which messages are sent."""
    try:
        email = check_email(value, values)
    except ValueError:
        email = NOT_PROVIDED
    if email == NOT_PROVIDED:
        raise ValueError(_("This is not a mailbox address. Write one such as name@company.com."))
    return email


def email_warning(email: str, *, company: str) -> str | None:
    """A warning where a mailbox does not look as if it belonged to the company [002]; never an error."""
    if "@" not in email or not company:
        return None
    domain = email.rpartition("@")[2].lower()
    if domain in FREE_MAIL:
        return _("{domain} is a private mail service. Ask for the company mailbox if there is one.").format(domain=domain)
    label = max(domain.split(".")[:-1], key=len, default="")
    spelled = pinyin_of(company)
    if label in spelled or initials_of(company)[:2] in label or fuzz.partial_ratio(label, spelled) >= 60:
        return None
    return _("The mailbox domain {domain} does not resemble the company's name. Check it with the customer.").format(domain=domain)
