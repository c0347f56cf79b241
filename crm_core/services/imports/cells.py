"""From a cell to the value of a field: texts of numbers and days, labels of either language to codes, lists split."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from functools import cache, partial
from math import isfinite
from typing import Any

from crm_core.fields import SEVERAL, Field, Widget
from crm_core.models import KINDS
from crm_core.services.custom_fields import YES_NO
from crm_core.services.imports.table import Cell
from crm_core.services.library import Library
from crm_core.validation import clean_text

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")

_SPREADSHEET_EPOCH = date(1899, 12, 30)
_FIRST_SERIAL, _LAST_SERIAL = 10_000, 80_000
_DAY_AND_TIME = re.compile(r"(\d{4}\D\d{1,2}\D\d{1,2}日?)[ T]+\d{1,2}:\d{2}.*")
_LIST = re.compile(r"[;；,，、|\n]+")
_KIND_WORDS = {
    "公司": "enterprise",
    "单位": "enterprise",
    "company": "enterprise",
    "organization": "enterprise",
    "organisation": "enterprise",
    "自然人": "individual",
    "个人客户": "individual",
    "企业客户": "enterprise",
    "person": "individual",
}

_YES_NO_WORDS = {"true": "yes", "1": "yes", "y": "yes", "√": "yes", "有": "yes"}
_YES_NO_WORDS |= {"false": "no", "0": "no", "n": "no", "×": "no", "x": "no", "无": "no", "没有": "no"}

Converter = Callable[[Cell], Any]


def converter(field: Field, library: Library) -> Converter:
    """The function that turns a cell into what validation expects of `field`; unknown words stay, so that validation can name them."""
    if field.widget is Widget.DATE:
        return day_of
    if field.widget in (Widget.MONEY, Widget.NUMBER):
        return _amount_of
    find = _finder(field, library)
    if find is None:
        return text_of
    return partial(_codes_of if field.widget in SEVERAL else _code_of, find=find)


def in_our_words(cell: Cell, *, convert: Converter, words: Mapping[str, str]) -> Any:
    """The value of a cell whose text the plan gives another word for."""
    return convert(words.get(text_of(cell).strip(), cell))


def text_of(cell: Cell) -> str:
    """The text of a cell as a person reads it: 13800001234.0 is 13800001234, a day is 2023-05-10; an impossible number is empty."""
    if isinstance(cell, str):
        # The mark that a workbook of failed rows puts before what looks like a formula.
        return cell[1:] if cell[:1] == "'" and cell[1:2] in FORMULA_STARTS and len(cell) > 1 else cell
    if cell is None:
        return ""
    if isinstance(cell, float):
        return _text_of_number(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(" ", "minutes")
    return str(cell)


def _text_of_number(number: float) -> str:
    if not isfinite(number):
        return ""
    return str(int(number)) if number.is_integer() and abs(number) < 1e18 else repr(number)


def day_of(cell: Cell) -> date | str:
    """A day: as the spreadsheet says, from its serial number, or the text without the time of day."""
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    if isinstance(cell, (int, float)) and _FIRST_SERIAL <= cell < _LAST_SERIAL:
        return _SPREADSHEET_EPOCH + timedelta(days=int(cell))
    text = text_of(cell).strip()
    found = _DAY_AND_TIME.fullmatch(text)
    return found.group(1) if found else text


def _amount_of(cell: Cell) -> Any:
    return cell if isinstance(cell, int) and not isinstance(cell, bool) else text_of(cell)


def _code_of(cell: Cell, *, find: Callable[[str], str | None]) -> str:
    text = text_of(cell)
    return find(text) or text


def _codes_of(cell: Cell, *, find: Callable[[str], str | None]) -> list[str]:
    parts = (part.strip() for part in _LIST.split(text_of(cell)))
    return list(dict.fromkeys(find(part) or part for part in parts if part))


def _finder(field: Field, library: Library) -> Callable[[str], str | None] | None:
    if field.choices is not None:
        labels = labels_of(field.name, tuple((code, tuple(field.names_of_choice(code))) for code in field.choices))
        return lambda text: labels.get(clean_text(text).casefold())
    if field.preset:
        return partial(library.find, field.preset)
    return None


@cache
def labels_of(name: str, choices: tuple[tuple[str, tuple[str, ...]], ...]) -> Mapping[str, str]:
    """Codes of fixed choices by code and by label in every language."""
    codes = {word.casefold(): code for code, labels in choices for word in (code, *labels)}
    if tuple(code for code, _labels in choices) == tuple(YES_NO):
        return {**_YES_NO_WORDS, **codes}
    return {**_KIND_WORDS, **codes} if name == "kind" and len(choices) == len(KINDS) else codes
