"""The rules for single values and whole records. A check returns the clean value or raises `ValueError` with a sentence."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from phonenumbers import PhoneNumberFormat
from rapidfuzz import fuzz
from stdnum.cn import ric, uscc
from stdnum.exceptions import ValidationError

from crm_core import clock
from crm_core.fields import CHOOSING, Field, Widget
from crm_core.i18n import _, join_words
from crm_core.pinyin import initials_of, pinyin_of

Values = Mapping[str, Any]

LONGEST_TEXT = 20_000
"""Nothing longer is looked at; a field's own limit counts for the clean value, in which blanks and dashes may be gone."""
NOT_PROVIDED = "未提供"
_NOT_PROVIDED_WORDS = {NOT_PROVIDED, "not provided", "n/a", "无", "没有", "none", "-"}
_KEPT_CONTROLS = "\n\t"
_EMOJI = re.compile(r"[\U0001F000-\U0001FAFF]")
_HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]")
_ORGANISATIONS = (
    "公司|集团|企业|合伙|合作社|中心|银行|基金|联盟|协会|学会|商会|医院|大学|学校|事务所|研究[所院]|工作室"
    "|[厂店社所部场站院校馆局处园队庄铺坊苑室团堂会户]"
)
_ORGANISATION = re.compile(_ORGANISATIONS)
_BARE_COMPANY = re.compile(r"(?<!有限|股份|责任|合作|合伙)(集团|公司)+$")
# A given name may end in 堂, 园 or 大学, so that in a short name only what no person is called counts.
_NO_PERSON = re.compile(
    rf"(公司|集团)$|^.{{4,}}({_ORGANISATIONS})$|\b(inc|ltd|limited|llc|gmbh|corp|corporation|company)\.?$", re.IGNORECASE
)
_HONORIFIC = re.compile(r"(总|先生|女士|小姐|经理|总监|老板|老师|主任|董事长|总经理)$")
_PERSON = re.compile(r"^[^\W\d_]([^\W\d_]|[ .·•'’\-])*$")
_IDENTITY = re.compile(r"^[1-9][0-9]{16}[0-9X]$")
_MOBILE = re.compile(r"^1[3-9]\d{9}$")
_EXTENSION = re.compile(r"(?:转|分机|ext\.?|x|#|-)\s*(\d{1,6})$", re.IGNORECASE)
_DATE_FORMATS = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日", "%Y%m%d", "%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S")
_MONEY = re.compile(r"^(-?[\d,]+(?:\.\d+)?)(亿|万|千)?元?$")
_UNITS = {"亿": 100_000_000, "万": 10_000, "千": 1_000, None: 1}
_MONEY_LIMIT = Decimal("100000000000000")
_RANGE = re.compile(r"^\d+(\.\d+)?[十百千]?[万亿]?元?[-~至—]\d+(\.\d+)?[十百千]?[万亿]?元?$")
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


def clean_text(text: object, *, lines: bool = False) -> str:
    """Text without invisible characters: NFC, no control or zero-width characters, no blanks at the ends.

    Joiners inside emoji are kept. With `lines` line breaks stay, otherwise every run of blanks becomes one.
    """
    normal = unicodedata.normalize("NFC", str(text))
    visible = normal if normal.isprintable() else _without_invisible(normal.replace("\r\n", "\n").replace("\r", "\n"))
    return visible.strip() if lines else " ".join(visible.split())


def _without_invisible(text: str) -> str:
    visible = "".join(
        character
        for character in text
        if character in _KEPT_CONTROLS or character == "\u200d" or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co")
    )
    return visible if _EMOJI.search(visible) else visible.replace("\u200d", "")


def check_length(text: str, limit: int | None) -> str:
    """Refuse a text longer than its column, saying both lengths."""
    if limit and len(text) > limit:
        raise ValueError(
            _("At most {limit} characters are possible here, you entered {count}. Shorten the text.").format(limit=limit, count=len(text))
        )
    return text


def is_chinese(text: str) -> bool:
    """Whether a text consists of Chinese characters alone."""
    return all(_HAN.match(character) for character in text)


def looks_like_organisation(name: str) -> bool:
    """Whether a name holds a word of organisations, such as 公司 or 厂."""
    return bool(_ORGANISATION.search(name))


def check_customer_name(value: Any, values: Values) -> str:
    """A company's full registered name or a person's real name [000]; abbreviations and honorifics are refused."""
    name = str(value)
    if values.get("kind") == "individual":
        return check_person_name(name, values)
    if "*" in name or _HONORIFIC.search(name):
        raise ValueError(_("Write the full registered name as on the business licence, not a form of address or an abbreviation."))
    if len(name) < 2 or (_HAN.search(name) and (len(name) < 4 or not looks_like_organisation(name))):
        raise ValueError(_short_name())
    own = _BARE_COMPANY.sub("", name)
    if own != name and len(_HAN.findall(own)) < 4:
        raise ValueError(_short_name())
    return name


def _short_name() -> str:
    return _("This looks like a short name. Write the full registered name as on the business licence.")


def check_person_name(value: Any, _values: Values) -> str:
    """A person's real name, without titles [000]."""
    name = str(value)
    if "*" in name or _HONORIFIC.search(name):
        raise ValueError(_("Write the real name, without a title such as 总, 经理 or 先生 and without *."))
    if _NO_PERSON.search(name):
        raise ValueError(_("This is the name of an organisation. Write the real name of a person."))
    if len(name) < 2 or not _PERSON.match(name):
        raise ValueError(_("A name has at least two letters or characters and no digits."))
    return name


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
            _("A mobile number has 11 digits and begins with 13 to 19; you entered {count} digits. Check the number.").format(
                count=len(digits)
            )
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


def check_date(value: Any, _values: Values) -> date:
    """A day that has been: a date, or a text such as 2023-05-10, 2023/5/10 or 2023年5月10日."""
    day = read_date(value)
    if day > clock.today():
        raise ValueError(_("{day} lies in the future. Enter a day up to today.").format(day=day.isoformat()))
    if day.year < 1900:
        raise ValueError(_("{day} is too long ago. Enter a day from 1900 on.").format(day=day.isoformat()))
    return day


def read_date(value: Any) -> date:
    """Read a date as people and spreadsheets write it. Raises `ValueError` with a sentence."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    text = unicodedata.normalize("NFKC", str(value)).strip()
    for pattern in _DATE_FORMATS:
        try:
            return datetime.strptime(text, pattern).date()
        except ValueError:
            continue
    raise ValueError(_("“{text}” is not a day of the calendar. Write it like 2023-05-10.").format(text=text[:40]))


def check_money(value: Any, _values: Values) -> Decimal:
    """Yuan, not negative; 50万, 500,000 and ¥500000.00 are all read."""
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        text = str(value)
    else:
        text = unicodedata.normalize("NFKC", str(value)).replace(" ", "").lstrip("¥￥").replace("CNY", "").replace("RMB", "")
    found = _MONEY.match(text)
    try:
        amount = Decimal(found.group(1).replace(",", "")) * _UNITS[found.group(2)] if found else Decimal(text)
    except InvalidOperation as problem:
        raise ValueError(_("“{text}” is not an amount. Write yuan as a number, for example 500000.").format(text=text[:40])) from problem
    if not amount.is_finite() or abs(amount) >= _MONEY_LIMIT:
        raise ValueError(_("This amount is too large. Write yuan as a number, for example 500000."))
    if amount < 0:
        raise ValueError(_("An amount cannot be negative. Enter 0 or more."))
    return amount.quantize(Decimal("0.01"))


def check_budget(value: Any, _values: Values) -> str:
    """A range in the user's own words such as 20万-30万 [002]; entries of the library, 待定 among them, are looked up before."""
    text = unicodedata.normalize("NFKC", str(value)).replace(" ", "")
    if _RANGE.match(text):
        return text
    raise ValueError(_("Choose a range, write one such as 20万-30万, or choose 待定."))


def check_last_cooperation(value: Any, values: Values) -> date:
    """The latest cooperation is a day up to today and not before the first one."""
    last = check_date(value, values)
    first = values.get("first_cooperated_on")
    if isinstance(first, date) and first > last:
        raise ValueError(
            _("The latest cooperation ({last}) cannot lie before the first one ({first}). Correct one of the two days.").format(
                last=last, first=first
            )
        )
    return last


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


def is_blank(value: Any) -> bool:
    """Whether nothing was entered."""
    if isinstance(value, str):
        return not value.strip() if value.isprintable() else not clean_text(value)
    return value is None or value == [] or value == ()


def clean_values(fields: Mapping[str, Field], values: Values, *, require: bool = True) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Check a record's values against its fields: the clean values, and the sentences for each field that fails.

    Every field is checked, so all errors come at once. Fields that the record's kind and stage do not show are dropped.
    With `require=False` missing required fields are not errors (an import may keep incomplete rows).
    """
    clean: dict[str, Any] = {name: values[name] for name in ("kind", "stage") if name in values}
    errors: dict[str, list[str]] = {}
    for name, field in fields.items():
        if not field.shown(values):
            continue
        value = values.get(name)
        if is_blank(value):
            clean[name] = [] if field.widget in (Widget.CHOICES, Widget.PRESETS) else None
            if require and field.required(values):
                errors[name] = [required_message(field)]
            continue
        try:
            clean[name] = clean_value(field, value, {**values, **clean})
        except ValueError as problem:
            errors[name] = [str(problem)]
    return clean, errors


def required_message(field: Field) -> str:
    """The sentence for a required field that is empty."""
    sentence = _("{label} is required. Choose an entry.") if field.widget in CHOOSING else _("{label} is required.")
    return sentence.format(label=field.title)


def clean_value(field: Field, value: Any, values: Values) -> Any:
    """Check one value that is not blank. Raises `ValueError` with a sentence."""
    if isinstance(value, str):
        value = check_length(clean_text(value, lines=field.widget is Widget.LONG_TEXT), LONGEST_TEXT)
    if field.choices is not None:
        _check_choices(field, value)
    clean = field.check(value, values) if field.check else value
    if not isinstance(clean, str) or field.widget is Widget.INDUSTRY:
        return clean  # the column of an industry holds its code; own words have a limit of their own
    return check_length(clean, field.max_length)


def _check_choices(field: Field, value: Any) -> None:
    assert field.choices is not None
    chosen = value if isinstance(value, (list, tuple)) else [value]
    unknown = [str(one) for one in chosen if one not in field.choices]
    if unknown:
        raise ValueError(
            _("“{value}” is not one of the choices: {choices}.").format(
                value=unknown[0][:40], choices=join_words(_(label) for label in field.choices.values())
            )
        )
