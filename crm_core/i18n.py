"""Languages: gettext catalogues read from `locale/*.po`, chosen per thread of work.

Source strings are English. `_()` translates now; `N_()` only marks a string that is translated where it is shown.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from decimal import Decimal
from functools import cache

from babel.dates import get_month_names
from babel.messages.pofile import read_po

from crm_core.config import LOCALE_DIR, settings

LANGUAGES = {"zh_CN": "中文", "en": "English"}

_language: ContextVar[str | None] = ContextVar("language", default=None)


def language() -> str:
    """The language in force for the present work."""
    return _language.get() or settings().language


def use_language(code: str | None) -> None:
    """Choose the language for the rest of the present work; unknown codes fall back to the default."""
    _language.set(code if code in LANGUAGES else None)


@contextmanager
def in_language(code: str) -> Iterator[None]:
    """Work in another language for the length of a block."""
    token = _language.set(code)
    try:
        yield
    finally:
        _language.reset(token)


@cache
def catalogue(code: str) -> dict[str, str]:
    """All translations of one language, by source string."""
    path = LOCALE_DIR / code / "LC_MESSAGES" / "kemai.po"
    with path.open("rb") as file:
        messages = read_po(file, locale=code)
    return {str(message.id): str(message.string) for message in messages if message.id and message.string}


def _(text: str) -> str:
    """Translate `text` into the language in force; an untranslated text stays English."""
    return catalogue(language()).get(text, text)


def N_(text: str) -> str:
    """Mark `text` for translation without translating it yet."""
    return text


def plural(count: int, one: str, many: str) -> str:
    """The phrase for a number of things, both marked with `N_`. Chinese says the same of one and of many."""
    return _(one if count == 1 else many)


def localized(name: str, name_en: str | None) -> str:
    """Pick the name of an editable row: Chinese, or English where the interface is English and one is given."""
    return name_en if name_en and language() == "en" else name


def join_words(words: Iterable[str]) -> str:
    """Several words in one text, with the comma of the language in force."""
    return ("、" if language() == "zh_CN" else ", ").join(words)


def labelled(label: str, text: str) -> str:
    """A value behind what it is called, with the colon of the language in force."""
    return f"{label}：{text}" if language() == "zh_CN" else f"{label}: {text}"


def month_name(number: int) -> str:
    """A month from 1 to 12 in short: 3月, Mar."""
    return str(get_month_names("abbreviated", "stand-alone", locale=language())[number])


def format_date(day: date | None) -> str:
    """A date as YYYY-MM-DD, empty for none."""
    return day.isoformat() if day else ""


def format_time(moment: datetime | None) -> str:
    """A moment in the configured zone, to the minute; empty for none."""
    return moment.astimezone(settings().timezone).strftime("%Y-%m-%d %H:%M") if moment else ""


def format_money(amount: Decimal | None) -> str:
    """Yuan with separators, e.g. `¥860,000`; empty for none."""
    if amount is None:
        return ""
    return f"¥{amount:,.2f}".removesuffix(".00")


def format_number(number: Decimal) -> str:
    """A number with separators and all its digits, e.g. `1,250.5`."""
    return f"{number:,f}"


def format_age(day: date, today: date) -> str:
    """How long ago a day was, in words: today, 3 days ago, 2 months ago."""
    days = (today - day).days
    if days < 0:
        return format_date(day)
    if days == 0:
        return _("today")
    if days == 1:
        return _("yesterday")
    if days < 60:
        return _("{count} days ago").format(count=days)
    if days < 730:
        return _("{count} months ago").format(count=days // 30)
    return _("{count} years ago").format(count=days // 365)
