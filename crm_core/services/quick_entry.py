"""Quick entry: one line such as “电话沟通报价，下周三回访” as a follow-up with its next plan: a guess, shown in the form for editing."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, time, timedelta

from dateutil.relativedelta import relativedelta

METHOD_WORDS: dict[str, tuple[str, ...]] = {
    "wechat": ("微信", "企微", "wechat", "wecom"),
    "email": ("邮件", "邮箱", "发信", "email", "e-mail", "mailed", "mail"),
    "meeting": ("会议", "开会", "视频会", "研讨", "meeting", "conference", "zoom", "met with"),
    "visit": ("拜访", "走访", "上门", "面谈", "到访", "参观", "visited", "visit"),
    "phone": ("电话", "致电", "通话", "来电", "打给", "phone", "called", "call", "rang"),
}
"""By which words each method is recognised; the method whose word stands first counts."""
_NUMBERS = {one: number for number, one in enumerate("零一二三四五六七八九十")} | {"两": 2, "〇": 0}
_DAYS = {"一": 0, "二": 1, "三": 2, "四": 3, "五": 4, "六": 5, "日": 6, "天": 6, **{str(one): one - 1 for one in range(1, 8)}}
_ENGLISH_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_ENGLISH_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NUMBER = r"(\d{1,3}|[一二两三四五六七八九十]{1,3})"
LONGEST = 1000
LONGEST_SUBJECT = 40
LOOKING_BACK = timedelta(days=60)
"""A day further back is what was spoken of, not when."""
_FILLERS = re.compile(r"^(?:(?:to|about|with|and|then|再|去|给|了|将|要|我|on|at|by)\s*(?=[^a-zA-Z]|(?<=\s)))+", re.IGNORECASE)


@dataclass(frozen=True)
class Guess:
    """What a line seems to say; what it does not say stays empty."""

    method: str = ""
    happened_on: date | None = None
    """The past day that it names; otherwise it happened today."""
    subject: str = ""
    content: str = ""
    next_on: date | None = None
    next_time: time | None = None
    goal: str = ""


def guess(line: str, today: date) -> Guess:
    """Read a line. Never raises: what is not understood is content."""
    text = " ".join(line.split())[:LONGEST]
    clauses = [one.strip() for one in re.split(r"[，,；;。!！\n]|\. ", text) if one.strip()]
    happened_on, next_on, next_time, goal = None, None, None, ""
    said: list[str] = []
    for clause in clauses:
        day, rest = _find_day(clause, today)
        if day is not None and day >= today and next_on is None and (day > today or _find_time(rest)[0]):
            next_time, rest = _find_time(rest)
            next_on, goal = day, _trimmed(rest)
        elif day is not None and today - LOOKING_BACK <= day < today and happened_on is None:
            happened_on = day
            said.append(_trimmed(rest) or clause)
        else:
            said.append(clause)
    method = _find_method(text)
    subject = _subject(said, method)
    return Guess(method, happened_on, subject, text, next_on, next_time, goal or (subject if next_on else ""))


def _find_method(text: str) -> str:
    low = text.casefold()
    places = {method: min((low.find(word) for word in words if word in low), default=-1) for method, words in METHOD_WORDS.items()}
    found = {method: place for method, place in places.items() if place >= 0}
    return min(found, key=lambda method: found[method]) if found else ""


def _subject(said: list[str], method: str) -> str:
    first = said[0] if said else ""
    for word in METHOD_WORDS.get(method, ()):
        bare = _trimmed(re.sub(re.escape(word), "", first, count=1, flags=re.IGNORECASE))
        if bare != first and len(bare) >= 2:
            return bare[:LONGEST_SUBJECT]
    return first[:LONGEST_SUBJECT]


def _trimmed(text: str) -> str:
    bare = _FILLERS.sub("", text.strip(" ,，、:：-"))
    return " ".join(bare.split()).strip(" ,，、:：-")


def _find_day(clause: str, today: date) -> tuple[date | None, str]:
    """The first day that a clause names, and the clause without it."""
    for pattern, reckon in _PATTERNS:
        match = pattern.search(clause)
        if match is None:
            continue
        try:
            day = reckon(match, today)
        except (ValueError, OverflowError):
            continue  # such as 2月30日: no day, so the next pattern may find one
        return day, clause[: match.start()] + " " + clause[match.end() :]
    return None, clause


def _find_time(text: str) -> tuple[time | None, str]:
    match = _TIME.search(text)
    if match is None:
        return None, text
    hour = _number(match["hour"])
    minute = 30 if match["half"] else int(match["minute"] or 0)
    part = (match["part"] or match["pm"] or "").casefold()
    if hour < 12 and part in ("下午", "晚上", "傍晚", "pm"):
        hour += 12
    if hour > 23 or minute > 59:
        return None, text
    return time(hour, minute), text[: match.start()] + " " + text[match.end() :]


_TIME = re.compile(
    r"(?P<part>上午|早上|中午|下午|傍晚|晚上)?(?:\bat\s+)?"
    r"(?P<hour>\d{1,2}|[一二两三四五六七八九十]{1,3})(?:(?:[:：](?P<minute>[0-5]\d))|点(?P<half>半)?钟?|\s?(?P<pm>am|pm)\b)",
    re.IGNORECASE,
)


def _number(text: str) -> int:
    if text.isdecimal():
        return int(text)
    tens, has_ten, ones = text.partition("十")
    return ((_NUMBERS.get(tens, 1) if tens else 1) * 10 + _NUMBERS.get(ones, 0)) if has_ten else _NUMBERS.get(text, 0)


def _week(today: date, weeks: int, weekday: int) -> date:
    return today - timedelta(days=today.weekday()) + timedelta(weeks=weeks, days=weekday)


def _coming(today: date, weekday: int) -> date:
    return today + timedelta(days=(weekday - today.weekday()) % 7 or 7)


def _chinese_week(match: re.Match[str], today: date) -> date:
    if not match["which"]:
        return _coming(today, _DAYS[match["day"]])
    weeks = {"上": -1, "下": 1, "本": 0, "这": 0}[match["which"][0]] * max(match["which"].count("下"), 1)
    return _week(today, weeks, _DAYS[match["day"]])


def _of_year(today: date, month: int, day: int) -> date:
    """The day of this year, or of the next one where it lies more than half a year back."""
    found = date(today.year, month, day)
    return date(today.year + 1, month, day) if found < today - timedelta(days=182) else found


def _english_month(match: re.Match[str], today: date) -> date:
    return _of_year(today, _ENGLISH_MONTHS.index(match["month"][:3].casefold()) + 1, int(match["day"]))


def _later(match: re.Match[str], today: date) -> date:
    count, unit = _number(match[1]), match[2].casefold()
    if unit[0] in "天日d":
        return today + timedelta(days=count)
    return today + (timedelta(weeks=count) if unit[0] in "周星礼w" else relativedelta(months=count))


def _english_week(match: re.Match[str], today: date) -> date:
    weekday = _ENGLISH_DAYS.index(match["day"].casefold())
    which = (match["which"] or "").strip().casefold()
    return _week(today, {"next": 1, "last": -1}[which], weekday) if which in ("next", "last") else _coming(today, weekday)


_RELATIVE = {"大前天": -3, "前天": -2, "昨天": -1, "昨日": -1, "昨晚": -1, "yesterday": -1, "今天": 0, "今日": 0, "today": 0}
_RELATIVE |= {"明天": 1, "明日": 1, "明早": 1, "tomorrow": 1, "后天": 2, "the day after tomorrow": 2, "大后天": 3}
_RELATIVE_WORDS = re.compile("|".join(sorted(_RELATIVE, key=len, reverse=True)), re.IGNORECASE)
_PATTERNS: list[tuple[re.Pattern[str], Callable[[re.Match[str], date], date]]] = [
    (re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?"), lambda found, _today: date(int(found[1]), int(found[2]), int(found[3]))),
    (re.compile(r"(\d{1,2})月(\d{1,2})[日号]?"), lambda found, today: _of_year(today, int(found[1]), int(found[2]))),
    (re.compile(r"下个?月(\d{1,2})[日号]"), lambda found, today: (today + relativedelta(months=1)).replace(day=int(found[1]))),
    (re.compile(r"下个?月底"), lambda _found, today: today + relativedelta(months=1, day=31)),
    (re.compile(r"下个?月初"), lambda _found, today: today + relativedelta(months=1, day=1)),
    (re.compile(r"下个?月"), lambda _found, today: today + relativedelta(months=1)),
    (re.compile(r"(?:本|这个?)?月底"), lambda _found, today: today + relativedelta(day=31)),
    (re.compile(rf"(?:过|再过|等)?{_NUMBER}个?(天|日|周|星期|礼拜|月)(?:之?后|以后)"), _later),
    (re.compile(r"(?P<which>上个?|下+个?|本|这个?)?(?:周|星期|礼拜)(?P<day>[一二三四五六日天1-7])"), _chinese_week),
    (re.compile(r"下个?(?:周|星期|礼拜)"), lambda _found, today: _week(today, 1, 0)),
    (_RELATIVE_WORDS, lambda found, today: today + timedelta(days=_RELATIVE[found[0].lower()])),
    (re.compile(r"\bin\s+(\d{1,3})\s+(day|week|month)s?\b", re.IGNORECASE), _later),
    (re.compile(rf"\b(?:on\s+)?(?P<which>next\s+|last\s+|this\s+)?(?P<day>{'|'.join(_ENGLISH_DAYS)})\b", re.IGNORECASE), _english_week),
    (re.compile(r"\bnext\s+week\b", re.IGNORECASE), lambda _found, today: _week(today, 1, 0)),
    (re.compile(r"\bnext\s+month\b", re.IGNORECASE), lambda _found, today: today + relativedelta(months=1)),
    (
        re.compile(rf"\b(?:on\s+)?(?P<month>{'|'.join(_ENGLISH_MONTHS)})[a-z]*\.?\s+(?P<day>\d{{1,2}})\b", re.IGNORECASE),
        _english_month,
    ),
]
"""How days are written, the more exact ones first."""
