"""Normal forms by which values are compared: names of companies, phones, mailboxes."""

import re
import unicodedata
from functools import cache, lru_cache

from crm_core.reference import regions, short_name

_IGNORED = re.compile(r"[\s()（）\[\]【】<>《》·•,，.。、\-—_'\"“”]+")
_LIMITED = re.compile(r"有限责任公司$")
_FORM = re.compile(r"(集团|股份)?(有限)?(责任)?公司$")


@lru_cache(maxsize=4096)  # an import asks several times for each row
def name_key(name: str) -> str:
    """The form in which two spellings of one registered name are equal.

    Blanks, brackets, width and case do not count; 有限责任公司 is 有限公司; a place at the beginning is the same with its 省 or 市
    and without (杭州市恒远 is 杭州恒远). What may be another company stays apart and is a similarity at most: another place or none,
    股份有限公司 instead of 有限公司, 集团. Keys are stored: whoever changes this renews them in a migration.
    """
    folded = _IGNORED.sub("", unicodedata.normalize("NFKC", name)).casefold()
    return _places().sub(lambda found: "".join(part or "" for part in found.group("province", "city")), _LIMITED.sub("有限公司", folded))


def name_parts(key: str) -> tuple[str, str]:
    """Of a name's key the place, and what is its own: without the place before or behind it, and without the legal form.

    杭州恒远机械有限公司 and 恒远机械（杭州）股份有限公司 are both 杭州 and 恒远机械.
    """
    core = _FORM.sub("", key)
    begins = _places().match(core)
    place = begins.group() if begins else ""
    own = core.removeprefix(place)
    behind = "" if place else next((own[-size:] for size in (3, 2) if own[-size:] in _cities()), "")
    own = own.removesuffix(behind)
    return (place or behind, own) if len(own) >= 2 else ("", core)


def is_same_place(one: str, other: str) -> bool:
    """Whether two places of `name_parts` may be one: equal, one within the other, or one not given."""
    first, second = _levels(one), _levels(other)
    return first <= second or second <= first


@cache
def _levels(place: str) -> frozenset[str]:
    found = _places().match(place)
    named = {part for part in found.groups() if part} if found else set()
    return frozenset(named | {_province_of(part) for part in named})


@cache
def _province_of(name: str) -> str:
    for region in regions().values():
        if region.level == "city" and short_name(region.name) == name:
            return short_name(regions()[region.parent].name)
    return name


MUNICIPALITIES = frozenset({"110000", "120000", "310000", "500000"})
"""Provinces that are cities: 北京, 天津, 上海, 重庆."""


@cache
def _cities() -> frozenset[str]:
    return frozenset(short_name(region.name) for region in regions().values() if region.level == "city" or region.code in MUNICIPALITIES)


@cache
def _places() -> re.Pattern[str]:
    # 上海市场营销 is no 上海市 with a 场营销.
    provinces = "|".join(sorted({short_name(region.name) for region in regions().values() if region.level == "province"}, key=len)[::-1])
    cities = "|".join(sorted(_cities(), key=len)[::-1])
    kind = r"(?:省|市(?!场|政)|(?:壮族|回族|维吾尔)?自治区)?"
    return re.compile(rf"^(?:(?P<province>{provinces}){kind})?(?:(?P<city>{cities}){kind})?")


def phone_key(phone: str | None) -> str | None:
    """Only the digits of a phone, without an extension."""
    if not phone:
        return None
    parts = phone.split("-")
    return "".join(parts[:2]) if len(parts) > 1 else phone


def email_key(email: str | None) -> str | None:
    """A mailbox in lower case; None for 未提供."""
    return email.lower() if email and "@" in email else None
